"""Moving a ledger here from another engine: its rows are written part by part, so many in a transaction that also notes
how far it got. A move that broke off goes on there.

Entries go to the shard of their member's id, in the order in which they were recorded; each says which it was. Nobody
opens the ledger before all is there. Memory: some 10 bytes an entry, and 100 a member.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any

from laurels.clock import Clock
from laurels.engines.postgres.moved_rows import COLUMNS, MovedRows, RowGroup
from laurels.engines.postgres.statements import Statements
from laurels.errors import FileRefused
from laurels.ledger import Progress
from laurels.ledger.epochs import lowest_epoch
from laurels.ledger.moving import Leaving, LeavingLedger

CHUNK = 2000


async def move_in(db: Statements, leaving: Leaving, now: Clock, progress: Progress) -> int:
    """Write all that leaves into a database with a fresh ledger, or go on with that; gives how many entries there are.
    Raises `FileRefused` where the database has another ledger, or what leaves is not what it was.
    """
    who = leaving.ledger()
    if who.ready:
        raise FileRefused(f"{who.ready:,} accepted documents are not awarded yet: run `laurels work --once` first.")
    part, done = await _begun(db, who)
    is_before = bool(part)
    for name, steps in MovedRows(leaving).parts():
        if is_before and name != part:
            _pass_by(steps)
            continue
        first = done if is_before else 0
        is_before = False
        for written in _chunks(steps, first):
            first += len(written)
            await _write(db, written, f"{name} {first}")
            if name == "entries":
                progress(first, who.entries)
    async with db.connection.transaction(isolation="read_committed"):
        epoch = max(lowest_epoch(now()), who.epoch + 1)
        await db.run("end_move", epoch, now(), who.next_member - 1, who.last_sequence)
        await db.run("move_audit_cut", *who.audit_cut)
    return who.entries


async def _begun(db: Statements, who: LeavingLedger) -> tuple[str, int]:
    """The part that it got to, and how many of its steps are written."""
    moving_from, moved = await db.only("moving")
    source = f"{who.identity} {who.state}"
    if moving_from is None:
        if not await db.value("is_untouched"):
            raise FileRefused("There is a ledger in this database already. Nothing was changed: give an empty one.")
        keyed_by = who.secret, who.numbered_names, who.names_key, who.names_since
        await db.run("begin_move", source, who.created_at, *keyed_by)
        return "", 0
    if moving_from != source:
        raise FileRefused(
            "What was begun to be moved to this database was another ledger, or this one before it was written to. "
            "Drop the database, make an empty one, and begin anew."
        )
    part, _, done = (moved or " 0").partition(" ")
    return part, int(done)


def _pass_by(steps: Iterator[RowGroup]) -> None:
    for _ in steps:
        pass


def _chunks(steps: Iterator[RowGroup], first: int) -> Iterator[list[RowGroup]]:
    """So many steps at a time, without the first ones."""
    _pass_by(islice(steps, first))
    while chunk := list(islice(steps, CHUNK)):
        yield chunk


async def _write(db: Statements, steps: list[RowGroup], so_far: str) -> None:
    rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for step in steps:
        for table, row in step:
            rows[table].append(row)
    async with db.connection.transaction(isolation="read_committed"):
        for table, records in rows.items():
            await db.connection.copy_records_to_table(table, records=records, columns=COLUMNS[table].split())
        await db.run("note_moved", so_far)
