"""A rehearsal knows what the shop says of members: campaigns that ask for it come out of the ledger as they went in,
and a name that nothing had is told.
"""

from pathlib import Path
from typing import Any

import pytest
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import Fresh
from tests.conformance.toml_text import toml_text

from laurels.awarding import Rehearsal, liability, rehearse
from laurels.errors import Refused
from laurels.program import Program, parse_program

pytestmark = pytest.mark.anyio

RULES: dict[str, Any] = {
    "version": 1,
    "rates": [{"name": "all", "points": 1, "per": {"GBP": "1.00"}}],
    "campaigns": [
        {"name": "birthday", "points": 100, "where": {"birthday_within_days": 1}},
        {"name": "students", "multiply": "2", "where": {"segment": ["student"]}},
        {"name": "loyal", "points": 7, "where": {"member_for_days": 3}},
        {"name": "half of all", "points": 50, "holdout": "50%"},
    ],
}
SAID = (("m", {"birthday": "01-05", "segments": ["student"]}), ("w", {"birthday": "08-01"}))


@pytest.fixture(params=["sqlite, 16 shards", pytest.param("postgres", marks=pytest.mark.long)])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def book(engine: str, fresh: Fresh, tmp_path: Path) -> LedgerBook:
    book = LedgerBook(fresh(), tmp_path)
    await book.begin([RULES])
    members = ["m", "w", *(f"n{number}" for number in range(8))]
    await book.ledger.enrol([(member, None) for member in members], actor="clerk")
    for member, said in SAID:
        await book.step({"do": "attributes", "member": member, "set": said, "at": "2026-01-02T00:00:00Z"})
    for number, member in enumerate(members * 2):
        day = "2026-01-03" if number < len(members) else "2026-01-06"
        await book.step(
            {"do": "order", "order": f"o{number}", "member": member, "total": "10.00", "at": f"{day}T10:00:00Z"}
        )
    return book


async def rehearsed(book: LedgerBook, new: dict[str, Any]) -> Rehearsal:
    stand: list[tuple[int | None, Program]] = [(None, program) for program in book.programs.published.values()]
    return await rehearse(book.ledger, stand, parse_program(toml_text(new)), begins=None, ends=book.now + 1)


async def test_what_was_said_of_members_counts_again(book: LedgerBook) -> None:
    same = await rehearsed(book, RULES)
    assert (same.points, same.gain, same.lose, same.never, same.unseen) == (same.would_be, 0, 0, [], [])
    assert {name: n for name, n in same.parts.items() if name in {"birthday", "students", "loyal"}} == {
        "birthday": 100,
        "students": 20,
        "loyal": 70,
    }
    assert same.parts.get("half of all", 0) % (2 * 50) == 0  # a member is held out of all its orders
    assert (await liability(book.ledger, book.programs, book.now, book.now + 1)).total == same.points
    await book.close()


async def test_a_name_that_nothing_had_is_told(book: LedgerBook) -> None:
    campaigns = [
        {"name": "dairy", "multiply": "2", "match": {"category": ["grocery/diary"]}},
        {"name": "nurses", "multiply": "2", "where": {"segment": ["student", "nurse"]}},
    ]
    found = await rehearsed(book, RULES | {"version": 2, "campaigns": campaigns})
    assert found.unseen == ["no order had the category grocery/diary", "no member was in the segment nurse"]
    assert found.never == ["dairy"]
    await book.close()


async def test_where_members_have_changed_it_is_said_that_they_may_have(book: LedgerBook) -> None:
    await book.step({"do": "attributes", "member": "m", "set": {"segments": []}})
    with pytest.raises(Refused, match=r"nothing can be told of it\. What the shop says of members may have changed"):
        await rehearsed(book, RULES)
    await book.close()
