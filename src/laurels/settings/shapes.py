"""What a setting may look like, where nothing else has to be known for that: refused by every command, also by those
that have no use for it. Who brings orders in hears of a wrong path before the shop is open.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from laurels.errors import SettingsError
from laurels.settings.settings import Settings

ANY_ORIGIN = "*"

_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?")
_USUAL_PORT = {"http": "80", "https": "443"}
_HIGHEST_PORT = 65535


def check_shapes(settings: Settings) -> None:
    """Raise `SettingsError` where one of these is none."""
    check_root_path(settings.http.root_path)
    check_origins(settings.http.cors_origins)
    _check_private_hosts(settings.events.private_hosts)


def check_root_path(prefix: str) -> None:
    """Raise `SettingsError` for what is no path that a proxy shows Laurels at."""
    if prefix and (not _ROOT_PATH.fullmatch(prefix) or {".", ".."} & {*prefix.split("/")}):
        raise SettingsError(
            f"http.root_path is {prefix!r}: it begins with / and does not end with it, and has letters, digits and . _ "
            "~ - between, such as /laurels."
        )


def check_origins(origins: Sequence[str]) -> None:
    """Raise `SettingsError` where one is not spelled as browsers send it, so could never be met."""
    for origin in origins:
        if origin != ANY_ORIGIN and not _is_origin(origin):
            raise SettingsError(
                f"http.cors_origins has {origin!r}, which no browser sends as an origin. Write scheme and host in "
                "small letters, the port unless it is the usual one, and nothing after them: https://shop.example"
            )
    if ANY_ORIGIN in origins and len(origins) > 1:
        raise SettingsError("http.cors_origins has * and others beside it. Leave the others out, or the *.")


def _is_origin(origin: str) -> bool:
    parts = _ORIGIN.fullmatch(origin)
    return parts is not None and parts[3] != _USUAL_PORT[parts[1]] and int(parts[3] or 1) <= _HIGHEST_PORT


def _check_private_hosts(hosts: Sequence[str]) -> None:
    for host in hosts:
        if not _is_host(host):
            raise SettingsError(
                f"events.private_hosts has {host!r}: write a host's name or address in small letters, without scheme, "
                "port or path, such as erp.internal or 10.0.0.7."
            )


def _is_host(host: str) -> bool:
    """Whether a host is written as it is read out of an address."""
    try:
        return " " not in host and urlsplit(f"//[{host}]" if ":" in host else f"//{host}").hostname == host
    except ValueError:
        return False
