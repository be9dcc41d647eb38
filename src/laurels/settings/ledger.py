"""Settings of the ledger."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from laurels.settings.group import MOST_DAYS, Count, SettingsGroup, about


class LedgerSettings(SettingsGroup, frozen=True):
    """Where the ledger is, how it is made, and how long it keeps what it may let go."""

    url: Annotated[str, about("`sqlite` (a file under `state`), or postgresql://user:password@host:port/database")] = (
        "sqlite"
    )
    feed_url: Annotated[
        str | None,
        about(
            "a standby of the server of `url`, which boards follow instead of it: postgresql://… (several hosts are "
            "tried in turn). While it is away or behind, they follow `url`"
        ),
    ] = None
    shards: Annotated[
        int,
        Meta(ge=1, le=16),
        about(
            "feeds that members are spread over when a ledger in a file is made, never changed afterwards; one is "
            "enough (on a server there are always 16)"
        ),
    ] = 1
    anchor_file: Annotated[
        Path | None,
        about(
            "a file to which signed heads of the ledger are appended, for `laurels verify --against`; it belongs where "
            "who can change the ledger cannot change it"
        ),
    ] = None
    anchor_minutes: Annotated[Count, about("how often heads are written there, and logged, if they moved")] = 10
    keep_content_days: Annotated[
        int,
        Meta(ge=0, le=MOST_DAYS),
        about("how long is kept what awarded documents said, for rehearsals, reports and refunds; 0: for ever"),
    ] = 400
