"""A till's house account has most of the orders and their refunds: what is read of it costs by what is there.

Costs are counted in steps of SQLite's machine, which no other process changes.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from laurels.awarding import Awarder, Programs, recount_of
from laurels.engines.sqlite import SqliteLedger, verifying
from laurels.engines.sqlite.connection import Database
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import order, refund

pytestmark = pytest.mark.anyio

PROGRAMS = Programs.of(parse_program(DEFAULT_PROGRAM))
REFUNDS = 4
FEW, MANY = 60, 240
GROWTH = MANY / FEW
STEPS_A_TICK = 10


async def test_verifying_costs_by_entries(tmp_path: Path) -> None:
    few, many = [await _steps(tmp_path / f"{orders}.db", orders, _verify) for orders in (FEW, MANY)]
    assert many < 1.2 * GROWTH * few


async def test_what_an_order_led_to_costs_the_same_whatever_its_member_has(tmp_path: Path) -> None:
    few, many = [await _steps(tmp_path / f"{orders}.db", orders, _read_one) for orders in (FEW, MANY)]
    assert many < 1.2 * few


async def test_what_one_order_with_many_refunds_led_to_costs_by_their_number(tmp_path: Path) -> None:
    few, many = [await _steps(tmp_path / f"{n}.db", 1, _read_one, refunds=n) for n in (FEW, MANY)]
    assert many < 1.2 * GROWTH * few


async def _steps(path: Path, orders: int, read: Callable[[Database], int], refunds: int = REFUNDS) -> int:
    """Steps that a read takes, in a ledger whose one member has so many orders, each with so many refunds."""
    ledger = SqliteLedger.open(path)
    program = parse_program(DEFAULT_PROGRAM)
    await ledger.publish(program.version, program.text, None, actor="test")
    await ledger.accept([order(f"A{n}", "till", "500.00").document() for n in range(orders)])
    for start in range(refunds):
        await ledger.accept([refund(f"R{n}-{start}", "till", "1.00", f"A{n}").document() for n in range(orders)])
    await Awarder(ledger, PROGRAMS).drain()
    await ledger.close()
    ticks = 0

    def tick() -> bool:
        nonlocal ticks
        ticks += 1
        return False

    with closing(Database(path, read_only=True)) as db:
        db.connection.set_progress_handler(tick, STEPS_A_TICK)
        assert read(db) == orders * (1 + refunds) or read is _read_one
    return ticks


def _verify(db: Database) -> int:
    """How many entries were checked."""
    checked = 0
    for step in verifying.verify(db, recount_of(PROGRAMS)):
        assert step.findings == ()
        checked = step.checked
    return checked - 1  # the enrolment


def _read_one(db: Database) -> int:
    return len(db.all("order_entries", "shop", "A0"))
