"""The leaderboard on a Valkey or Redis server, in sorted sets: shared by any number of processes, and as exact as the
one in memory.

A script answers a whole dashboard from one moment in one round trip; another takes a batch of changes together with its
mark. `scripts/` has them, and `scripts/common.lua` says how the data lies. From the bottom up: `address.py` reads the
URL, `server.py` is the connection, and says which servers will not do, `bell.py` hears of changes, `answers.py` reads
what the scripts give, and `leaderboard.py` is the port.
"""

from laurels.engines.valkey.leaderboard import ValkeyLeaderboard

__all__ = ["ValkeyLeaderboard"]
