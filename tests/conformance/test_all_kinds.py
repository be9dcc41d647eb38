"""One life with every kind of document, under versions that differ: on each ledger the same, and told as it was.

Lives beside the reference model know no changes of orders, no cancelled or unlinked refunds, no refund before its
order, no two sources or currencies, no erasing and no second version. Here all of them meet; held is what must hold
whatever happened: lots are the sum of entries, `verify` finds nothing, the past is told as it was, a rehearsal of what
stands changes nothing, journals tile, and roll-ups kept on the way are those made anew.
LAURELS_TEST_SEED repeats a run, LAURELS_TEST_KINDS_LIVES says how many lives.
"""

import os
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.all_kinds import MEMBERS, Life, some_programs
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import LEDGERS, Fresh, Open

from laurels.awarding import journal, liability, members_at, rehearse
from laurels.awarding.owing import Liability
from laurels.model import Version
from laurels.program import Program
from laurels.rollups import Days, RollingUp, look_at_due
from laurels.rollups.checking import roll_up_findings

pytestmark = pytest.mark.anyio

LIVES = int(os.environ.get("LAURELS_TEST_KINDS_LIVES") or 4)


async def _live(book: LedgerBook, programs: list[dict[str, Any]], r: random.Random, name: str) -> list[Any]:
    """Live, look back, and give what was answered."""
    await book.begin(programs)
    await book.ledger.enrol([(member, None) for member in MEMBERS], actor="clerk")
    answers: list[Any] = []
    then: list[Liability] = []
    marks: list[Version] = []
    how = random.Random(f"looks {name}")
    for what, do in Life(r).steps():
        if what.startswith("time") and how.random() < 0.5:
            then.append(await liability(book.ledger, book.programs, book.now, book.now))
            book.now += 1
        answers.append((what, await do(book)))
        if how.random() < 0.2:
            await RollingUp(book.ledger, book.programs.current.zone).step(how.randint(1, 9))
            marks.append((await book.ledger.heads()).version)
    await _check_all(book, then, marks, name)
    return [each for each in answers if not each[0].startswith(("time", "forget", "die", "sweep"))]


async def _check_all(book: LedgerBook, then: list[Liability], marks: list[Version], name: str) -> None:
    for was in then:
        assert await liability(book.ledger, book.programs, was.at, book.now + 1) == was, name
    stand: list[tuple[int | None, Program]] = [(each.from_at, each) for each in book.programs.published.values()]
    newest = book.programs.current
    same = await rehearse(book.ledger, stand, newest, begins=newest.from_at, ends=book.now + 1)
    assert (same.gain, same.lose, same.quarantined, same.changed_orders) == (0, 0, {}, 0), name
    await look_at_due(book.ledger, book.now, members_at(book.ledger, book.programs, book.now), Days(newest.zone))
    await book.step({"do": "sweep"})
    assert await book.findings() == [], name
    owed = await liability(book.ledger, book.programs, book.now, book.now)
    whole = await journal(book.ledger, book.programs, None, None)
    cuts = [None, *marks, None]
    parts = [await journal(book.ledger, book.programs, *pair) for pair in pairwise(cuts)]
    assert sum(part.points for part in parts) == whole.points == owed.total, name
    await RollingUp(book.ledger, newest.zone).reach()
    assert [each async for each in roll_up_findings(book.ledger, newest.zone)] == [], name
    for member in MEMBERS:
        if await book.ledger.member(member) is not None:
            state, totals = await book.state(member), await book.totals(member)
            assert totals.balance == state.active + state.waiting, (name, member)


@pytest.mark.timeout(120 + 20 * LIVES)
async def test_a_life_of_all_kinds_is_the_same_on_all_ledgers(seed: int, tmp_path: Path) -> None:
    for life in range(LIVES):
        name, answers = f"{seed}/{life}", []
        for number, opened in enumerate(LEDGERS.values()):
            answers.append(await _one(opened, name, tmp_path / f"{life}-{number}"))
        assert answers[0] == answers[1], name


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ["postgres"])
async def test_and_on_a_server(engine: str, fresh: Fresh, seed: int, tmp_path: Path) -> None:
    for life in range(2):
        ledgers = {"server": fresh(), "file": LEDGERS["sqlite, 16 shards"]}
        server, file = [
            await _one(opened, f"{seed}/{life}", tmp_path / f"{where}-{life}") for where, opened in ledgers.items()
        ]
        assert server == file, f"{seed}/{life}"


async def _one(opened: Open, name: str, directory: Path) -> list[Any]:
    r = random.Random(f"kinds {name}")
    book = LedgerBook(opened, directory)
    answers = await _live(book, some_programs(r), r, name)
    await book.close()
    return answers
