"""Appending to the feed: positions without gaps, recording times that never go back, and a hash over all that came
before.
"""

from collections.abc import Sequence

from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.places import place_of, position_at, shard_at
from laurels.ledger import NameNumbers, shard_of
from laurels.ledger.chain import FORMAT, chained_hashes
from laurels.model import Entry, EntryKind

SECRET_BYTES = 16
"""Of the secret that keys a member's fingerprints."""


def entry_of(row: Row) -> Entry:
    """A row of the entry queries as an `Entry`."""
    return Entry(
        shard=shard_at(row[0]),
        position=position_at(row[0]),
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
        format=row[18],
        details=row[19],
        note=row[20] or "",
    )


def read_entry(db: Database, place: int | None) -> Entry | None:
    """The entry at a place; None for none."""
    row = db.one("entry_at", place) if place is not None else None
    return entry_of(row) if row else None


class Chain:
    """The end of one shard's feed within a transaction. Read it, append, and `save` before the transaction ends.

    Entries are held back, and hashed and written many at a time, which halves their cost; `flush` does. Nothing reads
    or names them before that.
    """

    def __init__(self, db: Database, shard: int, now: int) -> None:
        self._db = db
        self.shard = shard
        row = db.one("read_head", shard)
        assert row is not None, "every shard has its row from the beginning"
        self.position: int = row[0]
        self._hash: bytes = row[1]
        self._saved = self.position
        self._before_first = place_of(shard, 0)
        # One list each, not pairs: the garbage collector would look at those.
        self._held: list[tuple[object, ...]] = []
        self._held_details: list[bytes | None] = []
        self.clock = now
        """What the clock says: what is to be done soon goes by it, and not by the feed's time, which may be ahead."""
        self.now = max(now, row[2])

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
        program_version: int | None = None,
        name_number: int | None = None,
        actor: str | None = None,
        details: bytes | None = None,
    ) -> int:
        """Put one entry behind the last; returns its place. It is written by the next `flush` or `save`."""
        columns = (
            kind,
            member,
            points,
            currency,
            amount,
            source,
            order_id,
            refund_id,
            "",
            program_version,
            name_number,
            actor,
            occurred_at,
            board_at,
            self.now,
        )
        return self.put(columns, details)

    def put(self, columns: tuple[object, ...], details: bytes | None) -> int:
        """The same of an entry's columns as the hash has them, the time of recording last."""
        self.position += 1
        self._held.append(columns)
        self._held_details.append(details)
        return self._before_first + self.position

    def flush(self) -> None:
        """Hash and write the entries that are held back."""
        held, details = self._held, self._held_details
        if not held:
            return
        first = self.position - len(held) + 1
        hashes = chained_hashes(self._hash, held, details, shard=self.shard, position=first)
        self._hash = hashes[-1]
        values: list[object] = []
        for n, columns in enumerate(held):
            values.extend((self._before_first + first + n, *columns, hashes[n], FORMAT, details[n]))
        self._db.run_values("insert_entry", values, len(held))
        held.clear()
        details.clear()

    def end(self) -> tuple[int, bytes, int]:
        """Position and hash of the last entry, and the place before the shard's first; writes what is held back."""
        self.flush()
        return self.position, self._hash, self._before_first

    def go_on(self, values: Sequence[object], position: int, last_hash: bytes) -> None:
        """Write entries that were made behind the `end`, row behind row, the last of which has that hash."""
        self._db.run_values("insert_entry", values, position - self.position)
        self.position, self._hash = position, last_hash

    def event(
        self,
        kind: EntryKind,
        member: int,
        *,
        actor: str | None = None,
        name_number: int | None = None,
        points: int = 0,
        details: bytes | None = None,
    ) -> int:
        """Write a member event that happens now; returns its place."""
        return self.append(
            kind,
            member,
            occurred_at=self.now,
            board_at=self.now,
            points=points,
            name_number=name_number,
            actor=actor,
            details=details,
        )

    def join(self, member: int, name_number: int, actor: str | None = None) -> None:
        """Write a member's enrolment into the feed."""
        place = self.event(EntryKind.ENROL, member, name_number=name_number, actor=actor)
        self._db.run("set_joined", place, member)

    def save(self) -> None:
        """Write what is held back, and the new end of the feed, where it is another one."""
        self.flush()
        if self._saved == self.position:
            return
        self._saved = self.position
        self._db.appends += 1
        self._db.run("write_head", self.position, self._hash, self.now, self.shard)


class Chains:
    """The ends of the shards' feeds within one transaction, each read when it is first asked for."""

    def __init__(self, db: Database, now: int) -> None:
        self._db = db
        self.now = now
        self._of: dict[int, Chain] = {}

    def of(self, shard: int) -> Chain:
        """One shard's."""
        chain = self._of.get(shard)
        if chain is None:
            chain = self._of[shard] = Chain(self._db, shard, self.now)
        return chain

    def save(self) -> None:
        """Write the ends that moved."""
        for chain in self._of.values():
            chain.save()


class Numbers:
    """The next number of a member, and name numbers, within one transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db
        row = db.one("read_numbers")
        assert row is not None, "the first schema step writes the row"
        self.shards: int = row[0]
        self.secret: bytes = row[1]
        self._member: int = row[2]
        self._numbered: int = row[3]
        self._saved = self._member
        self._names = db.names or NameNumbers(self.secret)

    def enrol(self, member_id: str, secret: bytes, now: int) -> int:
        """Give an unknown member the next number, and a name; returns the number. The feed hears of it later."""
        number, self._member = self._member, self._member + 1
        shard = shard_of(member_id, self.shards)
        self._db.run("insert_member", number, member_id, self._free(member_id, 0), now, shard, secret)
        return number

    def rename(self, number: int, member_id: str) -> int:
        """Give a member another name number, one that nobody ever bore; returns it."""
        self._db.run("keep_former_name", number)
        name = self._free(member_id, self._db.value("count_renames", number) + 1)
        self._db.run("set_name", name, number)
        return name

    def save(self) -> None:
        """Write what number is next, where it is another."""
        if self._saved != self._member:
            self._saved = self._member
            self._db.run("write_numbers", self._member)

    def _free(self, member_id: str, renames: int) -> int:
        attempt = 0
        while True:
            name = self._names.number(member_id, renames, attempt)
            if name >= self._numbered and self._db.value("is_free_name", name):
                return name
            attempt += 1
