"""Whether shards have something to award: one look for all that are asked about in the same turn of the loop."""

import asyncio
from typing import NamedTuple

from laurels.engines.postgres.chain import columns_of
from laurels.engines.postgres.connections import Connections


class ShardWork(NamedTuple):
    """What a look at a shard found."""

    fence: int
    """Of whoever took the shard last."""

    first: int | None
    """The sequence of the first document above the floor."""

    is_overdue: bool
    """Whether something waits since before the instant."""


class WorkLook:
    """Looks at inboxes. A process that owns every shard asks about them all at once: shard by shard that is sixteen
    round trips for an order, on as many connections as there may be, each of which plans the statement for itself.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._asked: dict[int, tuple[int, int]] = {}
        self._look: asyncio.Task[dict[int, ShardWork]] | None = None

    async def at(self, shard: int, floor: int, waiting_before: int) -> ShardWork:
        """What a shard has above a floor, and waiting since before an instant. One round trip, shared. Raises
        `LedgerUnavailable`.
        """
        self._asked[shard] = floor, waiting_before
        if self._look is None:
            self._look = asyncio.create_task(self._look_at_all(), name="laurels-postgres-look")
        return (await asyncio.shield(self._look))[shard]  # others wait for it, too

    async def _look_at_all(self) -> dict[int, ShardWork]:
        asked, self._asked, self._look = self._asked, {}, None
        shards = [(shard, *limits) for shard, limits in asked.items()]
        async with self._connections.read() as db:
            rows = await db.all("look_for_work", *columns_of(shards, 3))
        return {shard: ShardWork(*found) for shard, *found in rows}
