"""Settings of the leaderboard."""

from pathlib import Path
from typing import Annotated, Literal

from laurels.settings.group import Count, SettingsGroup, about


class LeaderboardSettings(SettingsGroup, frozen=True):
    """Which engine ranks, where it is, and when its answers count as stale."""

    engine: Annotated[
        Literal["native", "memory", "valkey"] | None,
        about("the leaderboard: `native` where laurels-core is installed, else `memory`; or `valkey`"),
    ] = None
    url: Annotated[
        str | None,
        about(
            "valkey://user:password@host:port/database for the engine `valkey`, or valkey+sentinel://user:password@"
            "host:port,host:port/service/database; redis is the same, valkeys and rediss use TLS"
        ),
    ] = None
    prefix: Annotated[
        str, about("what every key on that server begins with; each Laurels on one database needs another one")
    ] = "laurels"
    ca_file: Annotated[
        Path | None,
        about("PEM file of the authorities that the server's certificate is checked by; none: the system's"),
    ] = None
    cert_file: Annotated[
        Path | None, about("PEM file of our certificate, where the server wants one of its clients")
    ] = None
    key_file: Annotated[Path | None, about("PEM file of its key, where `leaderboard.cert_file` does not hold it")] = (
        None
    )
    sentinel_password: Annotated[str | None, about("the sentinels' own password, where they have one")] = None
    stale_after_ms: Annotated[Count, about("answers say `stale` this many ms after the feed was last confirmed")] = 1000
