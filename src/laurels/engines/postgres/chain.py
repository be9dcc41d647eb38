"""Appending to the feed: positions without gaps, recording times that never go back, and a hash over all that came
before. Entries are gathered and written together.
"""

from typing import Any

from laurels.engines.postgres.codes import ENTRY, ENTRY_KINDS
from laurels.engines.postgres.statements import Row, Statements
from laurels.ledger.chain import chained_hash
from laurels.model import Entry, EntryKind
from laurels.model.entries import MOVES_POINTS


class Chain:
    """The end of one locked shard's feed within a transaction, and the entries that come behind it."""

    def __init__(
        self,
        shard: int,
        position: int,
        digest: bytes,
        recorded_at: int,
        now: int,
        *,
        fence: int = 0,
        program_version: int = 0,
    ) -> None:
        """`fence`: of whoever took the shard last. `program_version`: the newest that is published."""
        self.shard = shard
        self.fence = fence
        self.program_version = program_version
        self.position = position
        self._hash = digest
        self.clock = now
        """What the clock says: what is to be done soon goes by it, and not by the feed's time, which may be ahead."""
        self.now = max(now, recorded_at)
        self.rows: list[tuple[Any, ...]] = []
        self.events: list[tuple[int, int]] = []
        """(member, position) of those entries that no other leads to: members' events after the enrolment."""

    def append(
        self,
        kind: EntryKind,
        member: int,
        *,
        occurred_at: int,
        board_at: int,
        previous: int = 0,
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
        """Add one entry behind the last; returns its position."""
        self.position += 1
        until_refund = (member, points, currency, amount, source, order_id, refund_id)
        from_version = (program_version, name_number, actor, occurred_at, board_at, self.now)
        columns = (kind.value, *until_refund, "", *from_version)
        self._hash = chained_hash(self._hash, columns, details, shard=self.shard, position=self.position)
        self.rows.append((self.position, previous, ENTRY[kind], *until_refund, *from_version, self._hash, details))
        if kind not in MOVES_POINTS and kind is not EntryKind.ENROL:
            self.events.append((member, self.position))
        return self.position

    def entry(self, position: int, member_id: str, reason: str, note: str) -> Entry:
        """One of the entries that were added, as it is read once it is written."""
        row = self.rows[position - self.position - 1]
        [member, points, currency, amount, source, order_id, refund_id] = row[3:10]
        [program_version, name_number, actor, occurred_at, board_at, recorded_at, digest, details] = row[10:]
        return Entry(
            shard=self.shard,
            position=position,
            kind=ENTRY_KINDS[row[2]],
            member=member,
            points=points,
            currency=currency,
            amount=amount,
            source=source,
            order_id=order_id,
            refund_id=refund_id,
            reason=reason,
            program_version=program_version,
            name_number=name_number,
            actor=actor,
            occurred_at=occurred_at,
            board_at=board_at,
            recorded_at=recorded_at,
            hash=digest,
            member_id=member_id,
            details=details,
            note=note,
        )

    def event(
        self,
        kind: EntryKind,
        member: int,
        *,
        actor: str | None = None,
        name_number: int | None = None,
        points: int = 0,
        details: bytes | None = None,
        previous: int = 0,
    ) -> int:
        """Add a member event that happens now; returns its position."""
        return self.append(
            kind,
            member,
            occurred_at=self.now,
            board_at=self.now,
            previous=previous,
            points=points,
            name_number=name_number,
            actor=actor,
            details=details,
        )


async def chains_of(db: Statements, shards: list[int], now: int) -> dict[int, Chain]:
    """The ends of locked shards' feeds."""
    chains = [chain_of(row, now) for row in await db.all("ends", shards)]
    return {chain.shard: chain for chain in chains}


def chain_of(row: Row, now: int, not_before: int = 0) -> Chain:
    """Of a row of `ends`; what is added is recorded no sooner than `not_before`."""
    shard, position, digest, recorded_at, fence, newest = row
    return Chain(shard, position, digest, max(recorded_at, not_before), now, fence=fence, program_version=newest)


def columns_of(rows: list[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as columns: so many empty ones where there are no rows."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
