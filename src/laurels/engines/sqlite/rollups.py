"""The roll-ups in the embedded ledger's file."""

from collections.abc import Collection, Mapping

from laurels.engines.sqlite.connection import Database
from laurels.engines.sqlite.session import Session
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

MOST_SUMS = 64
"""Sums that are remembered until the roll-ups get further, or are made anew: an overview asks for seven of them."""


class SqliteRollUps(Session):
    """Sums by day, and how far they got."""

    async def rolled_up(self) -> RollUpState:
        return await self._reader.run(self._state)

    async def begin_roll_ups(self, scheme: str) -> None:
        def write(db: Database) -> None:
            for drop in ("drop_rollup_marks", "drop_rollup_cells", "drop_rollup_members", "drop_rollup_due"):
                db.run(drop)
            db.run("begin_rollup", scheme)

        await self._writer.run(write)

    async def rolled_members(self, numbers: Collection[int]) -> dict[int, RolledMember]:
        def read(db: Database) -> dict[int, RolledMember]:
            rows = ((number, db.one("rollup_member", number)) for number in numbers)
            return {number: RolledMember(*row) for number, row in rows if row is not None}

        return await self._reader.run(read)

    async def roll_up(self, scheme: str, shard: int, marks: tuple[Mark, Mark], rolled: RolledUp) -> bool:
        before, after = marks

        def write(db: Database) -> bool:
            state = self._state(db)
            if state.scheme != scheme or state.marks.get(shard) != before:
                return False
            db.run_many("add_to_rollup_cell", [(*cell, *sums) for cell, sums in rolled.cells.items()])
            kept = [(number, it.market, it.tier, it.active_on) for number, it in rolled.members.items()]
            db.run_many("write_rollup_member", kept)
            db.run("write_rollup_mark", shard, after.position, after.hash)
            return True

        return await self._writer.run(write)

    async def sums(self, basis: Basis, since: int, until: int, grouping: Grouping = BY_DAY) -> list[tuple[Cell, Sums]]:
        asked = (basis, since, until, grouping.per, grouping.part, grouping.source)

        def read(db: Database) -> list[tuple[Cell, Sums]]:
            state = db.one("rollup"), db.all("rollup_marks")
            known, sums = self._sums.get(asked, (None, []))
            if known != state:
                sums = [(Cell(*row[:6]), Sums(*row[6:])) for row in db.all("rollup_sums", *asked)]
                if len(self._sums) >= MOST_SUMS:
                    self._sums.clear()
                self._sums[asked] = state, sums
            return sums

        return [*await self._reader.run(read)]

    async def all_cells(self) -> tuple[RollUpState, Mapping[Cell, Sums]]:
        def read(db: Database) -> tuple[RollUpState, Mapping[Cell, Sums]]:
            return self._state(db), {Cell(*row[:6]): Sums(*row[6:]) for row in db.all("rollup_cells")}

        return await self._reader.run(read)

    async def write_due(self, at: int, rows: Collection[DuePoints]) -> None:
        def write(db: Database) -> None:
            db.run("drop_rollup_due")
            db.run_many("write_rollup_due", [*rows])
            db.run("looked_at_due", at)

        await self._writer.run(write)

    async def due(self, since: int, until: int) -> tuple[int, list[DuePoints]]:
        def read(db: Database) -> tuple[int, list[DuePoints]]:
            row = db.one("rollup")
            assert row is not None, "the schema made it"
            return row[1], [DuePoints(*each) for each in db.all("rollup_due", since, until)]

        return await self._reader.run(read)

    def _state(self, db: Database) -> RollUpState:
        row = db.one("rollup")
        assert row is not None, "the schema made it"
        known = {shard: Mark(position, digest) for shard, position, digest in db.all("rollup_marks")}
        return RollUpState(row[0], {shard: known.get(shard, Mark()) for shard in range(self._shards)})
