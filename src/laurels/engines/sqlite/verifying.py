"""Checking a ledger against its own promises.

It goes in steps, each a short read transaction of its own, so that no checkpoint waits for it. On a busy ledger a step
that compares totals first reads the entries that came meanwhile: both are of one moment, and nothing is reported that
is not so. Only the last step, SQLite's own look at the file and its indexes, is one long read. Memory: one small object
a member.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import cast

import msgspec
from msgspec import Struct

from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.places import end_of, place_of, position_at
from laurels.engines.sqlite.verifying_chunks import CHUNK, UNREADABLE, in_order, moment
from laurels.engines.sqlite.verifying_documents import check_documents, check_file
from laurels.ledger import Finding, Recount, Verification
from laurels.ledger.chain import chained_hash
from laurels.model import EntryKind
from laurels.model.details import merged_into
from laurels.model.entries import SCORED, worth
from laurels.model.months import Months

MonthOf = Callable[[int, int], int | None]
"""`Recount.month_of`."""


def verify(db: Database, recount: Recount | None = None) -> Iterator[Verification]:
    """The chain and its positions, then what it says of each member, then documents and awards, then the file."""
    feed = _Feeds(db, None if recount is None else recount.month_of)
    documents = partial(check_documents, db, None if recount is None else recount.award)
    for step in (feed.check, lambda: _members(db, feed), documents, lambda: check_file(db)):
        for findings in _until_unreadable(step):
            yield Verification(checked=feed.position, total=feed.head, findings=tuple(findings))


def _until_unreadable(step: Callable[[], Iterator[list[Finding]]]) -> Iterator[list[Finding]]:
    try:
        yield from step()
    except UNREADABLE as error:
        yield [Finding("ledger", f"the file is damaged: {error}")]


class _Member(Struct):
    """What the entries read so far say of a member."""

    balance: int = 0
    earned: int = 0
    score: int = 0
    hidden: bool = False
    name_number: int | None = None
    erased: bool = False
    merged_into: int | None = None
    seen: bool = False
    months: Months = Months()
    closed: dict[int, int] | None = None
    """Scores of months that are neither the newest nor the one before."""

    def score_in(self, month: int, points: int) -> None:
        """Add to what it scored in a month."""
        self.months, closing = self.months.plus(month, points)
        for closed, scored in closing:
            self.closed = self.closed or {}
            self.closed[closed] = self.closed.get(closed, 0) + scored

    def scored(self) -> dict[int, int]:
        """What it scored by month, months of 0 left out."""
        return _by_month([*self.months.open(), *(self.closed or {}).items()])

    def add(self, kind: str, points: int, name_number: int | None, details: bytes | None) -> None:
        earned, score = worth(kind, points, details)
        self.balance += points
        self.earned += earned
        self.score += score
        match kind:
            case EntryKind.HIDE | EntryKind.SHOW:
                self.hidden = kind == EntryKind.HIDE
            case EntryKind.ENROL | EntryKind.RENAME:
                self.name_number = name_number
            case EntryKind.ERASE:
                self.erased = True
            case EntryKind.MERGE if details is not None:
                into = merged_into(details)
                self.merged_into = self.merged_into if into is None else into

    def differences(self, row: Row) -> Iterator[str]:
        """What the member's row says otherwise."""
        _, balance, earned, score, hidden, name_number, erased, merged, place, given = row[:10]
        kept, entries = (balance, earned, score), (self.balance, self.earned, self.score)
        if kept != entries:
            yield f"balance, earned and score are kept as {kept}, its entries sum to {entries}"
        if not given:
            yield "its number was never given"
        if place is None and self.name_number is None:  # accepted, and nothing awarded yet
            return
        if bool(hidden) != self.hidden:
            yield f"it is {'hidden' if hidden else 'shown'}, its entries say otherwise"
        if name_number != self.name_number:
            yield f"its name number is {name_number}, its entries say {self.name_number}"
        if bool(erased) != self.erased:
            yield f"its id is {'gone' if erased else 'there'}, its entries say otherwise"
        if (merged is None) != (self.merged_into is None):
            yield f"it became member number {merged}, its entries say {self.merged_into}"

    def months_differ(self, kept: dict[int, int]) -> Iterator[str]:
        """What is kept of its months otherwise."""
        for month in sorted(kept.keys() ^ self.scored().keys() | kept.keys()):
            counted = self.scored().get(month, 0)
            if kept.get(month, 0) != counted:
                yield f"in {month} it scored {kept.get(month, 0)} as kept, {counted} by its entries"


