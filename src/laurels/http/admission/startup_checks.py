"""What must not be open to others: looked at before anything listens.

A laptop may run on a development key and on secrets out of the documentation. An address that others can reach may
not, and there a token has to say who made it and for whom.
"""

import ipaddress

from laurels.dashboard.names import PUBLISHED_KEY, load_key
from laurels.errors import SettingsError
from laurels.settings import Settings


def check_exposure(settings: Settings) -> None:
    """Raise `SettingsError`, saying why and what to do, where the settings would let others in who should stay out."""
    if not is_loopback(settings.http.host):
        check_open(settings, f"http.host is {settings.http.host}, which others can reach")


def check_open(settings: Settings, because: str) -> None:
    """The same where others do reach the address, or may. `because` tells why that is so. Raises `SettingsError`."""
    if settings.auth.mode == "dev":
        raise SettingsError(
            f"{because}: auth.mode `dev` is for one machine alone, so http.host has to be a loopback address such as "
            "127.0.0.1, or auth.mode `jwks` or `keys`."
        )
    if not (settings.auth.issuer or "").strip() or not (settings.auth.audience or "").strip():
        missing = "auth.audience" if (settings.auth.issuer or "").strip() else "auth.issuer"
        raise SettingsError(
            f"{because}: {missing} has to be set. Without it, tokens that the same keys signed for another application "
            "would be let in."
        )
    if load_key(settings.names_key_path) == PUBLISHED_KEY:
        raise SettingsError(
            f"{because}: {settings.names_key_path} holds the key of the published test vectors, so anybody could undo "
            "a proxy name. Make one of your own: openssl rand -hex 32"
        )


def is_loopback(host: str) -> bool:
    """Whether a host name or address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
