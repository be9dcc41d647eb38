"""Leases: which process awards which shard. For speed alone: whoever writes without one is exact all the same.

A process renews its own and takes what nobody holds; each change of hands raises the fence, so that one who slept and
wakes is told that it is another's turn. A ledger of one shard has no leases: its writer's lock says it all.
"""

from laurels.engines.sqlite.connection import Database

LEASE = 3_000_000
"""Microseconds that a lease lasts."""

RENEW = 1_000_000
"""Microseconds after which an owner renews."""


def take(db: Database, owner: str, shards: int, now: int) -> dict[int, int]:
    """Renew what is `owner`'s and take what is free, an equal share among those who are there; gives the fences by
    shard.
    """
    others = {row[0] for row in db.all("lease_owners", now) if row[0] != owner}
    share = -(-shards // (len(others) + 1))
    mine: dict[int, int] = dict(db.all("leases_of", owner))
    for shard in sorted(mine)[share:]:  # somebody came: hand over what is more than the share
        db.run("release_lease", shard)
        del mine[shard]
    for shard in mine:
        db.run("renew_lease", now + LEASE, shard)
    for (shard,) in db.all("free_shards", now, share - len(mine)):
        [mine[shard]] = db.one("take_lease", shard, owner, now + LEASE) or [0]
    return mine


def holds(db: Database, shard: int, fence: int) -> bool:
    """Whether the shard is still the one's who has this fence."""
    return bool(db.value("lease_fence", shard) == fence)
