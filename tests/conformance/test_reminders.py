"""Reminders of points that are about to lapse, on every ledger: by the sweep, each once for ever, whatever dies."""

from pathlib import Path
from typing import Any

import pytest
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import ENGINES, Fresh
from tests.conformance.steps import instant

pytestmark = pytest.mark.anyio

PLAIN: dict[str, Any] = {
    "version": 1,
    "earn": {"points": 1, "per": {"GBP": "1.00"}, "rounding": "floor"},
    "expiry": {"kind": "after-months", "months": 6, "round": "end-of-month"},
}
REMINDING = PLAIN | {"expiry": PLAIN["expiry"] | {"remind_days": [30, 7]}}


async def told(book: LedgerBook) -> list[tuple[str, int]]:
    return [(message.milestone, message.points) for message in await book.ledger.messages("m")]


async def swept(book: LedgerBook, at: str) -> list[tuple[str, int]]:
    """The reminders of the member `m` after a sweep at an instant, which a process that dies had begun before."""
    book.now = instant(at)
    await book.died()
    for _ in range(2):
        await book.step({"do": "sweep"})
    return await told(book)


async def buy(book: LedgerBook, order: str, at: str, total: str) -> None:
    await book.step({"do": "order", "order": order, "at": at, "lines": [{"sku": "x", "unit_price": total}]})


@pytest.mark.parametrize("engine", ENGINES)
async def test_two_of_a_month_and_none_for_points_that_were_spent(engine: str, fresh: Fresh, tmp_path: Path) -> None:
    book = LedgerBook(fresh(), tmp_path)
    await book.begin([REMINDING])
    await book.ledger.enrol([("m", "m@example.com")], actor="clerk")
    await buy(book, "a", "2026-01-10T12:00:00Z", "40.00")
    await buy(book, "b", "2026-01-20T12:00:00Z", "10.00")
    await buy(book, "c", "2026-02-10T12:00:00Z", "7.00")
    assert await swept(book, "2026-06-30T12:00:00Z") == []
    first = ("lapse:2026-07:30", 50)
    assert await swept(book, "2026-07-02T12:00:00Z") == [first]
    await book.step({"do": "redeem", "id": "r", "at": "2026-07-03T12:00:00Z", "points": 45})
    second = ("lapse:2026-07:7", 5)
    assert await swept(book, "2026-07-25T12:00:00Z") == [first, second]
    assert await swept(book, "2026-08-01T12:00:00Z") == [first, second]
    third = ("lapse:2026-08:30", 7)
    assert await swept(book, "2026-08-02T12:00:00Z") == [first, second, third]
    assert await book.findings() == []
    await book.close()


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_version_that_begins_to_remind_does_so_of_older_points(
    engine: str, fresh: Fresh, tmp_path: Path
) -> None:
    book = LedgerBook(fresh(), tmp_path)
    later = REMINDING | {"version": 2, "from": "2026-03-01T00:00:00Z"}
    await book.begin([PLAIN, later])
    await buy(book, "a", "2026-01-10T12:00:00Z", "40.00")
    await buy(book, "b", "2026-03-10T12:00:00Z", "10.00")
    assert await swept(book, "2026-07-02T12:00:00Z") == [("lapse:2026-07:30", 40)]
    await book.close()
