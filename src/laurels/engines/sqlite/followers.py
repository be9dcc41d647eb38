"""The followers of the embedded ledger."""

from collections.abc import Mapping

from laurels.clock import SECOND
from laurels.engines.sqlite.connection import Database
from laurels.engines.sqlite.places import place_of
from laurels.engines.sqlite.session import Session
from laurels.errors import NotFound
from laurels.model import Mark


class SqliteFollowers(Session):
    """How far each target of events got."""

    async def follow(self, target: str, owner: str, *, lease_s: float) -> dict[int, Mark] | None:
        def write(db: Database) -> dict[int, Mark] | None:
            now = self._now()
            if db.one("take_follower_lease", target, owner, now + int(lease_s * SECOND), now) is None:
                return None
            known = {shard: Mark(position, digest) for shard, position, digest in db.all("follower_marks", target)}
            return {shard: known.get(shard, Mark()) for shard in range(self._shards)}

        return await self._writer.run(write)

    async def followed(self, target: str, owner: str, marks: Mapping[int, Mark]) -> bool:
        def write(db: Database) -> bool:
            if db.value("follower_owner", target) != owner:
                return False
            for shard, mark in marks.items():
                db.run("write_follower", target, shard, mark.position, mark.hash)
            return True

        return await self._writer.run(write)

    async def let_go(self, target: str, owner: str) -> None:
        await self._writer.run(lambda db: db.run("release_follower", target, owner))

    async def mark_at(self, shard: int, position: int) -> Mark:
        if position == 0 and 0 <= shard < self._shards:
            return Mark()
        row = await self._reader.run(lambda db: db.one("entry_hash", place_of(shard, position)))
        if row is None:
            raise NotFound(f"There is no entry {shard}-{position}.")
        return Mark(position, row[0])
