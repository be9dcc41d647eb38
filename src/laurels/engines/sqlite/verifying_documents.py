"""Checking documents, what is kept of their orders, and the file itself."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice

import apsw
import msgspec
from msgspec.structs import replace

from laurels.engines.sqlite.chain import entry_of
from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.schema import migrate
from laurels.engines.sqlite.verifying_chunks import in_order, moment
from laurels.ledger import Award, Finding, Fits
from laurels.ledger.checking import CHUNK
from laurels.ledger.checking_content import OTHERWISE, KeptContent, is_as_taken, revision_of
from laurels.ledger.checking_messages import message_findings

FIRST = -(2**62)
"""Before every sequence: in a damaged file one may be any number."""


def check_documents(db: Database, fits: Fits | None) -> Iterator[list[Finding]]:
    """Chunk by chunk of what is there: a document's status, and what is kept of an order."""
    last = db.value("last_accepted")
    start = FIRST
    while (end := db.value("end_of_chunk", start, last, CHUNK)) is not None:
        in_order([(end,)], start)
        with moment(db):
            findings = [*_misplaced(db, start, end), *_said(db, start, end)]
            if fits is not None:
                findings += _awards(db, start, end, fits)
        yield findings
        start = end


def _misplaced(db: Database, start: int, end: int) -> Iterator[Finding]:
    for kind, source, id, status, state, place in db.all("verify_accepted", start, end):
        inbox, entry = state or "none", place or "none"
        yield Finding(
            f"{kind} {source}/{id}", f"its status is {status}; that does not fit (inbox: {inbox}, entry: {entry})"
        )


def _said(db: Database, start: int, end: int) -> Iterator[Finding]:
    """Documents of which other content is kept than they were taken with."""
    for kind, source, id, *content, member_id, others, details in db.all("verify_content", start, end):
        fingerprint, said, secret, unplaced, raw, reason, order_source, order_id = content
        kept = KeptContent(
            kind=kind,
            source=source,
            id=id,
            fingerprint=fingerprint,
            content=said,
            secret=secret,
            unplaced=unplaced,
            ids=() if secret is None else [member_id, *msgspec.json.decode(others, type=list[str | None])],
            raw=raw or b"",
            names=None if reason is None else (order_source, order_id),
            reason=reason or "",
        )
        if not is_as_taken(kept) and not is_as_taken(replace(kept, changes=_changes(db, kept, details))):
            yield Finding(f"{kind} {source}/{id}", OTHERWISE)


def _changes(db: Database, order: KeptContent, details: bytes | None) -> list[Row]:
    """The fingerprints of the changes that an order was, or is to be, awarded by, and what keys each."""
    revision = revision_of(details)
    if revision is None:
        return db.all("waiting_changes", order.source, order.id)
    return db.all("change", order.source, f"{revision}:{order.id}")


def _awards(db: Database, start: int, end: int, fits: Fits) -> Iterator[Finding]:
    """Orders of which is kept what their entries do not say. Each entry is read once, with those of its chunk."""
    kept = [(row, _places(row[5])) for row in db.all("verify_awards", start, end)]
    wanted = [place for _, places in kept for place in places]
    entries = {row[0]: row for row in db.all("verify_order_entries", msgspec.json.encode(wanted).decode())}
    for row, places in kept:
        if not _fits(row, places, entries, fits):
            what = "what it earned, what is left and what was taken back do not fit its entries"
            yield Finding(f"order {row[0]}/{row[1]}", what)


def _fits(row: Row, places: list[int], entries: dict[int, Row], fits: Fits) -> bool:
    source, order_id, place, member, kept_as = row[:5]
    if places[:1] != [place] or member != kept_as:
        return False
    try:
        award = Award(
            source=source,
            order_id=order_id,
            member=member,
            program_version=row[6],
            currency=row[7],
            amount=row[8],
            left=row[9],
            points=row[10],
            reversed=row[11],
            board_at=row[12],
            frame=row[13],
            refunded=row[14],
        )
        return fits(award, [entry_of(entries[each]) for each in places])
    except (LookupError, TypeError, ValueError):  # an entry that is not there, or is damaged
        return False


def _places(kept: bytes | None) -> list[int]:
    """What cannot be read fits nothing."""
    try:
        return [] if kept is None else msgspec.json.decode(kept, type=list[int])
    except (msgspec.MsgspecError, TypeError):
        return []


def check_messages(db: Database) -> Iterator[list[Finding]]:
    """Milestones and messages, of one moment."""
    with moment(db):
        yield message_findings(db.all("verify_milestones"), db.all("verify_messages"))


def check_file(db: Database) -> Iterator[list[Finding]]:
    """An index that does not fit its table would let a document in twice; without the triggers entries could
    change.
    """
    found = [what for [what] in db.execute("PRAGMA integrity_check(20)")]
    yield [Finding("file", what) for what in found if what != "ok"]
    orphans = islice(db.execute("PRAGMA foreign_key_check"), 20)
    yield [Finding("file", f"row {row} of {table} belongs to no {parent}") for table, row, parent, _ in orphans]
    with closing(apsw.Connection(":memory:")) as fresh:
        migrate(fresh)
        differing = _schema_of(db.connection) ^ _schema_of(fresh)
    yield [Finding("schema", f"the {kind} {name} is not as Laurels makes it") for kind, name, _, _ in differing]


def _schema_of(connection: apsw.Connection) -> set[Row]:
    """All that was made on purpose; SQLite's own statistics come with `ANALYZE`."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'"
    return set(connection.execute(query))
