"""The followers of the feed."""

from collections.abc import Mapping
from datetime import timedelta

from laurels.engines.postgres.chain import columns_of
from laurels.engines.postgres.codes import SHARDS
from laurels.engines.postgres.session import Session
from laurels.errors import NotFound
from laurels.model import Mark


class PostgresFollowers(Session):
    """How far each target of events got. The server's clock says when a lease ends."""

    async def follow(self, target: str, owner: str, *, lease_s: float) -> dict[int, Mark] | None:
        async with self._connections.transaction() as db:
            if await db.one("take_follower_lease", target, owner, timedelta(seconds=lease_s)) is None:
                return None
            rows = await db.all("follower_marks", target)
        known = {shard: Mark(position, digest) for shard, position, digest in rows}
        return {shard: known.get(shard, Mark()) for shard in range(SHARDS)}

    async def followed(self, target: str, owner: str, marks: Mapping[int, Mark]) -> bool:
        rows = [(shard, mark.position, mark.hash) for shard, mark in sorted(marks.items())]
        async with self._connections.transaction() as db:
            if await db.value("follower_owner", target) != owner:
                return False
            await db.run("write_followers", target, *columns_of(rows, 3))
        return True

    async def let_go(self, target: str, owner: str) -> None:
        async with self._connections.statement() as db:
            await db.run("release_follower", target, owner)

    async def mark_at(self, shard: int, position: int) -> Mark:
        if position == 0 and 0 <= shard < SHARDS:
            return Mark()
        async with self._connections.read() as db:
            digest = await db.value("entry_hash", shard, position) if 0 <= shard < SHARDS else None
        if digest is None:
            raise NotFound(f"There is no entry {shard}-{position}.")
        return Mark(position, digest)
