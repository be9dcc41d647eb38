"""Checking a ledger against its own promises.

It goes in steps, each a short look at one moment, so that no old snapshot keeps the server from vacuuming. On a busy
ledger a step that compares totals first reads the entries that came meanwhile: both are of one moment, and nothing is
reported that is not so. Memory: one small object a member.
"""

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from laurels.engines.postgres import audit_rows, verifying_documents, verifying_moved
from laurels.engines.postgres.codes import ENTRY_KINDS, SHARDS, parted, place_of
from laurels.engines.postgres.connections import Connections
from laurels.engines.postgres.programs import program_findings
from laurels.engines.postgres.statements import NO_LIMIT_S, Row, Statements
from laurels.ledger import Finding, NameNumbers, Recount, Verification
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
from laurels.model import EntryKind
from laurels.model.entries import MOVES_POINTS
from laurels.model.months import Months

Closed = dict[int, list[tuple[int, int]]]


async def verify(
    connections: Connections, names: NameNumbers | None, recount: Recount | None = None
) -> AsyncIterator[Verification]:
    """The chain and its positions, then what it says of each member, then documents and awards, then what
    was done with programs and the audit log, then the guards.
    """
    feeds = Feeds(None if recount is None else recount.month_of)
    while not feeds.are_read():
        async with connections.snapshot(NO_LIMIT_S, much=True) as db:
            await feeds.look(db)
            findings = await feeds.read_some(db)
        yield feeds.report(findings)
    async for findings in _members(connections, feeds, names):
        yield feeds.report(findings)
    async for findings in _former_names(connections, feeds):
        yield feeds.report(findings)
    async for findings in _redemptions(connections, feeds):
        yield feeds.report(findings)
    async for findings in verifying_documents.verify(connections, None if recount is None else recount.fits):
        yield feeds.report(findings)
    yield feeds.report(await verifying_documents.verify_messages(connections))
    async for findings in verifying_moved.verify(connections):
        yield feeds.report(findings)
    async with connections.snapshot(NO_LIMIT_S, much=True) as db:
        yield feeds.report(await program_findings(db))
        async for findings in audit_rows.findings(db):
            yield feeds.report(findings)
    async with connections.read() as db:
        missing: list[Row] = await db.all("missing_shards")
        unguarded: list[Row] = await db.all("unguarded")
    what = "the row that its writers lock, or the one that says whose turn it is, is missing"
    yield feeds.report([Finding(f"shard {shard}", what) for (shard,) in missing])
    what = "the triggers that keep what never changes are not all there"
    yield feeds.report([Finding(f"table {name}", what) for (name,) in unguarded])


class Feeds:
    """The entries read so far in every shard, and where their feeds ended when it was last looked."""

    def __init__(self, month_of: MonthOf | None) -> None:
        self.month_of = month_of
        self.members: dict[int, CheckedMember] = {}
        self.restorations = CheckedRestorations()
        self.of = [FeedCheck(shard, self) for shard in range(SHARDS)]
        self.heads: dict[int, int] = {}

    def are_read(self) -> bool:
        """Whether all was read up to there."""
        return bool(self.heads) and all(feed.position >= self.heads[feed.shard] for feed in self.of)

    async def look(self, db: Statements) -> None:
        """See where they end now."""
        self.heads = {shard: position for shard, position, _ in await db.all("heads")}

    async def catch_up(self, db: Statements) -> list[Finding]:
        """Read to the end, as the snapshot under way has it."""
        await self.look(db)
        findings: list[Finding] = []
        while not self.are_read():
            findings += await self.read_some(db)
        return findings

    async def read_some(self, db: Statements) -> list[Finding]:
        """Read on, so many entries in all; what is wrong with them."""
        findings: list[Finding] = []
        read = 0
        for feed in self.of:
            if read < CHUNK and feed.position < self.heads[feed.shard]:
                before = feed.position
                findings += await feed.read_chunk(db)
                read += feed.position - before
        return findings

    def report(self, findings: list[Finding]) -> Verification:
        """How far it is."""
        checked = sum(feed.position for feed in self.of)
        total = sum(max(feed.position, self.heads.get(feed.shard, 0)) for feed in self.of)
        return Verification(checked=checked, total=total, findings=tuple(findings))


