"""What a budget left for an order is what the order gets when it is judged again: also where other shards took from the
same budget at the same instant, in an order of which no record is left.
"""

import random
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import ENGINES, Fresh
from tests.conformance.steps import SOURCE

from laurels.awarding import liability, rehearse
from laurels.model import Amendment, Cancellation, Document, Order
from laurels.program import GRAIN, Program

pytestmark = pytest.mark.anyio

MEMBERS = [f"m{number}" for number in range(8)]
RATE = {"name": "all", "points": 1, "per": {"GBP": "1.00"}}
CAMPAIGNS: list[dict[str, Any]] = [
    {"name": "double", "multiply": "2", "budget": 70},
    {"name": "treble", "multiply": "3", "budget": 90, "caps": {"day": 60}},
]


def rules(rounding: str) -> dict[str, Any]:
    return {"version": 1, "rates": [RATE], "campaigns": CAMPAIGNS, "rounding": {"to": rounding}}


def order_of(number: int, member: str, rng: random.Random) -> Order:
    return Order(source=SOURCE, order_id=f"o{number}", member_id=member, currency="GBP", total=rng.randint(100, 1500))


async def send(book: LedgerBook, document: Document) -> None:
    await book.ledger.accept([document])
    await book.awarder.drain()


@pytest.mark.parametrize("rounding", ["floor", "carry"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_what_a_budget_left_for_an_order_is_left_for_it_again(
    engine: str, rounding: str, fresh: Fresh, rng: random.Random, tmp_path: Path
) -> None:
    """Orders, changes of orders, refunds and cancelled refunds of eight members at one instant, while two budgets come
    to their ends: none goes beyond.
    """
    book = LedgerBook(fresh(), tmp_path)
    await book.begin([rules(rounding)])
    await book.ledger.enrol([(member, None) for member in MEMBERS], actor="clerk")
    refunds: list[tuple[str, str]] = []
    for number in range(30):
        member, revision = rng.choice(MEMBERS), 0
        await send(book, order_of(number, member, rng).document())
        for _ in range(rng.randint(0, 2)):
            if rng.random() < 0.5:
                revision += 1
                changed = Amendment(revision=revision, order=order_of(number, member, rng))
                await send(book, changed.document())
            else:
                book._owners[f"o{number}"] = member
                await book.step({"do": "refund", "order": f"o{number}", "amount": rng.choice(["0.70", "9.00"])})
                refunds.append((f"o{number}", f"r{book._refunds}"))
        if refunds and rng.random() < 0.3:
            order_id, refund_id = refunds.pop(rng.randrange(len(refunds)))
            await send(book, Cancellation(source=SOURCE, refund_id=refund_id, order_id=order_id).document())
        used = await book.ledger.budgets()
        assert all(used.get(each["name"], 0) <= each["budget"] * GRAIN for each in CAMPAIGNS)
    assert await book.findings() == []
    budgets = await book.ledger.budgets()
    assert budgets.keys() == {"double", "treble"}
    then = await liability(book.ledger, book.programs, book.now, book.now)
    assert await liability(book.ledger, book.programs, book.now, book.now + 1) == then
    stand: list[tuple[int | None, Program]] = [(None, program) for program in book.programs.published.values()]
    again = await rehearse(book.ledger, stand, book.programs.current, begins=None, ends=book.now + 1)
    assert (again.gain, again.lose, again.changed_orders, again.points) == (0, 0, 0, again.would_be)
    await book.close()
