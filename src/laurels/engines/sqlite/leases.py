"""Leases: which process awards which shard. For speed alone: whoever writes without one is exact all the same.

Every process that awards is noted, whether it has a shard or not, and all have an equal share: who has more hands over
when somebody comes, who has less takes what nobody holds. Each change of hands raises the shard's fence, so that one
who slept and wakes is told that it is another's turn. A ledger of one shard has no leases: its writer's lock says it
all.

A lease that ends later than one that is given now was given by a clock that has gone back since; it is over too.
"""

from laurels.engines.sqlite.connection import Database

LEASE = 3_000_000
"""Microseconds that a lease lasts, and after which a process that says nothing is not counted any more."""

RENEW = 1_000_000
"""Microseconds after which an owner renews."""


def take(db: Database, owner: str, shards: int, now: int) -> dict[int, int]:
    """Renew what is `owner`'s, hand over what is more than its share, take what is free up to it; gives the fences by
    shard.
    """
    db.run("forget_awarders", now, now + LEASE)
    db.run("note_awarder", owner, now + LEASE)
    share = _share(db, owner, shards, now)
    mine: dict[int, int] = dict(db.all("leases_of", owner))
    for shard in sorted(mine)[share:]:
        db.run("release_lease", shard)
        del mine[shard]
    for shard in mine:
        db.run("renew_lease", now + LEASE, shard)
    for (shard,) in db.all("free_shards", owner, now, now + LEASE, share - len(mine)):
        [mine[shard]] = db.one("take_lease", shard, owner, now + LEASE) or [0]
    return mine


def is_due(db: Database, owner: str, shards: int, now: int) -> bool:
    """Whether `take` would hand over or take a shard."""
    share, held = _share(db, owner, shards, now), len(db.all("leases_of", owner))
    return held > share or (held < share and db.one("free_shards", owner, now, now + LEASE, 1) is not None)


def leave(db: Database, owner: str) -> None:
    """Hand over all that is `owner`'s, and be counted no more."""
    db.run("release_leases", owner)
    db.run("forget_awarder", owner)


def holds(db: Database, shard: int, fence: int) -> bool:
    """Whether the shard is still the one's who has this fence."""
    return bool(db.value("lease_fence", shard) == fence)


def _share(db: Database, owner: str, shards: int, now: int) -> int:
    """How many shards are `owner`'s by right. The shares of all who are there add up to all shards."""
    owners = sorted({owner, *(row[0] for row in db.all("awarders", now, now + LEASE))})
    each, left = divmod(shards, len(owners))
    return each + (owners.index(owner) < left)
