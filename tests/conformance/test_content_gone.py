"""What orders said is erased with their member, or let go of after a time. What they earned is told all the same, and
can be rehearsed on: in the frames that they were awarded in.
"""

import random
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import ENGINES, Fresh
from tests.conformance.toml_text import toml_text

from laurels.awarding import liability, rehearse
from laurels.clock import DAY
from laurels.model import Cancellation, MemberEvent
from laurels.program import Program, parse_program

pytestmark = pytest.mark.anyio

RULES: dict[str, Any] = {
    "version": 1,
    "rates": [
        {"name": "fuel", "match": {"category": ["fuel"]}, "points": 1, "per": {"GBP": "2.00"}},
        {"name": "all", "points": 1, "per": {"GBP": "1.00"}},
    ],
    "campaigns": [
        {"name": "dairy", "match": {"category": ["dairy"]}, "multiply": "2", "caps": {"day": 30}, "budget": 90},
        {"name": "best", "multiply": "1.5", "group": "week"},
        {"name": "home", "match": {"category": ["home"]}, "points": 5, "group": "week"},
    ],
    "groups": [{"name": "week", "scope": "order"}],
    "caps": {"order": 60},
    "pending": {"days": 14},
    "expiry": {"kind": "after-months", "months": 1},
    "tiers": {
        "counts": "spend",
        "levels": [{"name": "blue", "reach": 0}, {"name": "gold", "reach": 40, "multiply": "2"}],
    },
}
PLAIN = {"version": 1, "rates": RULES["rates"][1:], "expiry": RULES["expiry"], "pending": RULES["pending"]}
ALL_RULES: dict[str, dict[str, Any]] = {
    "half-up": RULES,
    "carry": RULES | {"rounding": {"to": "carry"}},
    "plain": PLAIN,
    "simple": {"version": 1, "rates": RULES["rates"][1:]},
}
MEMBERS = ["m", "w", "z"]
WHAT = ["order", "order", "refund", "time", "transfer", "redeem", "change", "change"]


def _changed(rng: random.Random) -> dict[str, Any]:
    """What an order is changed to: a total alone, or lines."""
    price = f"{rng.randint(1, 60)}.{rng.randint(0, 99):02d}"
    if rng.random() < 0.3:
        return {"total": price}
    return {"lines": [{"sku": "x", "unit_price": price, "category": rng.choice(["fuel", "dairy", "home", "other"])}]}


async def _lived(book: LedgerBook, rng: random.Random) -> None:
    """Orders, changes of them, refunds by line and by amount, of which one is cancelled, gifts, and time."""
    await book.ledger.enrol([(member, None) for member in MEMBERS], actor="clerk")
    orders: list[str] = []
    for number in range(40):
        what, member = rng.choice(WHAT), rng.choice(MEMBERS)
        if what == "time":
            book.now += rng.choice([0, 1, 15]) * DAY
        elif what == "order":
            lines = [
                {"sku": "x", "unit_price": f"{rng.randint(1, 30)}.{rng.randint(0, 99):02d}", "category": category}
                for category in rng.sample(["fuel", "dairy", "home", "other"], 2)
            ]
            orders.append(f"o{number}")
            await book.step({"do": "order", "order": orders[-1], "member": member, "lines": lines})
        elif what == "change" and orders:
            await book.change(rng.choice(orders[-3:]), number, _changed(rng))
        elif what == "refund" and orders:
            what_of: dict[str, Any] = rng.choice(
                [{"amount": "3.00"}, {"lines": [{"line": 2, "amount": "1.50"}]}, {"amount": "99.00"}]
            )
            await book.step({"do": "refund", "order": rng.choice(orders), **what_of})
        elif what == "transfer":
            await book.step(
                {"do": "transfer", "member": member, "to": rng.choice(MEMBERS), "points": rng.randint(1, 9)}
            )
        elif what == "redeem":
            await book.step({"do": "redeem", "id": f"d{number}", "member": member, "points": rng.randint(1, 9)})
    if orders:
        await book.step({"do": "refund", "order": orders[0], "lines": [{"line": 1, "amount": "0.50"}]})
        cancelled = Cancellation(source="till", refund_id=f"r{book._refunds}", order_id=orders[0])
        await book.ledger.accept([cancelled.document()])
        await book.awarder.drain()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("gone", ["erased", "let go", "let go in part"])
async def test_what_is_gone_is_told_by_frames(
    engine: str, gone: str, fresh: Fresh, rng: random.Random, tmp_path: Path
) -> None:
    for name, rules in ALL_RULES.items():
        await _tell_all(LedgerBook(fresh(), tmp_path / name), rules, gone, rng)


async def _tell_all(book: LedgerBook, rules: dict[str, Any], gone: str, rng: random.Random) -> None:
    await book.begin([rules])
    await _lived(book, rng)
    then = await liability(book.ledger, book.programs, book.now, book.now)
    book.now += DAY
    if gone == "erased":
        for member in rng.sample(MEMBERS, 2):
            await book.ledger.change_member(member, MemberEvent.ERASE, actor="clerk")
    else:
        times = [each.entry.recorded_at async for chunk in book.ledger.awarded() for each in chunk]
        before = book.now if gone == "let go" else rng.choice([*times, book.now])
        while await book.ledger.forget_content(recorded_before=before, limit=10):
            pass
    assert await liability(book.ledger, book.programs, then.at, book.now + 1) == then
    stand: list[tuple[int | None, Program]] = [(None, program) for program in book.programs.published.values()]
    again = await rehearse(book.ledger, stand, book.programs.current, begins=None, ends=book.now + 1)
    assert (again.gain, again.lose, again.quarantined, again.changed_orders) == (0, 0, {}, 0)
    other = parse_program(toml_text(rules | {"version": 2, "from": "2027-01-01T00:00:00Z"}))
    as_they_are = await rehearse(book.ledger, stand, other, begins=None, ends=book.now + 1)
    assert (as_they_are.gain, as_they_are.lose, as_they_are.quarantined) == (0, 0, {})
    assert await book.findings() == []
    framed = [each async for chunk in book.ledger.awarded() for each in chunk if each.frame is not None]
    assert any("as it is" in each or "as they are" in each for each in as_they_are.unseen) == bool(framed)
    await book.close()
