"""Exports that take long: entries of the ledger, and the log of what people did.

Members are told by number and never by id, and nobody's words are in it: what is kept for days would outlive an
erasure. Rows are kept piece by piece, each in the transaction that notes how far the export is, so one that is killed
goes on behind the last piece, and memory is flat however many there are.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from laurels.jobs.steps import Doing, Row
from laurels.ledger import AuditRow, Ledger
from laurels.ledger.jobs import JobEnd, JobState
from laurels.model import Entry, Mark
from laurels.model.times import format_instant

EXPORT = "export"
AT_ONCE = 5_000
"""Rows in one piece, and entries read at once."""

Columns = dict[str, type[str] | type[int]]

ENTRIES: Columns = {
    "shard": int,
    "position": int,
    "kind": str,
    "member": int,
    "points": int,
    "source": str,
    "order_id": str,
    "refund_id": str,
    "currency": str,
    "amount": int,
    "program_version": int,
    "occurred_at": str,
    "recorded_at": str,
}
LOG: Columns = {
    "position": int,
    "at": str,
    "sub": str,
    "name": str,
    "roles": str,
    "action": str,
    "member": int,
    "object": str,
    "outcome": str,
    "request_id": str,
    "hash": str,
}
COLUMNS: dict[str, Columns] = {"entries": ENTRIES, "log": LOG}
"""The columns of each export. Amounts are minor units, instants RFC 3339."""


class ExportAbout(Struct, frozen=True):
    """What is exported, as which kind of file, and of which period (instants, by when it was recorded; None: all)."""

    what: Literal["entries", "log"]
    format: Literal["csv", "parquet"]
    begins: int | None = None
    ends: int | None = None


class Exported(Struct):
    """How far it is: rows and pieces so far; of entries the heads up to which it goes, and where each shard is; of the
    log the position before which it goes on.
    """

    rows: int = 0
    parts: int = 0
    heads: dict[int, int] = {}
    reached: dict[int, tuple[int, str]] = {}
    before: int | None = None


class Export:
    """Makes exports."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def __call__(self, doing: Doing) -> JobEnd:
        """Go on behind the last piece."""
        about = msgspec.json.decode(doing.job.about, type=ExportAbout)
        tally = msgspec.json.decode(doing.job.tally, type=Exported) if doing.job.tally else Exported()
        if about.what == "log":
            await self._log(doing, about, tally)
        else:
            await self._entries(doing, about, tally)
        file = await self._parquet(doing, about, tally) if about.format == "parquet" else None
        end = msgspec.json.encode(tally)
        return JobEnd(state=JobState.DONE, done=tally.rows, total=tally.rows, tally=end, file=file)

    async def _entries(self, doing: Doing, about: ExportAbout, tally: Exported) -> None:
        """Shard by shard in the order of the feed, up to where it ended when this began. Costs a walk over it all."""
        if not tally.heads:
            tally.heads = {shard: mark.position for shard, mark in (await self._ledger.heads()).marks.items()}
        total = sum(tally.heads.values())
        for shard, head in sorted(tally.heads.items()):
            position, hash_ = tally.reached.get(shard, (0, ""))
            while position < head:
                found = await self._ledger.feed(shard, Mark(position, bytes.fromhex(hash_)), AT_ONCE)
                position, hash_ = found[-1].position, found[-1].hash.hex()
                tally.reached[shard] = position, hash_
                rows = [_entry(each) for each in found if each.position <= head and _is_within(about, each.recorded_at)]
                await _keep(doing, tally, rows, sum(place for place, _ in tally.reached.values()), total)

    async def _log(self, doing: Doing, about: ExportAbout, tally: Exported) -> None:
        """Newest first, from where the log ended when this began."""
        begins, ends = about.begins, about.ends
        while found := await self._ledger.audit(before=tally.before, since=begins, until=ends, limit=AT_ONCE):
            tally.before = found[-1].position
            rows = [_audited(each) for each in found]
            await _keep(doing, tally, rows, tally.rows + len(rows), 0)

    async def _parquet(self, doing: Doing, about: ExportAbout, tally: Exported) -> bytes:
        """The pieces as one file."""
        from laurels.exchange.writing import parquet_of  # noqa: PLC0415 - polars, for files alone

        async def pieces() -> AsyncIterator[Sequence[Row]]:
            for part in range(1, tally.parts + 1):
                kept = await self._ledger.job_part(doing.job.number, part)
                yield [tuple(row) for row in msgspec.json.decode(kept or b"[]")]

        return await parquet_of(COLUMNS[about.what], pieces())


async def _keep(doing: Doing, tally: Exported, rows: list[Row], done: int, total: int) -> None:
    """Keep a piece with how far this is."""
    tally.rows += len(rows)
    tally.parts += bool(rows)
    part = msgspec.json.encode(rows) if rows else None
    await doing.step.note(done, total, msgspec.json.encode(tally), part)


def _is_within(about: ExportAbout, at: int) -> bool:
    return (about.begins is None or at >= about.begins) and (about.ends is None or at < about.ends)


def _entry(entry: Entry) -> Row:
    named = {name: getattr(entry, name) for name in ENTRIES}
    times = {name: format_instant(named[name]) for name in ("occurred_at", "recorded_at")}
    return tuple({**named, "kind": entry.kind.value, **times}.values())


def _audited(row: AuditRow) -> Row:
    act: dict[str, Any] = msgspec.structs.asdict(row.act)
    said = {**act, "position": row.position, "at": format_instant(row.at), "hash": row.hash.hex()}
    return tuple(said[name] for name in LOG)
