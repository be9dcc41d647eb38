"""On every ledger: journals between any marks add up to the journal of the whole, and to what members have; and what
was owed at an instant of the past is told later as it was then.
"""

import os
import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from tests.conformance import oracle
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import ENGINES, Fresh
from tests.conformance.lives import live, some_twins

from laurels.awarding import Journal, journal, liability
from laurels.awarding.owing import Liability
from laurels.model import Version

pytestmark = pytest.mark.anyio

LIVES = int(os.environ.get("LAURELS_TEST_JOURNAL_LIVES") or 3)

Sums = Counter[tuple[str, str, str]]


@pytest.fixture
def seed() -> int:
    seed = int(os.environ.get("LAURELS_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"LAURELS_TEST_SEED={seed}")
    return seed


def sums(journals: Sequence[Journal]) -> tuple[Sums, Sums]:
    """Entries and points by day, market and kind."""
    entries, points = Sums(), Sums()
    for each in journals:
        for line in each.lines:
            key = line.day, line.market, line.kind
            entries[key] += line.entries
            points[key] += line.points
    return entries, points


@pytest.mark.skipif(not oracle.present(), reason=oracle.MISSING)
@pytest.mark.parametrize("engine", ENGINES)
async def test_journals_tile_and_the_past_stays_as_it_was(engine: str, fresh: Fresh, seed: int, tmp_path: Path) -> None:
    for number in range(LIVES):
        r = random.Random(f"journal {seed}/{number}")
        twins = some_twins(r, life=True)
        for done in range(r.randint(6, 18)):
            live(r, twins, ["m", "w"], done)
        book = LedgerBook(fresh(), tmp_path / str(number))
        await book.begin([twins.program])
        await book.ledger.enrol([("m", None), ("w", None)], actor="clerk")
        marks: list[Version] = []
        then: list[Liability] = []
        merged = False
        for now, step, _ in twins.history:
            if now > book.now and not merged and r.random() < 0.5:
                then.append(await liability(book.ledger, book.programs, book.now, book.now))
            book.now = now
            await book.step(step)
            merged = merged or step["do"] == "merge"
            if r.random() < 0.5:
                marks.append((await book.ledger.heads()).version)
        await book.step({"do": "sweep"})
        await _check_tiles(book, marks)
        if not merged:
            for was in then:
                assert await liability(book.ledger, book.programs, was.at, book.now) == was, (seed, number)
        await book.close()


async def _check_tiles(book: LedgerBook, marks: list[Version]) -> None:
    whole = await journal(book.ledger, book.programs, None, None)
    cuts = [None, *marks, None]
    parts = [await journal(book.ledger, book.programs, *pair) for pair in pairwise(cuts)]
    assert [part.after for part in parts[1:]] == [part.to for part in parts[:-1]]
    assert sums(parts) == sums([whole])
    assert parts[-1].outstanding == whole.outstanding
    owed = await liability(book.ledger, book.programs, book.now, book.now)
    assert whole.points == sum(whole.outstanding.values()) == owed.total
    assert parts[0] == await journal(book.ledger, book.programs, None, marks[0] if marks else None), "for ever"
