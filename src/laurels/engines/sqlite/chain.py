"""Appending to the feed: positions without gaps, recording times that never go back, and a hash over all that came
before.
"""

import hashlib

import msgspec

from laurels.engines.sqlite.connection import Database, Row
from laurels.model import Entry, EntryKind

SHARD = 0
"""This ledger has one shard."""

NEWEST = 2**62
"""A position beyond every entry."""


def chained_hash(previous: bytes, fields: Row) -> bytes:
    """SHA-256 over the hash of the entry before and this entry's columns, written as a JSON array in their order."""
    return hashlib.sha256(previous + msgspec.json.encode(fields)).digest()


def entry_of(row: Row) -> Entry:
    """A row of the entry queries as an `Entry`."""
    return Entry(
        shard=SHARD,
        position=row[0],
        kind=EntryKind(row[1]),
        member=row[2],
        points=row[3],
        currency=row[4],
        amount=row[5],
        source=row[6],
        order_id=row[7],
        refund_id=row[8],
        reason=row[9],
        program_version=row[10],
        name_number=row[11],
        actor=row[12],
        occurred_at=row[13],
        board_at=row[14],
        recorded_at=row[15],
        hash=row[16],
        member_id=row[17],
    )


def read_entry(db: Database, position: int | None) -> Entry | None:
    """The entry at a position; None for none."""
    row = db.one("entry_at", position)
    return entry_of(row) if row else None


class Chain:
    """The end of the feed within one transaction. Read it, append, and `save` before the transaction ends."""

    def __init__(self, db: Database, now: int) -> None:
        self._db = db
        row = db.one("read_head")
        assert row is not None, "the first schema step writes the row"
        self.epoch: int = row[1]
        self.position: int = row[2]
        self._hash: bytes = row[3]
        recorded_at: int = row[4]
        self._next_member: int = row[5]
        self._next_name: int = row[6]
        self._saved = self.position, self._next_name
        self.now = max(now, recorded_at)

    def append(
        self,
        kind: EntryKind,
        member: int,
        *,
        occurred_at: int,
        board_at: int,
        points: int = 0,
        currency: str | None = None,
        amount: int | None = None,
        source: str | None = None,
        order_id: str | None = None,
        refund_id: str | None = None,
        reason: str = "",
        program_version: int | None = None,
        name_number: int | None = None,
        actor: str | None = None,
    ) -> int:
        """Write one entry behind the last; returns its position."""
        self.position += 1
        fields = (
            self.position,
            kind.value,
            member,
            points,
            currency,
            amount,
            source,
            order_id,
            refund_id,
            reason,
            program_version,
            name_number,
            actor,
            occurred_at,
            board_at,
            self.now,
        )
        self._hash = chained_hash(self._hash, fields)
        self._db.run("insert_entry", *fields, self._hash)
        return self.position

    def enrol(self, member_id: str, actor: str | None = None) -> int:
        """Give an unknown member the next number and the next name; returns the number."""
        number, self._next_member = self._next_member, self._next_member + 1
        name = self.next_name()
        self._db.run("insert_member", number, member_id, name, self.now)
        self.append(EntryKind.ENROL, number, occurred_at=self.now, board_at=self.now, name_number=name, actor=actor)
        return number

    def next_name(self) -> int:
        """A name number that was never used."""
        number, self._next_name = self._next_name, self._next_name + 1
        return number

    def save(self) -> None:
        """Write the new end of the feed, where it is another one: most orders are of members who are here already."""
        if self._saved == (self.position, self._next_name):
            return
        self._saved = self.position, self._next_name
        self._db.growths += 1
        self._db.run("write_head", self.position, self._hash, self.now, self._next_member, self._next_name)
