"""The addresses of queues, as people write them."""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

from laurels.errors import SettingsError


class BrokerAddress(Struct, frozen=True):
    """A URL taken apart. `place` is its path, `options` its query; `user` and `password` are decoded."""

    scheme: str
    hosts: str
    user: str | None
    password: str | None
    place: str
    options: dict[str, str]


_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:\s]+)(?::([0-9]{1,5}))?")
_PORTS = range(1, 65536)


def parse(url: str, example: str, options: frozenset[str]) -> BrokerAddress:
    """Take a URL apart; `options` are the ones that it may have. Raises `SettingsError`, which does not repeat the URL:
    it may hold a password.
    """
    try:
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise SettingsError(f"The queue's address cannot be read. Write it as {example}") from None
    unknown = sorted(given.keys() - options)
    if unknown:
        known = ", ".join(sorted(options))
        raise SettingsError(f"The queue's address has an option {unknown[0]!r}; there are: {known}.")
    user, at, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    if parts.fragment or not all(is_host(each) for each in hosts.split(",")):
        raise SettingsError(f"The queue's address names no broker. Write it as {example}")
    return BrokerAddress(
        parts.scheme,
        hosts,
        unquote(name) if at else None,
        unquote(password) if at else None,
        unquote(parts.path.removeprefix("/")),
        given,
    )


def is_host(named: str) -> bool:
    """Whether a client can go there: a host, perhaps a port that there is."""
    found = _HOST.fullmatch(named)
    return found is not None and (found[1] is None or int(found[1]) in _PORTS)
