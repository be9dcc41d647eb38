"""Settings of the operators' console."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from laurels.settings.group import MOST_DAYS, Count, Port, SettingsGroup, about


class ConsoleSettings(SettingsGroup, frozen=True):
    """Where the console is, and how far its people may go."""

    host: Annotated[str, about("the address that the console listens on: the machine's own alone")] = "127.0.0.1"
    port: Annotated[Port, about("its port; 0 takes a free one")] = 8100
    api: Annotated[
        str | None,
        about("the address of a Laurels that the console asks; left out: it answers itself, from the ledger"),
    ] = None
    key_file: Annotated[
        Path | None, about("PEM file of the private key that it signs people's tokens with; left out: made in `state`")
    ] = None
    limit_support: Annotated[Count, about("the most points that a correction by `support` may give or take")] = 500
    limit_lead: Annotated[Count, about("the same of `lead`")] = 5_000


class AuditSettings(SettingsGroup, frozen=True):
    """The log of who looked at what and changed what."""

    days: Annotated[int, Meta(ge=1, le=MOST_DAYS), about("how long its rows are kept")] = 400
