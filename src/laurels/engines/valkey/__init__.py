"""The leaderboard on a Valkey or Redis server, in sorted sets: shared by any number of processes, and as exact as the
one in memory.

A script answers a whole dashboard from one moment in one round trip; another takes a batch of changes together with its
mark. `scripts/` has them, and `scripts/common.lua` says how the data lies. From the bottom up: `address.py` reads the
URL, `connecting.py` makes the driver's clients, `troubles.py` says what their errors mean, `rights.py` which servers
will not do and what their user may not do, `server.py` runs scripts, `change_signal.py` hears of changes, `telling.py`
and `loading.py` write what the scripts take, `answers.py` reads what they give, and `leaderboard.py` is the port.
"""

from laurels.engines.valkey.connecting import Tls
from laurels.engines.valkey.leaderboard import ValkeyLeaderboard

__all__ = ["Tls", "ValkeyLeaderboard"]
