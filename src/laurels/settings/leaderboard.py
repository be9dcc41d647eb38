"""Settings of the leaderboard."""

from typing import Annotated, Literal

from laurels.settings.group import Count, Group, about


class LeaderboardSettings(Group, frozen=True):
    """Which engine ranks, where it is, and when its answers count as stale."""

    engine: Annotated[
        Literal["native", "memory", "valkey"] | None,
        about("the leaderboard: `native` where laurels-core is installed, else `memory`; or `valkey`"),
    ] = None
    url: Annotated[
        str | None,
        about(
            "valkey://user:password@host:port/database for the engine `valkey`; redis:// is the same, valkeys:// and "
            "rediss:// use TLS"
        ),
    ] = None
    stale_after_ms: Annotated[Count, about("answers say `stale` this many ms after the feed was last confirmed")] = 1000
