"""The roll-ups on a server."""

from collections.abc import Collection, Mapping

from laurels.engines.postgres.chain import columns_of
from laurels.engines.postgres.codes import SHARDS
from laurels.engines.postgres.connections import trying
from laurels.engines.postgres.session import Session
from laurels.engines.postgres.statements import Statements
from laurels.ledger.rollups import (
    BY_DAY,
    Basis,
    Cell,
    DuePoints,
    Grouping,
    RolledMember,
    RolledUp,
    RollUpState,
    Sums,
)
from laurels.model import Mark

_CELL = len(Cell._fields)


class PostgresRollUps(Session):
    """Sums by day, and how far they got."""

    async def rolled_up(self) -> RollUpState:
        async with self._connections.read() as db:
            return await _state(db)

    async def begin_roll_ups(self, scheme: str) -> None:
        async with self._connections.transaction() as db:
            await db.run("begin_rollup", scheme)  # first: who adds meanwhile holds this row
            for drop in ("drop_rollup_marks", "drop_rollup_cells", "drop_rollup_members", "drop_rollup_due"):
                await db.run(drop)

    async def rolled_members(self, numbers: Collection[int]) -> dict[int, RolledMember]:
        async with self._connections.read() as db:
            rows = await db.all("rollup_members", [*numbers])
        return {number: RolledMember(*kept) for number, *kept in rows}

    async def roll_up(self, scheme: str, shard: int, marks: tuple[Mark, Mark], rolled: RolledUp) -> bool:
        before, after = marks
        cells = sorted((*cell, *sums) for cell, sums in rolled.cells.items())
        members = sorted((number, it.market, it.tier, it.active_on) for number, it in rolled.members.items())

        async def once() -> bool:
            async with self._connections.transaction() as db:
                if (await db.only("lock_rollup"))[0] != scheme:
                    return False
                row = await db.one("rollup_mark", shard)
                if (Mark() if row is None else Mark(*row)) != before:
                    return False
                mark = "insert_rollup_mark" if row is None else "write_rollup_mark"
                await db.run(mark, shard, after.position, after.hash)
                await db.run("add_to_rollup_cells", *columns_of(cells, _CELL + 3))
                await db.run("write_rollup_members", *columns_of(members, 4))
                return True

        return await trying(once)

    async def sums(self, basis: Basis, since: int, until: int, grouping: Grouping = BY_DAY) -> list[tuple[Cell, Sums]]:
        asked = (basis, since, until, grouping.per, grouping.part, grouping.source)
        async with self._connections.read() as db:
            rows = await db.all("rollup_sums", *asked)
        return [(Cell(*row[:_CELL]), Sums(*row[_CELL:])) for row in rows]

    async def all_cells(self) -> tuple[RollUpState, Mapping[Cell, Sums]]:
        async with self._connections.snapshot(much=True) as db:
            rows = await db.all("rollup_cells")
            return await _state(db), {Cell(*row[:_CELL]): Sums(*row[_CELL:]) for row in rows}

    async def write_due(self, at: int, rows: Collection[DuePoints]) -> None:
        async with self._connections.transaction() as db:
            await db.run("looked_at_due", at)  # first: two who look at once come one after the other
            await db.run("drop_rollup_due")
            await db.run("write_rollup_due", *columns_of(sorted(rows), 4))

    async def due(self, since: int, until: int) -> tuple[int, list[DuePoints]]:
        async with self._connections.snapshot(much=True) as db:
            found = await db.all("rollup_due", since, until)
            return (await db.only("rollup"))[1], [DuePoints(*row) for row in found]


async def _state(db: Statements) -> RollUpState:
    [(scheme, _)], marks = await db.together(("rollup",), ("rollup_marks",))
    known = {shard: Mark(position, digest) for shard, position, digest in marks}
    return RollUpState(scheme, {shard: known.get(shard, Mark()) for shard in range(SHARDS)})
