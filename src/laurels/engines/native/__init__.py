"""The leaderboard in memory-mapped files under the state directory, by `laurels_core` (the Rust crate in `native/`).

It is on the disk, so a start finds it where the last run left it; many processes may read it, and one at a time follows
the feed. `laurels_core` knows integers, ids and names; this package says to it what the port's words mean.
"""

from laurels.engines.native.leaderboard import NativeLeaderboard

__all__ = ["NativeLeaderboard"]
