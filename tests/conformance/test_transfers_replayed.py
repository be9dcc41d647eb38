"""What members gave each other is judged again in an order in which it can have been: also where both sides of a
transfer were written at one instant, in two shards.
"""

import random
from pathlib import Path

import pytest
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import ENGINES, Fresh

from laurels.awarding import liability, rehearse
from laurels.awarding.ordering import in_order
from laurels.ledger import Awarded
from laurels.model import DocumentKind
from laurels.program import Program

pytestmark = pytest.mark.anyio

MEMBERS = [f"m{number}" for number in range(12)]
RULES = {"version": 1, "rates": [{"name": "all", "points": 1, "per": {"GBP": "1.00"}}]}


@pytest.mark.parametrize("engine", ENGINES)
async def test_each_transfer_comes_before_what_it_gave(
    engine: str, fresh: Fresh, rng: random.Random, tmp_path: Path
) -> None:
    book = LedgerBook(fresh(), tmp_path)
    await book.begin([RULES])
    at = "2026-01-02T00:00:00Z"
    await book.ledger.enrol([(member, None) for member in MEMBERS], actor="clerk")
    for number, member in enumerate(MEMBERS):
        await book.step({"do": "order", "order": f"o{number}", "member": member, "total": "30.00", "at": at})
    for _ in range(40):
        giver, to = rng.sample(MEMBERS, 2)
        await book.step({"do": "transfer", "member": giver, "to": to, "points": rng.randint(1, 25), "at": at})
    documents = [document async for document in in_order(book.ledger) if isinstance(document, Awarded)]
    come = set()
    for document in documents:
        if document.kind is DocumentKind.TRANSFER:
            come.add(document.id)
        assert document.kind is not DocumentKind.GIVEN or document.id in come
    for whose in {document.member for document in documents}:
        positions = [document.entry.position for document in documents if document.member == whose]
        assert positions == sorted(positions)
    then = await liability(book.ledger, book.programs, book.now, book.now)
    assert await liability(book.ledger, book.programs, book.now, book.now + 1) == then
    stand: list[tuple[int | None, Program]] = [(None, program) for program in book.programs.published.values()]
    again = await rehearse(book.ledger, stand, book.programs.current, begins=None, ends=book.now + 1)
    assert (again.gain, again.lose, again.points) == (0, 0, again.would_be)
    await book.close()
