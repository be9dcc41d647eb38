"""Members share budgets: what they used of one at one instant, in several shards, is judged again as it was."""

import random
from pathlib import Path

import pytest
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import ENGINES, Fresh

from laurels.awarding import liability, rehearse
from laurels.program import Program

pytestmark = pytest.mark.anyio

MEMBERS = [f"m{number}" for number in range(12)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("to", ["half-up", "carry"])
async def test_who_came_first_at_a_budget_stays_so(
    engine: str, to: str, fresh: Fresh, rng: random.Random, tmp_path: Path
) -> None:
    campaigns = [
        {"name": "double", "multiply": "2", "budget": 60, "caps": {"ever": 25}},
        {"name": "half more", "multiply": "1.5", "budget": 40},
    ]
    rates = [{"name": "all", "points": 1, "per": {"GBP": "1.00"}}]
    book = LedgerBook(fresh(), tmp_path)
    await book.begin([{"version": 1, "rates": rates, "rounding": {"to": to}, "campaigns": campaigns}])
    await book.ledger.enrol([(member, None) for member in MEMBERS], actor="clerk")
    at, orders = "2026-01-02T00:00:00Z", 0
    for _ in range(40):
        if orders and rng.random() < 0.4:
            amount = f"{rng.randint(1, 12)}.{rng.randint(0, 99):02d}"
            await book.step({"do": "refund", "order": f"o{rng.randrange(orders)}", "amount": amount, "at": at})
            continue
        order = {"do": "order", "order": f"o{orders}", "member": rng.choice(MEMBERS), "at": at}
        await book.step(order | {"total": f"{rng.randint(1, 30)}.{rng.randint(0, 99):02d}"})
        orders += 1
    then = await liability(book.ledger, book.programs, book.now, book.now)
    assert await liability(book.ledger, book.programs, book.now, book.now + 1) == then
    stand: list[tuple[int | None, Program]] = [(None, program) for program in book.programs.published.values()]
    again = await rehearse(book.ledger, stand, book.programs.current, begins=None, ends=book.now + 1)
    assert (again.gain, again.lose, again.points) == (0, 0, then.total)
    await book.close()
