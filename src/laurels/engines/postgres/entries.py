"""Entries as rows of the server's."""

from collections.abc import Iterable

from laurels.engines.postgres.codes import ENTRY_KINDS
from laurels.engines.postgres.statements import Row, Statements
from laurels.model import Entry

At = tuple[int, int]
"""(shard, position)."""


def entry_of(row: Row) -> Entry:
    """A row of the entry queries as an `Entry`."""
    return Entry(
        shard=row[0],
        position=row[1],
        kind=ENTRY_KINDS[row[2]],
        member=row[3],
        points=row[4],
        currency=row[5],
        amount=row[6],
        source=row[7],
        order_id=row[8],
        refund_id=row[9],
        reason=row[10] or "",
        program_version=row[11],
        name_number=row[12],
        actor=row[13],
        occurred_at=row[14],
        board_at=row[15],
        recorded_at=row[16],
        hash=row[17],
        member_id=row[18],
        format=row[19],
        details=row[20],
        note=row[21] or "",
    )


async def entries_at(db: Statements, places: Iterable[At]) -> dict[At, Entry]:
    """The entries at places, oldest first."""
    wanted = list(places)
    if not wanted:
        return {}
    rows = await db.all("entries_at", [shard for shard, _ in wanted], [position for _, position in wanted])
    return {(row[0], row[1]): entry_of(row) for row in rows}
