"""Settings of the operators' console."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from laurels.settings.group import MOST_DAYS, Count, Port, SettingsGroup, about


class ConsoleSettings(SettingsGroup, frozen=True):
    """Where the console is, and how far its people may go."""

    host: Annotated[str, about("the address that the console listens on: the machine's own alone")] = "127.0.0.1"
    port: Annotated[Port, about("its port; 0 takes a free one")] = 8100
    metrics_port: Annotated[
        Port | None,
        about(
            "a port for `/metrics` of the console, at the same address; left out: it tells none; 0 takes a free one, "
            "which the log names"
        ),
    ] = None
    api: Annotated[
        str | None,
        about("the address of a Laurels that the console asks; left out: it answers itself, from the ledger"),
    ] = None
    key_file: Annotated[
        Path | None, about("PEM file of the private key that it signs people's tokens with; left out: made in `state`")
    ] = None
    address: Annotated[
        str | None,
        about("the address that people open the console at, such as `https://loyalty.example.com`; needed for sign-in"),
    ] = None
    issuer: Annotated[
        str | None,
        about("the identity provider that signs people in, by OpenID Connect; left out: an address from the terminal"),
    ] = None
    client_id: Annotated[str | None, about("what the provider calls the console")] = None
    client_secret_file: Annotated[
        Path | None, about("a file with the secret that the provider knows it by; left out: it has none")
    ] = None
    roles: Annotated[
        tuple[str, ...],
        about(
            "who has which role, as role:claim=value, such as `support:groups=loyalty-support`; a claim within another "
            "one is `realm_access.roles`"
        ),
    ] = ()
    limit_support: Annotated[Count, about("the most points that a correction by `support` may give or take")] = 500
    limit_lead: Annotated[Count, about("the same of `lead`")] = 5_000


class AuditSettings(SettingsGroup, frozen=True):
    """The log of who looked at what and changed what."""

    days: Annotated[int, Meta(ge=1, le=MOST_DAYS), about("how long its rows are kept")] = 400
