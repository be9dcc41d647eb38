"""Checking what entries were where a ledger came from: the chain that they had there, from the first to the last."""

from collections.abc import AsyncIterator, Iterator

from laurels.engines.postgres.codes import ENTRY_KINDS
from laurels.engines.postgres.connections import Connections
from laurels.engines.postgres.statements import Row
from laurels.ledger import Finding
from laurels.ledger.chain import chained_hash
from laurels.ledger.checking import CHUNK
from laurels.ledger.moving import without_was


async def verify(connections: Connections) -> AsyncIterator[list[Finding]]:
    """Check the old chains, so many entries in a step."""
    at, digest = (-1, 0), b""
    while True:
        findings: list[Finding] = []
        async with connections.read() as db:
            rows: list[Row] = await db.all("moved_entries", *at, CHUNK)
        for row in rows:
            before, at = at, (row["old_shard"], row["old_position"])
            if at[0] != before[0]:
                before, digest = (at[0], 0), b""
            if at[1] != before[1] + 1:
                findings.append(Finding(_where(row), f"what was {before[0]}-{before[1] + 1} is missing"))
            findings += _check(row, digest)
            digest = _said(row) or b""
        yield findings
        if not rows:
            return


def _check(row: Row, before: bytes) -> Iterator[Finding]:
    try:
        details, at, digest = without_was(row["details"] or b"")
    except ValueError:
        yield Finding(_where(row), "it does not say which entry it was")
        return
    columns = (str(ENTRY_KINDS.get(row["kind"], "unknown")), *row[7:14], row["reason"], *row[14:20])
    shard, position = at
    old = chained_hash(before, columns, details, written_as=row["format"], shard=shard, position=position)
    if at != (row["old_shard"], row["old_position"]) or old != digest:
        yield Finding(_where(row), "it is not the entry that it was: its old hash does not follow from the one before")


def _said(row: Row) -> bytes | None:
    try:
        return without_was(row["details"] or b"")[2]
    except ValueError:
        return None


def _where(row: Row) -> str:
    return f"{row['shard']}-{row['position']}, which was {row['old_shard']}-{row['old_position']}"
