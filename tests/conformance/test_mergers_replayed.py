"""Members that became one are judged again as they were, and joined where they were joined."""

from pathlib import Path
from typing import Any

import pytest
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import ENGINES, Fresh
from tests.conformance.toml_text import toml_text

from laurels.awarding import liability, rehearse, weekly_report
from laurels.clock import DAY, MINUTE
from laurels.program import Program, parse_program

pytestmark = pytest.mark.anyio

RULES: dict[str, Any] = {"version": 1, "rates": [{"name": "all", "points": 1, "per": {"GBP": "1.00"}}]}
SEGMENTS = RULES | {
    "campaigns": [
        {"name": "vip", "points": 50, "where": {"segment": ["vip"]}, "caps": {"ever": 50}},
        {"name": "first", "points": 7, "where": {"nth_order": 1}},
    ]
}


async def _told_again(book: LedgerBook, ends: int | None = None) -> None:
    then = await liability(book.ledger, book.programs, book.now, book.now)
    assert await liability(book.ledger, book.programs, book.now, book.now + 1) == then
    stand: list[tuple[int | None, Program]] = [(None, program) for program in book.programs.published.values()]
    again = await rehearse(book.ledger, stand, book.programs.current, begins=None, ends=ends or book.now + 1)
    assert (again.gain, again.lose, again.quarantined, again.changed_orders) == (0, 0, {}, 0)
    if ends is None:
        assert again.points == then.total


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_the_shop_said_of_one_goes_with_it(engine: str, fresh: Fresh, tmp_path: Path) -> None:
    """Ann becomes Bob before he has a document, who orders and becomes Cy: of him it is said what was of Bob."""
    book = LedgerBook(fresh(), tmp_path)
    await book.begin([SEGMENTS])
    await book.ledger.enrol([(member, None) for member in ("ann", "bob", "cy")], actor="clerk")
    await book.step({"do": "adjust", "member": "ann", "points": 9})
    await book.step({"do": "attributes", "member": "bob", "set": {"segments": ["vip"]}})
    for ends, goes_on in (("ann", "bob"), ("bob", "cy")):
        await book.step({"do": "merge", "member": ends, "into": goes_on})
        book.now += MINUTE
        order = {"do": "order", "order": f"of {goes_on}", "member": goes_on, "total": "10.00"}
        given = await book.step(order)
        assert given["points"] == (67 if goes_on == "bob" else 10), "once in all, whoever it is"
        await book.step({"do": "refund", "order": "of bob", "amount": "2.00"})
    await _told_again(book)
    await book.close()


@pytest.mark.parametrize("engine", ENGINES)
async def test_who_became_another_is_no_member_any_more(engine: str, fresh: Fresh, tmp_path: Path) -> None:
    """Neither in what is owed, now and then, nor in the week's tiers, nor among those whose tier would change."""
    book = LedgerBook(fresh(), tmp_path)
    tiers = {"levels": [{"name": "blue", "reach": 0}, {"name": "gold", "reach": 500}]}
    await book.begin([RULES | {"tiers": tiers}])
    for member in ("ann", "bob", "cy"):
        await book.step({"do": "order", "order": f"of {member}", "member": member, "total": "10.00"})
    book.now += MINUTE
    before = await liability(book.ledger, book.programs, book.now, book.now)
    assert before.members == 3
    for ends, goes_on in (("ann", "bob"), ("bob", "cy")):
        await book.step({"do": "merge", "member": ends, "into": goes_on})
    await _told_again(book)
    for now in (book.now, book.now + 1):
        assert (await liability(book.ledger, book.programs, book.now, now)).members == 1
    week = await weekly_report(book.ledger, book.programs, starts=book.now - DAY, ends=book.now + 1, now=book.now)
    assert (week.tiers, week.liability.members) == ({"blue": 1}, 1)
    renamed = tiers | {"levels": [{"name": "white", "reach": 0}]}
    tried = parse_program(toml_text(RULES | {"version": 2, "from": "2027-01-01T00:00:00Z", "tiers": renamed}))
    stand: list[tuple[int | None, Program]] = [(None, program) for program in book.programs.published.values()]
    found = await rehearse(book.ledger, stand, tried, begins=None, ends=book.now + 1)
    assert (found.tiers, found.alike) == ({"blue -> white": 1}, 1)
    assert await book.findings() == []
    await book.close()


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_was_let_go_of_later_keeps_nobody_from_being_joined(
    engine: str, fresh: Fresh, tmp_path: Path
) -> None:
    """A rehearsal of what occurred before an instant: points were set aside before it, and let go of behind it."""
    book = LedgerBook(fresh(), tmp_path)
    await book.begin([RULES])
    await book.ledger.enrol([("ann", None), ("bob", None)], actor="clerk")
    await book.step({"do": "order", "order": "o1", "member": "ann", "total": "30.00"})
    await book.step({"do": "hold", "id": "h1", "member": "ann", "points": 20, "minutes": 60})
    ends = book.now + MINUTE
    book.now += 2 * MINUTE
    await book.step({"do": "void", "id": "h1", "member": "ann"})
    await book.step({"do": "merge", "member": "ann", "into": "bob"})
    await _told_again(book, ends)
    await _told_again(book)
    await book.close()


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_budget_that_was_lowered_gives_no_room_elsewhere(engine: str, fresh: Fresh, tmp_path: Path) -> None:
    """What a version has overdrawn is not taken for room that another shard left."""
    book = LedgerBook(fresh(), tmp_path)
    double = {"name": "double", "multiply": "2"}
    later = {"version": 2, "from": "2026-01-03T00:00:00Z"}
    await book.begin(
        [
            RULES | {"campaigns": [double | {"budget": 100}]},
            RULES | later | {"campaigns": [double | {"budget": 50}]},
        ]
    )
    await book.ledger.enrol([("ann", None), ("bob", None)], actor="clerk")
    await book.step({"do": "order", "order": "o1", "member": "ann", "total": "80.00"})
    book.now += 5 * DAY
    assert (await book.step({"do": "order", "order": "o2", "member": "bob", "total": "30.00"}))["points"] == 30
    tried = RULES | {"version": 3, "from": "2026-01-02T00:00:00Z", "campaigns": [double | {"budget": 100}]}
    program, stand = (
        parse_program(toml_text(tried)),
        [(each.from_at, each) for each in book.programs.published.values()],
    )
    found = await rehearse(book.ledger, stand, program, begins=program.from_at, ends=book.now + 1)
    assert (found.points, found.would_be) == (190, 210), "20 of the budget were left"
    await book.close()