class FeedCheck:
    """The entries of a shard read so far: up to which position, its hash, and what they say of the members."""

    def __init__(self, shard: int, feeds: Feeds) -> None:
        self.shard = shard
        self.position = 0
        self.members = feeds.members
        self._restorations = feeds.restorations
        self._month_of = feeds.month_of
        self._hash = b""
        self._passed: dict[int, list[tuple[str, int]]] = {}
        """By position, the milestones that the entries at hand passed, and with how many points."""

    async def read_chunk(self, db: Statements) -> list[Finding]:
        """Read up to `CHUNK` further entries; what is wrong with them."""
        rows: list[Row] = await db.all("verify_entries", self.shard, self.position, CHUNK)
        self._passed.clear()
        if rows:
            start, end = place_of(self.shard, self.position), place_of(self.shard, rows[-1]["position"])
            for place, name, points, _ in await db.all("milestones_between", start, end):
                self._passed.setdefault(parted(place)[1], []).append((name, points))
        return [finding for row in rows for finding in self._check(row)]

    def _check(self, row: Row) -> Iterator[Finding]:
        position, letter, *until_refund = row[:9]
        version, name_number, *rest = row[9:14]
        recorded_at, stored, written_as, details, previous = row[14:]
        kind = ENTRY_KINDS.get(letter, "unknown")
        columns = (str(kind), *until_refund, "", version, name_number, *rest, recorded_at, stored, written_as, details)
        if position != self.position + 1:
            yield Finding(self._where(self.position + 1), f"the entries up to {position - 1} are missing")
        elif not follows(self._hash, self.shard, position, columns):
            yield Finding(self._where(position), "the entry was changed: its hash does not follow from the one before")
        self.position, self._hash = position, stored
        number, points, *_ = until_refund
        member = self.members.setdefault(number, CheckedMember())
        said = readable(details)
        member.add(kind, points, name_number, said, recorded_at)
        self._restorations.add(kind, points, columns[5], said)
        for name, with_points in self._passed.get(position, ()):
            if with_points != member.score:
                yield otherwise_passed(name, number, with_points, member.score)
        if self._month_of is not None:
            count_months(self.members, number, kind, points, said, columns[13:15], self._month_of)
        if kind == EntryKind.ENROL:
            member.enrolment = position
        elif kind not in MOVES_POINTS:
            member.events, member.event_positions = member.events + 1, member.event_positions + position
        if kind in MOVES_POINTS:
            if previous != member.last_position:
                yield Finding(
                    self._where(position), f"it follows its member's entry {member.last_position}, not {previous}"
                )
            member.last_position = position

    def _where(self, position: int) -> str:
        return f"{self.shard}-{position}"


async def _members(connections: Connections, feeds: Feeds, names: NameNumbers | None) -> AsyncIterator[list[Finding]]:
    shard, after = 0, -1
    while shard < SHARDS:
        compared = 0
        async with connections.snapshot(NO_LIMIT_S, much=True) as db:
            findings = await feeds.catch_up(db)
            named = _Naming(names, *await db.only("numbered_names"))
            while shard < SHARDS and compared < CHUNK:
                feed = feeds.of[shard]
                rows: list[Row] = await db.all("verify_members", shard, after, CHUNK)
                closed = await _closed_months(db, shard, rows) if feeds.month_of is not None else None
                findings += [finding for row in rows for finding in _compare(row, feed, named, closed)]
                compared += len(rows)
                is_last = len(rows) < CHUNK
                after = -1 if is_last else rows[-1][0]
                shard += is_last
        yield findings
    yield [
        Finding(f"member number {number}", "has entries, but is not in the ledger")
        for number, member in feeds.members.items()
        if not member.seen
    ]


async def _former_names(connections: Connections, feeds: Feeds) -> AsyncIterator[list[Finding]]:
    async with connections.read() as db:
        numbered, _ = await db.only("numbered_names")
    for chunk in former_names(feeds.members, numbered=numbered):
        async with connections.read() as db:
            kept = set(map(tuple, await db.all("bearers", [name for name, _ in chunk])))
        yield [name_lost(name, member) for name, member in chunk if (name, member) not in kept]


async def _redemptions(connections: Connections, feeds: Feeds) -> AsyncIterator[list[Finding]]:
    async with connections.snapshot(NO_LIMIT_S, much=True) as db:
        findings = await feeds.catch_up(db)
        kept = [tuple(row) for row in await db.all("verify_redemptions")]
    yield [*findings, *feeds.restorations.differences(kept)]


async def _closed_months(db: Statements, shard: int, rows: list[Row]) -> Closed:
    """(month, score) of these members' closed months, by member."""
    found: Closed = {}
    if rows:
        for member, month, score in await db.all("verify_closed_months", shard, rows[0][0], rows[-1][0]):
            found.setdefault(member, []).append((month, score))
    return found


def _compare(row: Row, feed: FeedCheck, named: "_Naming", closed: Closed | None) -> Iterator[Finding]:
    number = row[0]
    member = feed.members.setdefault(number, CheckedMember())
    member.seen = True
    for what in member.differences(_kept(row), became(feed.members, number)):
        yield Finding(f"member number {number}", what)
    if closed is not None:
        kept = by_month([*Months(*row[16:19]).open(), *closed.get(number, [])])
        for what in member.months_differ(kept):
            yield Finding(f"member number {number}", what)
    if (row[9] or 0) != member.last_position:
        yield Finding(f"member number {number}", f"its newest entry is kept as {row[9]}, it is {member.last_position}")
    if (row[13], row[14]) != (member.events, member.event_positions):
        yield Finding(f"member number {number}", f"where its {member.events} events are, is not kept so")
    if not row[15]:
        yield Finding(f"member number {number}", "its name number is not kept as its own")
    if not is_its_name(named.names, member, row[11], row[12], numbered=named.numbered, since=named.since):
        yield Finding(f"member number {number}", "its name number does not follow from its id")


class _Naming(NamedTuple):
    """What name numbers follow from, below which they do not, and since when."""

    names: NameNumbers | None
    numbered: int
    since: int


def _kept(row: Row) -> KeptMember:
    _, balance, earned, score, hidden, name_number, erased, merged, position, _, given, *_ = row
    return KeptMember(
        totals=(balance, earned, score),
        hidden=hidden,
        name_number=name_number,
        erased=erased,
        merged_into=merged,
        enrolment=position,
        given=bool(given),
    )
