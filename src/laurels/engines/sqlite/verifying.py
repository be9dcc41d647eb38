"""Checking a ledger against its own promises.

It goes in steps, each a short read transaction of its own, so that no checkpoint waits for it. On a busy ledger a step
that compares totals first reads the entries that came meanwhile: both are of one moment, and nothing is reported that
is not so. Only the last step, SQLite's own look at the file and its indexes, is one long read. Memory: one small object
a member.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain

from laurels.engines.sqlite.audit_rows import audit_findings
from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.places import end_of, place_of, position_at
from laurels.engines.sqlite.programs import program_findings
from laurels.engines.sqlite.verifying_chunks import UNREADABLE, in_order, moment
from laurels.engines.sqlite.verifying_documents import check_documents, check_file, check_messages
from laurels.ledger import Finding, Recount, Verification
from laurels.ledger.checking import (
    CHUNK,
    CheckedMember,
    CheckedRestorations,
    KeptMember,
    MonthOf,
    became,
    by_month,
    count_months,
    follows,
    former_names,
    is_its_name,
    name_lost,
    otherwise_passed,
    readable,
)
from laurels.ledger.shards import MOST_SHARDS, are_shards
from laurels.model import EntryKind
from laurels.model.months import Months


def verify(db: Database, recount: Recount | None = None) -> Iterator[Verification]:
    """The chain and its positions, then what it says of each member, then documents and awards, then what
    was done with programs and the audit log, then the file.
    """
    feed = _Feeds(db, None if recount is None else recount.month_of)
    documents = partial(check_documents, db, None if recount is None else recount.fits)
    logs = partial(program_findings, db), partial(audit_findings, db)
    members = partial(_members, db, feed), partial(_former_names, db, feed), partial(_redemptions, db, feed)
    messages = partial(check_messages, db)
    for step in (feed.check, *members, documents, messages, *logs, partial(check_file, db)):
        for findings in _until_unreadable(step):
            yield Verification(checked=feed.position, total=feed.head, findings=tuple(findings))


def _until_unreadable(step: Callable[[], Iterator[list[Finding]]]) -> Iterator[list[Finding]]:
    try:
        yield from step()
    except UNREADABLE as error:
        yield [Finding("ledger", f"the file is damaged: {error}")]


class _Feeds:
    """The entries read so far in every shard, and what they say of the members."""

    def __init__(self, db: Database, month_of: MonthOf | None) -> None:
        self._db = db
        self.month_of = month_of
        self.members: dict[int, CheckedMember] = {}
        self.restorations = CheckedRestorations()
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
        row = self._db.one("verify_ledger")
        if row is None:
            yield [Finding("ledger", "the row that says who it is, is missing")]
        ends = len(self._db.all("read_heads"))
        made = row[2] if row is not None and are_shards(row[2]) else min(ends, MOST_SHARDS)
        if row is not None and row[2] != ends:
            yield [Finding("ledger", f"it is said to have {row[2]} shards, and has the ends of {ends}")]
        self._shards = {shard: _Feed(self._db, shard, self) for shard in range(made)}
        for feed in self._shards.values():
            yield from feed.check()

    def catch_up(self) -> list[Finding]:
        """Read to the heads as they are in the transaction under way."""
        return [finding for feed in self._shards.values() for finding in feed.catch_up()]


class _Feed:
    """The entries of a shard read so far: up to which position, and its hash."""

    def __init__(self, db: Database, shard: int, feeds: _Feeds) -> None:
        self._db = db
        self._month_of = feeds.month_of
        self._shard = shard
        self.position = self.head = 0
        self._members = feeds.members
        self._restorations = feeds.restorations
        self._hash: bytes | None = b""
        self._passed: dict[int, list[tuple[str, int]]] = {}
        """By place, the milestones that the entries at hand passed, and with how many points."""

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
            self._passed.clear()
            for place, name, points, _ in self._db.all("milestones_between", rows[0][0] - 1, rows[-1][0]):
                self._passed.setdefault(place, []).append((name, points))
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
        elif self._hash is not None and not follows(self._hash, self._shard, position, row[1:]):
            yield Finding(self._where(position), "the entry was changed: its hash does not follow from the one before")
        self.position, self._hash = position, stored if isinstance(stored, bytes) else None
        if isinstance(points, int):  # else it was reported above
            said = readable(details)
            checked = self._members.setdefault(member, CheckedMember())
            checked.add(kind, points, name_number, said, row[15])
            self._restorations.add(kind, points, row[6], said)
            for name, with_points in self._passed.get(row[0], ()):
                if with_points != checked.score:
                    yield otherwise_passed(name, member, with_points, checked.score)
            if kind == EntryKind.ENROL:
                checked.enrolment = row[0]
            if self._month_of is not None:
                count_months(self._members, member, kind, points, said, row[14:16], self._month_of)

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


def _members(db: Database, feed: _Feeds) -> Iterator[list[Finding]]:
    after = -1
    while True:
        with moment(db):
            findings = feed.catch_up()
            rows = in_order(db.all("verify_members", after, CHUNK), after)
            closed = _closed_months(db, after, rows) if feed.month_of is not None else {}
        for row in rows:
            after = row[0]
            member = feed.members.setdefault(after, CheckedMember())
            member.seen = True
            differences = list(member.differences(_kept(row), became(feed.members, after)))
            if feed.month_of is not None:
                differences += _months_differ(member, row[10:13], closed.get(after, []))
            if not _is_its_name(db, member, *row[13:]):
                differences.append("its name number does not follow from its id")
            findings += [Finding(f"member number {after}", what) for what in differences]
        yield findings
        if not rows:
            break
    yield [
        Finding(f"member number {number}", "has entries, but is not in the ledger")
        for number, member in feed.members.items()
        if not member.seen
    ]


def _former_names(db: Database, feed: _Feeds) -> Iterator[list[Finding]]:
    numbered, _ = _numbered_names(db)
    for chunk in former_names(feed.members, numbered=numbered):
        with moment(db):
            yield [name_lost(name, member) for name, member in chunk if db.value("former_bearer", name) != member]


def _redemptions(db: Database, feed: _Feeds) -> Iterator[list[Finding]]:
    with moment(db):
        findings = feed.catch_up()
        rows = db.all("verify_redemptions")  # in a damaged file they may be anything
        kept = [(str(source), str(id), back if isinstance(back, int) else -1) for source, id, back in rows]
    yield [*findings, *feed.restorations.differences(kept)]


def _is_its_name(db: Database, member: CheckedMember, member_id: str | None, enrolled_at: int | None) -> bool:
    numbered, since = _numbered_names(db)
    return is_its_name(db.names, member, member_id, enrolled_at, numbered=numbered, since=since)


def _numbered_names(db: Database) -> tuple[int, int]:
    """As the statement says; 0 where a damaged file has no number there."""
    numbered, since = (each if isinstance(each, int) else 0 for each in db.one("numbered_names") or (0, 0))
    return numbered, since


def _kept(row: Row) -> KeptMember:
    _, balance, earned, score, hidden, name_number, erased, merged, place, given = row[:10]
    return KeptMember(
        totals=(balance, earned, score),
        hidden=bool(hidden),
        name_number=name_number,
        erased=bool(erased),
        merged_into=merged,
        enrolment=place,
        given=bool(given),
    )


def _closed_months(db: Database, after: int, rows: list[Row]) -> dict[int, list[tuple[int, int]]]:
    """(month, score) of these members' closed months, by member."""
    found: dict[int, list[tuple[int, int]]] = {}
    if rows:
        for member, month, score in db.all("verify_closed_months", after, rows[-1][0]):
            found.setdefault(member, []).append((month, score))
    return found


def _months_differ(member: CheckedMember, months: Row, closed: list[tuple[int, int]]) -> list[str]:
    """In a damaged file what is kept of months may be no numbers."""
    if not all(isinstance(each, int) for each in (*months, *chain.from_iterable(closed))):
        return ["what it scored by month is kept as no numbers"]
    return list(member.months_differ(by_month([*Months(*months).open(), *closed])))
