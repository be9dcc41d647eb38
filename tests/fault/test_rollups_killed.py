"""The roll-ups are exact whenever the process that keeps them is killed."""

import random
import signal
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.ledgers import open_ledger

from laurels.awarding import journal
from laurels.ledger.rollups import Basis, Grouping
from laurels.program import DEFAULT_PROGRAM
from laurels.rollups import RollingUp, format_period, movement, roll_up_findings
from laurels.testing.ledger_contract.base import Shop, TurnedClock
from laurels.testing.ledger_contract.rolling_up import live

pytestmark = [pytest.mark.anyio, pytest.mark.long]

LONDON = ZoneInfo("Europe/London")
EVER = 99_991_231
KEEP = """
import asyncio, sys
from pathlib import Path
from zoneinfo import ZoneInfo
from tests.ledgers import open_ledger
from laurels.rollups import RollingUp

async def main():
    ledger = await open_ledger(Path(sys.argv[1]))
    rolling = RollingUp(ledger, ZoneInfo("Europe/London"))
    print("begun", flush=True)
    while await rolling.step(at_once=2) is not False:
        print("stepped", flush=True)
        sys.stdin.readline()  # until it is let go on: no step more than one is done before the kill
    print("done", flush=True)

asyncio.run(main())
"""


async def test_a_kill_at_any_step_leaves_them_exact(tmp_path: Path, seed: int) -> None:
    """Killed after so many steps, wherever the next one is by then; the next process goes on, until one is done."""
    rng = random.Random(seed)
    path = tmp_path / "laurels.db"
    shop = Shop(await open_ledger(path, TurnedClock()), TurnedClock())
    await _sold(shop, rng, 120)
    kills = 0
    while not _is_done(path, rng.randrange(1, 12)):
        kills += 1
        findings = [finding async for finding in roll_up_findings(shop.ledger, LONDON)]
        assert findings == [], (seed, kills)
    assert kills > 3
    assert [finding async for finding in roll_up_findings(shop.ledger, LONDON)] == []
    assert await RollingUp(shop.ledger, LONDON).step() is False
    await shop.ledger.close()


@pytest.mark.parametrize("seed", range(200))
async def test_random_histories_add_up_to_all_balances(seed: int, tmp_path: Path) -> None:
    shop = Shop(await open_ledger(tmp_path / "laurels.db", TurnedClock()), TurnedClock())
    await _sold(shop, random.Random(seed), 25)
    await RollingUp(shop.ledger, LONDON).reach()
    assert [finding async for finding in roll_up_findings(shop.ledger, LONDON)] == []
    _, cells = await shop.ledger.all_cells()
    points = sum(sums.points for cell, sums in cells.items() if cell.basis == "recorded")
    assert points == sum([(await shop.balance(f"m{n}")).balance for n in range(5)])
    await _is_what_the_journal_says(shop)
    await shop.ledger.close()


async def _is_what_the_journal_says(shop: Shop) -> None:
    """What `laurels report journal` adds up from the entries is what the roll-ups have, by day, kind and market; and
    statements of consecutive days tile.
    """
    told: Counter[tuple[str, str, str]] = Counter()
    for line in (await journal(shop.ledger, shop.programs, None, None)).lines:
        told[line.day, line.kind, line.market] += line.points
    summed: Counter[tuple[str, str, str]] = Counter()
    whole = await movement(shop.ledger, Basis.RECORDED, 0, EVER, Grouping())
    for each in whole.lines:
        summed[format_period(each.period), each.kind, each.market] += each.points
    assert +summed == +told
    assert -summed == -told
    days = [*sorted({each.period for each in whole.lines}), EVER]
    closing: dict[str, int] = {}
    for since, until in pairwise([0, *days]):
        part = await movement(shop.ledger, Basis.RECORDED, since, until, Grouping())
        assert {market: points for market, points in part.opening.items() if points} == closing
        closing = {market: points for market, points in part.closing.items() if points}
    assert closing == {market: points for market, points in whole.closing.items() if points}


async def _sold(shop: Shop, rng: random.Random, steps: int) -> None:

    await shop.adopt(DEFAULT_PROGRAM)
    await live(shop, rng, steps)


def _is_done(path: Path, steps: int) -> bool:
    """Keep the roll-ups in a process of its own and kill it after so many steps. Whether it was done before."""
    command = [sys.executable, "-c", KEEP, str(path)]
    keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    said = ""
    for _ in range(steps):
        said = keeper.stdout.readline().strip()
        if said in {"done", ""}:
            break
        if said == "stepped":
            keeper.stdin.write("\n")
            keeper.stdin.flush()
    keeper.send_signal(signal.SIGKILL)
    keeper.stdin.close()
    keeper.stdout.close()
    keeper.wait()
    assert said, "it ended by itself"
    return said == "done"
