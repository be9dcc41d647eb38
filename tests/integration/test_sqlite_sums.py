"""Sums that are remembered are those of the roll-ups as they are now."""

from pathlib import Path

import apsw
import pytest
from tests.ledgers import open_ledger

from laurels.awarding import Awarder, publish
from laurels.ledger import Ledger
from laurels.ledger.rollups import PER_ALL, Basis, Grouping
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.rollups import RollingUp
from laurels.testing.ledger_contract.base import order

pytestmark = pytest.mark.anyio

EVER = (Basis.RECORDED, 0, 99_991_231, Grouping(per=PER_ALL))
NOW = 1_790_000_000_000_000


async def earned(ledger: Ledger) -> int:
    """Points that the roll-ups have, asked as reports do."""
    return sum(sums.points for _, sums in await ledger.sums(*EVER))


async def test_sums_follow_the_roll_ups(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path / "laurels.db")
    program = parse_program(DEFAULT_PROGRAM)
    awarder, rolling = Awarder(ledger, await publish(ledger, program)), RollingUp(ledger, program.zone)
    for n in range(1, 5):
        await ledger.accept([order(f"o{n}", "ann", "25.00").document()])
        await awarder.drain()
        assert await earned(ledger) == 3 * (n - 1), "not counted yet"
        await rolling.reach()
        assert await earned(ledger) == await earned(ledger) == 3 * n
    (await ledger.sums(*EVER)).clear()
    assert await earned(ledger) == 12, "what one asker does with them is no other's"
    await ledger.close()


async def test_sums_that_are_made_anew_are_read_anew(tmp_path: Path) -> None:
    """Up to the same entry as before, where nobody asked meanwhile: another process does it."""
    ledger = await open_ledger(tmp_path / "laurels.db")
    program = parse_program(DEFAULT_PROGRAM)
    awarder, rolling = Awarder(ledger, await publish(ledger, program)), RollingUp(ledger, program.zone)
    await ledger.accept([order("o1", "ann", "25.00").document()])
    await awarder.drain()
    await rolling.reach()
    await ledger.write_due(NOW, [])  # as the role that reports does, each time that it looks
    with apsw.Connection(str(tmp_path / "laurels.db")) as damaged:
        damaged.execute("UPDATE rollup_cell SET points = points + 1000 WHERE kind = 'earn'")
    assert await earned(ledger) != 3
    other = await open_ledger(tmp_path / "laurels.db")
    await other.begin_roll_ups((await other.rolled_up()).scheme)
    await RollingUp(other, program.zone).reach()
    await other.close()
    assert await earned(ledger) == 3
    await ledger.close()
