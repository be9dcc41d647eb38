"""A month's end on SQLite: each member whose time has come is written down once, by work that grows with them alone."""

from pathlib import Path

import pytest
from tests.ledgers import open_ledger

from laurels.awarding import Awarder, publish
from laurels.clock import DAY
from laurels.engines.sqlite.connection import Database
from laurels.model import EntryKind, Order
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import TurnedClock

pytestmark = pytest.mark.anyio

PROGRAM = DEFAULT_PROGRAM + '\n[expiry]\nkind = "after-months"\nmonths = 12\nround = "end-of-month"\n'


def bought(order: str, member: str, at: int) -> Order:
    return Order(source="shop", order_id=order, member_id=member, currency="GBP", total=2500, occurred_at=at)


async def test_everybody_whose_points_lapse_at_one_midnight_is_written_down_once(tmp_path: Path) -> None:
    now = TurnedClock()
    ledger = await open_ledger(tmp_path / "laurels.db", now)
    awarder = Awarder(ledger, await publish(ledger, parse_program(PROGRAM), at_start=True), now)
    orders = [bought(f"A{n}", f"m{n}", now.at) for n in range(7)]
    orders += [bought(f"B{n}", f"m{n}", now.at - 40 * DAY) for n in range(3)]  # these lapse a month sooner
    await ledger.accept([order.document() for order in orders])
    await awarder.drain()
    now.at += 430 * DAY
    looked = []
    while step := await awarder.sweep(limit=4):
        looked.append(step)
    assert sum(looked) >= 7
    lapsed = [
        (entry.loyalty_id, -entry.points)
        for n in range(7)
        for entry in await ledger.entries(f"m{n}")
        if entry.kind is EntryKind.EXPIRE
    ]
    assert len(lapsed) == 10
    assert {points for _, points in lapsed} == {3}
    assert await awarder.sweep() == 0
    await ledger.close()


def test_what_was_written_down_is_deleted_by_its_key_whatever_else_is_due(tmp_path: Path) -> None:
    """With a million members due at one instant, a look over all of them for each is a day's work."""
    db = Database(tmp_path / "plan.db")
    db.connection.execute(
        "CREATE TABLE due (shard, at, member, what, PRIMARY KEY (shard, at, member, what)) WITHOUT ROWID"
    )
    rows = [(0, 1, member, b"") for member in range(20_000)]
    db.connection.executemany("INSERT INTO due VALUES (?, ?, ?, ?)", rows)
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 1
        return False

    db.connection.set_progress_handler(count, 100)
    claimed = db.all("claim_due", 0, 1, 50)
    assert claimed == [(1, member) for member in range(50)]
    db.run("delete_due", 0, *claimed[-1])
    db.connection.set_progress_handler(None)
    assert list(db.connection.execute("SELECT count(*), min(member) FROM due")) == [(19_950, 50)]
    assert steps < 100, "more than 10,000 steps for 50 rows"
