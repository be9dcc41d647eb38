"""On every ledger: journals between any marks add up to the journal of the whole, and to what members have; and what
was owed at an instant of the past is told later as it was then.
"""

import csv
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from tests.conformance import oracle
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import ENGINES, Fresh
from tests.conformance.lives import live, some_twins

from laurels.awarding import Journal, journal, liability
from laurels.awarding.journal import entries_of
from laurels.awarding.owing import Liability
from laurels.exchange import write_entries
from laurels.ledger.rollups import PER_DAY, Basis, Grouping
from laurels.model import Entry, Version
from laurels.rollups import RollingUp, format_period, movement

pytestmark = pytest.mark.anyio

LIVES = int(os.environ.get("LAURELS_TEST_JOURNAL_LIVES") or 3)

Sums = Counter[tuple[str, str, str]]


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
        twins, members = some_twins(r, life=True), ["m", "w"]
        for done in range(r.randint(6, 18)):
            live(r, twins, members, done)
        book = LedgerBook(fresh(), tmp_path / str(number))
        await book.begin([twins.program])
        await book.ledger.enrol([("m", None), ("w", None)], actor="clerk")
        marks: list[Version] = []
        then: list[Liability] = []
        for now, step, _ in twins.history:
            if now > book.now and r.random() < 0.5:
                then.append(await liability(book.ledger, book.programs, book.now, book.now))
            book.now = now
            await book.step(step)
            if r.random() < 0.5:
                marks.append((await book.ledger.heads()).version)
        await book.step({"do": "sweep"})
        await _check_tiles(book, marks)
        await _check_statements(book, tmp_path / str(number))
        for was in then:
            assert await liability(book.ledger, book.programs, was.at, book.now) == was, (seed, number)
        await book.close()


async def _check_statements(book: LedgerBook, folder: Path) -> None:
    """The statement of the roll-ups and the journal say the same of each kind on each day in each market, and the file
    of entries, read again, in all markets; and what it comes to is what each member has.
    """
    whole = await journal(book.ledger, book.programs, None, None)
    zone = book.programs.current.zone
    await RollingUp(book.ledger, zone).reach()
    statement = await movement(
        book.ledger, Basis.RECORDED, 20000101, 99991231, Grouping(per=PER_DAY, part=False, source=False)
    )
    entries: Sums = Counter()
    for line in whole.lines:
        entries[line.day, line.kind, line.market] += line.points
    rolled: Sums = Counter()
    for each in statement.lines:
        rolled[format_period(each.period), each.kind, each.market] += each.points
    written: Sums = Counter()
    feed = [
        entry
        for shard, head in (await book.ledger.heads()).marks.items()
        async for entry in entries_of(book.ledger, shard, head.position)
    ]

    async def chunks() -> AsyncIterator[list[Entry]]:
        yield feed

    await write_entries(folder.with_suffix(".csv"), chunks())
    with folder.with_suffix(".csv").open(newline="") as file:
        for row in csv.DictReader(file):
            day = datetime.fromisoformat(row["recorded_at"]).astimezone(zone).date().isoformat()
            written[day, row["kind"], ""] += int(row["points"])
    assert (+entries, -entries) == (+rolled, -rolled)
    in_all: Sums = Counter()
    for (on, kind, _), points in entries.items():
        in_all[on, kind, ""] += points
    assert (+in_all, -in_all) == (+written, -written)
    kept = {}
    for name in {entry.member_id for entry in feed if entry.member_id is not None}:
        member, found = await book.ledger.member(name), await book.ledger.balance(name)
        if member is not None and found is not None:
            kept[member.number] = found[0].balance
    assert sum(kept.values()) == whole.points


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
