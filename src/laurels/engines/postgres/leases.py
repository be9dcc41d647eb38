"""Leases: which process awards which shard. For speed alone: whoever writes without one is exact all the same.

Every process that awards is noted, whether it has a shard or not, and all have an equal share: who has more hands over
when somebody comes, who has less takes what nobody holds. Each change of hands raises the shard's fence, so that one
who slept and wakes is told that it is another's turn. The server's clock tells the time, so that one whose own is wrong
takes nothing too early and keeps nothing too long.
"""

from datetime import timedelta

from laurels.engines.postgres.codes import SHARDS
from laurels.engines.postgres.statements import Statements

LEASE = timedelta(seconds=3)
"""How long a lease lasts, and after which a process that says nothing is not counted any more."""

RENEW_S, LOOK_S = 1.0, 0.1
"""Seconds after which an owner renews, and after which it looks whether there is something to hand over or to take."""


async def take(db: Statements, owner: str) -> dict[int, int]:
    """Renew what is `owner`'s, hand over what is more than its share, take what is free up to it; gives the fences by
    shard.
    """
    await db.run("note_awarder", owner, LEASE)
    await db.run("forget_lapsed_awarders", owner)
    owners, _, _ = await db.only("awarders", owner)
    taken: dict[int, int] = dict(await db.all("take_leases", owner, LEASE, _share(owner, owners)))
    await db.run("release_leases", owner, [*taken])
    return taken


async def is_due(db: Statements, owner: str) -> bool:
    """Whether `take` would hand over or take a shard."""
    owners, held, free = await db.only("awarders", owner)
    share = _share(owner, owners or [])
    return bool(held > share or (held < share and free))


async def leave(db: Statements, owner: str) -> None:
    """Hand over all that is `owner`'s, and be counted no more."""
    await db.run("release_leases", owner, [])
    await db.run("forget_awarder", owner)


def _share(owner: str, noted: list[str]) -> int:
    """How many shards are `owner`'s by right. The shares of all who are there add up to all shards."""
    owners = sorted({owner, *noted})
    each, left = divmod(SHARDS, len(owners))
    return each + (owners.index(owner) < left)