def _by_month(scores: Iterable[tuple[int, int]]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for month, score in scores:
        sums[month] = sums.get(month, 0) + score
    return {month: score for month, score in sums.items() if score}


class _Feeds:
    """The entries read so far in every shard, and what they say of the members."""

    def __init__(self, db: Database, month_of: MonthOf | None) -> None:
        self._db = db
        self.month_of = month_of
        self.members: dict[int, _Member] = {}
        self._shards: dict[int, _Feed] = {}

    @property
    def position(self) -> int:
        """How many entries were read."""
        return sum(feed.position for feed in self._shards.values())

    @property
    def head(self) -> int:
        """How many there are."""
        return sum(feed.head for feed in self._shards.values())

    def check(self) -> Iterator[list[Finding]]:
        """Read each shard to its head, a chunk at a time; what is wrong with each chunk."""
        row = self._db.one("read_ledger")
        if row is None:
            yield [Finding("ledger", "the row that says who it is, is missing")]
        count = row[2] if row is not None and isinstance(row[2], int) else len(self._db.all("read_heads"))
        self._shards = {shard: _Feed(self._db, shard, self.members, self.month_of) for shard in range(count)}
        for feed in self._shards.values():
            yield from feed.check()

    def catch_up(self) -> list[Finding]:
        """Read to the heads as they are in the transaction under way."""
        return [finding for feed in self._shards.values() for finding in feed.catch_up()]


class _Feed:
    """The entries of a shard read so far: up to which position, and its hash."""

    def __init__(self, db: Database, shard: int, members: dict[int, _Member], month_of: MonthOf | None) -> None:
        self._db = db
        self._month_of = month_of
        self._shard = shard
        self.position = self.head = 0
        self._members = members
        self._hash: bytes | None = b""

    def check(self) -> Iterator[list[Finding]]:
        while True:
            with moment(self._db):
                findings = self._read_chunk()
                if self.position >= self.head:
                    findings += self._beyond_head()
            yield findings
            if self.position >= self.head:  # beyond it only where the head itself is damaged
                return

    def catch_up(self) -> list[Finding]:
        findings = self._read_chunk()
        while self.position < self.head:
            findings += self._read_chunk()
        return findings

    def _read_chunk(self) -> list[Finding]:
        head = self._db.one("read_head", self._shard)
        if head is None:
            return [Finding("ledger", f"the row that says where shard {self._shard} ends, is missing")]
        if not isinstance(head[0], int):  # a flipped bit can make it NULL, whatever the schema says
            return [Finding("ledger", "its head's position is no number")]
        self.head = head[0]
        findings = []
        rows = self._readable_rows(CHUNK)
        if rows is None:
            findings.append(Finding(self._where(self.position + 1), "the entry cannot be read"))
            self._pass_over()
        elif rows:
            findings += [finding for row in rows for finding in self._check_entry(row)]
        elif self.position < self.head:
            missing = f"the entries {self.position + 1} to {self.head} are missing"
            findings.append(Finding(self._where(self.position + 1), missing))
            self.position, self._hash = self.head, None
        if self.position == self.head and self._hash not in {None, head[1]}:
            findings.append(Finding("ledger", "the head's hash is not the last entry's"))
        return findings

    def _check_entry(self, row: Row) -> Iterator[Finding]:
        position, kind, member, points, name_number = position_at(row[0]), *row[1:4], row[11]
        stored, details = row[16], row[18]
        if position != self.position + 1:
            yield Finding(self._where(self.position + 1), f"the entries up to {position - 1} are missing")
        elif self._hash is not None and not _follows(self._hash, self._shard, position, row):
            yield Finding(self._where(position), "the entry was changed: its hash does not follow from the one before")
        self.position, self._hash = position, stored if isinstance(stored, bytes) else None
        if isinstance(points, int):  # else it was reported above
            said = _readable(details)
            self._members.setdefault(member, _Member()).add(kind, points, name_number, said)
            self._add_to_months(member, kind, points, said, row[14:16])

    def _add_to_months(self, member: int, kind: str, points: int, details: bytes | None, at: Row) -> None:
        of_member = self._members[member]
        if kind == EntryKind.MERGE:
            self._move_months(of_member)
        elif self._month_of is not None and kind in SCORED and all(isinstance(each, int) for each in at):
            month, scored = self._month_of(*at), worth(kind, points, details)[1]
            if month is not None and scored:
                of_member.score_in(month, scored)

    def _move_months(self, gone: _Member) -> None:
        """To the member that it is in the end: what that one became may have been read before, in another shard."""
        stays, passed = gone, {id(gone)}
        while stays.merged_into is not None:
            stays = self._members.setdefault(stays.merged_into, _Member())
            if id(stays) in passed:  # in a damaged file members may become each other
                return
            passed.add(id(stays))
        if stays is not gone:
            scored, gone.months, gone.closed = gone.scored(), Months(), None
            for month, points in scored.items():
                stays.score_in(month, points)

    def _beyond_head(self) -> list[Finding]:
        beyond = place_of(self._shard, max(self.head, 0))
        rows = self._db.all("verify_entries", beyond, end_of(self._shard), 1)
        return [Finding(self._where(position_at(row[0])), "the entry lies beyond the head") for row in rows]

    def _readable_rows(self, limit: int) -> list[Row] | None:
        """Up to `limit` further entries, fewer before one that cannot be read; None where that is the next."""
        start, end = place_of(self._shard, self.position), place_of(self._shard, max(self.head, 0))
        while limit:
            try:
                return in_order(self._db.all("verify_entries", start, min(end, end_of(self._shard)), limit), start)
            except UNREADABLE:
                limit //= 2
        return None

    def _pass_over(self) -> None:
        """Go on behind an entry that cannot be read; its hash alone may be there still."""
        self.position += 1
        try:
            row = self._db.one("entry_hash", place_of(self._shard, self.position))
            self._hash = row[0] if row else None
        except UNREADABLE:
            self._hash = None

    def _where(self, position: int) -> str:
        return f"{self._shard}-{position}"


def _follows(previous: bytes, shard: int, position: int, row: Row) -> bool:
    """Whether an entry's hash is the one that its columns make; in a damaged file they may be anything."""
    stored, written_as, details = row[16:]
    try:
        hashed = chained_hash(previous, row[1:16], details, written_as=written_as, shard=shard, position=position)
        return bool(stored == hashed)
    except (TypeError, ValueError):
        return False


def _readable(details: object) -> bytes | None:
    """Details that say something; damaged ones were reported by their hash."""
    try:
        return None if details is None else msgspec.json.encode(msgspec.json.decode(cast("bytes", details)))
    except (msgspec.MsgspecError, TypeError, UnicodeDecodeError):
        return None


def _members(db: Database, feed: _Feeds) -> Iterator[list[Finding]]:
    after = -1
    while True:
        with moment(db):
            findings = feed.catch_up()
            rows = in_order(db.all("verify_members", after, CHUNK), after)
            closed = _closed_months(db, after, rows) if feed.month_of is not None else {}
        for row in rows:
            after = row[0]
            member = feed.members.setdefault(after, _Member())
            member.seen = True
            differences = list(member.differences(row))
            if feed.month_of is not None:
                kept = _by_month([*Months(*row[10:13]).open(), *closed.get(after, [])])
                differences += member.months_differ(kept)
            findings += [Finding(f"member number {after}", what) for what in differences]
        yield findings
        if not rows:
            break
    yield [
        Finding(f"member number {number}", "has entries, but is not in the ledger")
        for number, member in feed.members.items()
        if not member.seen
    ]


def _closed_months(db: Database, after: int, rows: list[Row]) -> dict[int, list[tuple[int, int]]]:
    """(month, score) of these members' closed months, by member."""
    found: dict[int, list[tuple[int, int]]] = {}
    if rows:
        for member, month, score in db.all("verify_closed_months", after, rows[-1][0]):
            found.setdefault(member, []).append((month, score))
    return found
