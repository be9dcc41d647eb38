"""A rehearsal knows what the shop says of members: campaigns that ask for it come out of the ledger as they went in,
and a name that nothing had is told.
"""

import os
import random
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import Fresh
from tests.conformance.toml_text import toml_text

from laurels.awarding import Rehearsal, liability, rehearse
from laurels.awarding.owing import Liability
from laurels.clock import DAY
from laurels.model import MemberEvent
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
LIVES = int(os.environ.get("LAURELS_TEST_LEDGER_LIVES") or 4)
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


async def test_where_other_is_said_of_a_member_now_its_orders_stand_as_they_are(book: LedgerBook) -> None:
    """For the new program too: what a student's order would have earned is not known any more."""
    then = await liability(book.ledger, book.programs, book.now, book.now)
    await book.step({"do": "attributes", "member": "m", "set": {"segments": []}})
    assert await liability(book.ledger, book.programs, book.now, book.now + 1) == then
    same = await rehearsed(book, RULES)
    assert (same.points, same.would_be, same.gain, same.lose) == (then.total, then.total, 0, 0)
    assert same.unseen == [
        "no member was in the segment student",
        "2 orders stand as they are: the shop says otherwise of their members now",
    ]
    no_more = RULES | {"version": 2, "campaigns": [each for each in RULES["campaigns"] if each["name"] != "students"]}
    assert (await rehearsed(book, no_more)).lose == 0, "whose orders they were is not known"
    await book.close()


CHANGING: dict[str, Any] = RULES | {
    "campaigns": [
        {"name": "birthday", "points": 30, "where": {"birthday_within_days": 3}, "caps": {"month": 60}},
        {"name": "students", "multiply": "2", "where": {"segment": ["student"]}, "budget": 90},
        {"name": "nurses", "multiply": "3", "where": {"segment": ["nurse"]}, "group": "week"},
        {"name": "everybody", "points": 5, "spend_min": {"GBP": "20.00"}, "group": "week"},
    ],
    "groups": [{"name": "week", "scope": "order"}],
    "caps": {"order": 120},
    "expiry": {"kind": "after-months", "months": 1},
}
KINDS = ("order", "order", "order", "change", "refund", "say", "time", "erase", "merge")


async def _lived(book: LedgerBook, rng: random.Random) -> list[Liability]:
    """Members of whom now this is said, now that; and what was owed whenever time went on."""
    members, orders, then = ["m", "w", "z", "y"], [], []
    await book.ledger.enrol([(member, None) for member in members], actor="clerk")
    for number in range(40):
        what, member = rng.choice(KINDS), rng.choice(members)
        if what == "say":
            said = {"segments": rng.sample(["student", "nurse"], rng.randint(0, 2)), "birthday": rng.choice(BIRTHDAYS)}
            await book.step({"do": "attributes", "member": member, "set": said})
        elif what == "order":
            orders.append(f"o{number}")
            total = f"{rng.randint(1, 60)}.00"
            await book.step({"do": "order", "order": orders[-1], "member": member, "total": total})
        elif what == "change" and orders:
            await book.change(rng.choice(orders[-4:]), number, {"total": f"{rng.randint(1, 60)}.00"})
        elif what == "refund" and orders:
            await book.step({"do": "refund", "order": rng.choice(orders[-4:]), "amount": "7.00"})
        elif what == "time":
            then.append(await liability(book.ledger, book.programs, book.now, book.now))
            book.now += rng.choice([1, 15, 40]) * DAY
        elif what == "erase" and len(members) > 2 and rng.random() < 0.3:
            members.remove(member)
            await book.ledger.change_member(member, MemberEvent.ERASE, actor="clerk")
        elif what == "merge" and len(members) > 2 and rng.random() < 0.3:
            members.remove(member)
            await book.step({"do": "merge", "member": member, "into": rng.choice(members)})
    return then


BIRTHDAYS = ("01-03", "01-20", "02-11", "07-01")


@pytest.mark.parametrize("rounding", ["half-up", "carry"])
async def test_whatever_is_said_of_members_meanwhile_the_past_is_told_as_it_was(
    engine: str, rounding: str, fresh: Fresh, rng: random.Random, tmp_path: Path
) -> None:
    for life in range(LIVES):
        book = LedgerBook(fresh(), tmp_path / str(life))
        rules = CHANGING | {"rounding": {"to": rounding}}
        await book.begin([rules])
        then = await _lived(book, rng)
        for was in then:
            assert await liability(book.ledger, book.programs, was.at, book.now + 1) == was
        same = await rehearsed(book, rules)
        assert (same.points, same.gain, same.lose, same.quarantined) == (same.would_be, 0, 0, {})
        assert await book.findings() == []
        await book.close()
