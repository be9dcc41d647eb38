"""Leases: which process awards which shard. For speed alone: whoever writes without one is exact all the same.

A process renews its own once a second and takes what nobody holds; each change of hands raises the fence, so that one
who slept and wakes is told that it is another's turn. The server's clock tells the time, so that one whose own is wrong
takes nothing too early and keeps nothing too long.
"""

from datetime import timedelta

from laurels.engines.postgres.codes import SHARDS
from laurels.engines.postgres.statements import Statements

LEASE = timedelta(seconds=3)
RENEW_S = 1.0
"""Seconds after which an owner renews."""


async def take(db: Statements, owner: str) -> dict[int, int]:
    """Renew what is `owner`'s and take what is free, an equal share among those who are there; gives the fences by
    shard.
    """
    share = -(-SHARDS // (await db.value("announce", owner, LEASE) + 1))
    taken: dict[int, int] = dict(await db.all("take_leases", owner, LEASE, share))
    await db.run("release_leases", owner, [*taken])  # somebody came: hand over what is more than the share
    return taken


async def leave(db: Statements, owner: str) -> None:
    """Let go of everything, so that the others need not wait until the leases end."""
    await db.run("release_leases", owner, [])
    await db.run("forget_workers", owner)
