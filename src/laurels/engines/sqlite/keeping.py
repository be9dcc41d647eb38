"""Long reads over what a ledger keeps: documents with their entries, members with their states, orders with their
frames. Each on a connection of its own.
"""

from collections.abc import Iterator
from itertools import islice

import msgspec

from laurels.engines.sqlite.awarding import award_of
from laurels.engines.sqlite.chain import entry_of, read_entry
from laurels.engines.sqlite.connection import Database, Row
from laurels.ledger import Award, Awarded, MemberState
from laurels.model import Balance, DocumentKind, Entry

CHUNK = 2000


def awarded(db: Database, *, framed: bool) -> Iterator[list[Awarded]]:
    """Documents with their entries, in chunks; one read of one moment."""
    rows = db.each("awarded", framed)
    while chunk := list(islice(rows, CHUNK)):
        yield [_awarded(row) for row in chunk]


def _awarded(row: Row) -> Awarded:
    kind, source, id, member, accepted_at, content, frame, refunded, version, board_at, details = row[21:]
    return Awarded(
        kind=DocumentKind(kind),
        source=source,
        id=id,
        member=member,
        accepted_at=accepted_at,
        content=content,
        entry=entry_of(row),
        frame=frame,
        refunded=refunded,
        anew=None if version is None else (version, board_at, details),
    )


def mergers(db: Database) -> Iterator[list[Entry]]:
    """Both entries of each merger, in chunks; one read of one moment."""
    rows = db.each("mergers")
    while chunk := list(islice(rows, CHUNK)):
        yield [entry_of(row) for row in chunk]


def accounts(db: Database, *, orders: bool) -> Iterator[list[tuple[int, MemberState]]]:
    """Members with their states, in chunks; one read of one moment."""
    rows = db.each("accounts")
    while chunk := list(islice(rows, CHUNK)):
        yield [(row[0], _account(db, row, orders=orders)) for row in chunk]


def states(db: Database) -> Iterator[list[tuple[int, MemberState, int | None]]]:
    """Members with their states and when each is looked at, in chunks; one read of one moment."""
    rows = db.each("states")
    while chunk := list(islice(rows, CHUNK)):
        yield [(number, MemberState(Balance(*totals), state), at) for number, *totals, state, at in chunk]


def redeemed(db: Database) -> Iterator[list[tuple[str, str, bytes | None]]]:
    """Redemptions of which points came back, in chunks; one read of one moment."""
    rows = db.each("redeemed")
    while chunk := list(islice(rows, CHUNK)):
        yield [(source, id_, spent) for source, id_, spent in chunk]


def _account(db: Database, row: Row, *, orders: bool) -> MemberState:
    number, *totals, state = row
    count, last = db.one("read_orders", number) or (0, None) if orders and state is None else (0, None)
    return MemberState(Balance(*totals), state, orders=count, last_order_at=last)


def persons(db: Database) -> Iterator[list[tuple[int, MemberState]]]:
    """What campaigns may ask of members, in chunks; one read of one moment."""
    rows = db.each("persons")
    while chunk := list(islice(rows, CHUNK)):
        yield [(row[0], MemberState(attributes=row[1], enrolled_at=row[2], draw=row[3])) for row in chunk]


def framed(db: Database) -> Iterator[list[tuple[Award, list[Entry]]]]:
    """Orders with frames and their entries, in chunks, each of one moment."""
    after = "", ""
    while True:
        db.execute("BEGIN")
        try:
            rows = db.all("framed", *after, CHUNK)
            chunk = [(award_of(row), _entries(db, row)) for row in rows]
        finally:
            db.execute("COMMIT")
        if not chunk:
            return
        yield chunk
        after = rows[-1][0], rows[-1][1]


def _entries(db: Database, row: Row) -> list[Entry]:
    kept = db.one("award_places", row[0], row[1])
    places = msgspec.json.decode(kept[0], type=list[int]) if kept and kept[0] else []
    entries = [read_entry(db, place) for place in places]
    return [entry for entry in entries if entry is not None]
