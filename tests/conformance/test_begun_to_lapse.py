"""A version by which points lapse where nothing happens comes into force among members of whom nothing happens any
more: they are told alike everywhere, and what lapsed is written down, though no document of theirs ever comes.
"""

from pathlib import Path
from typing import Any

import pytest
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import ENGINES, Fresh
from tests.conformance.steps import instant
from tests.conformance.toml_text import toml_text

from laurels.awarding import journal, liability, members_at, weekly_report
from laurels.clock import DAY
from laurels.ledger.rollups import DuePoints
from laurels.program import parse_program
from laurels.rollups import Days, look_at_due

pytestmark = pytest.mark.anyio

RULES: dict[str, Any] = {"version": 1, "rates": [{"name": "all", "points": 1, "per": {"GBP": "1.00"}}]}
LAPSING = RULES | {"version": 2, "from": "2026-01-20T00:00:00Z", "expiry": {"kind": "inactivity", "months": 1}}
TIERS = RULES | {"tiers": {"levels": [{"name": "blue", "reach": 0}]}}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("first", [RULES, TIERS], ids=["simple", "with states"])
async def test_points_of_the_silent_lapse_in_the_books_too(
    engine: str, first: dict[str, Any], fresh: Fresh, tmp_path: Path
) -> None:
    book = LedgerBook(fresh(), tmp_path)
    await book.begin([first])
    await book.step({"do": "order", "order": "a", "member": "ann", "total": "10.00", "at": "2026-01-02T00:00:00Z"})
    await book.step({"do": "order", "order": "b", "member": "bob", "total": "20.00"})
    book.now += 5 * DAY
    await book.publish(parse_program(toml_text(LAPSING)))
    await book.step({"do": "order", "order": "c", "member": "bob", "total": "5.00", "at": "2026-01-25T00:00:00Z"})
    await book.step({"do": "order", "order": "d", "member": "cy", "total": "7.00", "at": "2026-02-25T00:00:00Z"})
    book.now = instant("2026-03-01T00:00:00Z")
    pages = {member: (await book.state(member)).active for member in ("ann", "bob", "cy")}
    assert pages == {"ann": 0, "bob": 0, "cy": 7}
    for now in (book.now, book.now + 1):
        assert (await liability(book.ledger, book.programs, book.now, now)).total == 7
    week = await weekly_report(book.ledger, book.programs, starts=book.now - DAY, ends=book.now + 1, now=book.now)
    assert (week.liability.total, week.lapsing) == (7, {"30": 0, "60": 7, "90": 7}), "at the end of March"
    await _looked(book)
    assert (await book.ledger.due(20260301, 20270101))[1] == [DuePoints("lapse", 20260401, 7, 1)]
    assert (await journal(book.ledger, book.programs, None, None)).points == 7
    assert [(await book.totals(member)).balance for member in pages] == [0, 0, 7]
    late = [seen.number async for seen in members_at(book.ledger, book.programs, book.now) if seen.since is not None]
    assert late == []
    feed = (await book.ledger.heads()).marks
    await _looked(book)
    assert (await book.ledger.heads()).marks == feed
    assert await book.findings() == []
    await book.close()


async def _looked(book: LedgerBook) -> None:
    """What the role that reports does, and then the one that sweeps."""
    seen = members_at(book.ledger, book.programs, book.now)
    await look_at_due(book.ledger, book.now, seen, Days(book.programs.current.zone))
    await book.step({"do": "sweep"})
