"""The addresses of queues, as people write them."""

import re
from collections.abc import Callable, Mapping
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


class Option(Struct, frozen=True):
    """What a word behind an address's `?` may be: `must` says it, `fits` checks it. `of_tls`: of an encrypted address
    alone, where clients read it at all.
    """

    must: str
    fits: Callable[[str], bool]
    of_tls: bool = False


def one_of(*values: str) -> Option:
    """An option with a few values."""
    return Option(f"be {' or '.join(values)}", frozenset(values).__contains__)


NAME = Option("not be empty", bool)
CERTIFICATES = dict.fromkeys(("cafile", "certfile", "keyfile"), Option("name a file", bool, of_tls=True))
ENCRYPTED = frozenset({"amqps", "kafka+ssl"})

_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:\s]+)(?::([0-9]{1,5}))?")
_PORTS = range(1, 65536)


def parse(url: str, example: str, options: Mapping[str, Option]) -> BrokerAddress:
    """Take a URL apart; `options` are the ones that it may have. Raises `SettingsError`, which does not repeat the URL:
    it may hold a password.

    Values are checked here: clients take one that they cannot read for another, and a heartbeat that is no number for
    none.
    """
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise SettingsError(f"The queue's address cannot be read. Write it as {example}") from None
    given = dict(pairs)
    unknown = sorted(given.keys() - options)
    if unknown:
        known = ", ".join(sorted(options))
        raise SettingsError(f"The queue's address has an option {unknown[0]!r}; there are: {known}.")
    if len(given) < len(pairs):
        raise SettingsError("The queue's address has an option twice.")
    for name, value in given.items():
        _check(name, value, options[name], encrypted=parts.scheme in ENCRYPTED)
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


def _check(name: str, value: str, option: Option, *, encrypted: bool) -> None:
    if option.of_tls and not encrypted:
        raise SettingsError(f"The queue's address has {name}, and is not encrypted: write amqps:// or kafka+ssl://.")
    if not option.fits(value):
        raise SettingsError(f"The value of {name} in the queue's address must {option.must}.")


def is_host(named: str) -> bool:
    """Whether a client can go there: a host, perhaps a port that there is."""
    found = _HOST.fullmatch(named)
    return found is not None and (found[1] is None or int(found[1]) in _PORTS)
