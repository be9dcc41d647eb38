"""Where the server is: the setting `leaderboard.url`, read without ever repeating its password."""

from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from laurels.errors import SettingsError

_PORT, _SENTINEL_PORT = 6379, 26379
_PLAIN, _TLS = ("valkey", "redis"), ("valkeys", "rediss")
_SENTINEL = "+sentinel"


class ServerAddress(Struct, frozen=True):
    """A server, a database in it, and how to sign in.

    `service` None: `hosts` is the one server. Else they are sentinels, which know the server that the service has now.
    """

    hosts: tuple[tuple[str, int], ...]
    database: int = 0
    user: str | None = None
    password: str | None = None
    tls: bool = False
    service: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether none but this machine can reach it."""
        return all(_is_loopback(host) for host, _ in self.hosts)

    def __str__(self) -> str:
        hosts = ",".join(f"{host}:{port}" for host, port in self.hosts)
        return hosts if self.service is None else f"{self.service} at {hosts}"

    def __repr__(self) -> str:
        return f"ServerAddress({self})"


def read_address(url: str) -> ServerAddress:
    """`valkey://user:password@host:port/database`, or `redis://`, or with TLS `valkeys://` and `rediss://`; by way of
    sentinels `valkey+sentinel://user:password@host:port,host:port/service/database`.

    Raises `SettingsError` in one line that does not repeat the URL.
    """
    try:
        parts = urlsplit(url)
        scheme, is_sentinel = parts.scheme.removesuffix(_SENTINEL), parts.scheme.endswith(_SENTINEL)
        signed_in, _, names = parts.netloc.rpartition("@")
        user, _, password = signed_in.partition(":")
        hosts = tuple(_host(name, _SENTINEL_PORT if is_sentinel else _PORT) for name in names.split(","))
    except ValueError:
        raise _bad("host or port cannot be read") from None
    if scheme not in _PLAIN + _TLS or not all(host for host, _ in hosts):
        raise _bad("it names no server")
    if len(hosts) > 1 and not is_sentinel:
        raise _bad("several servers are the sentinels of one: give valkey+sentinel://host:port,host:port/service")
    service, database = _service(parts.path) if is_sentinel else (None, parts.path.strip("/"))
    if not (database or "0").isascii() or not (database or "0").isdecimal() or parts.query or parts.fragment:
        raise _bad("only the number of a database may follow; in a password write / as %2F, ? as %3F, # as %23")
    return ServerAddress(
        hosts=hosts,
        database=int(database or "0"),
        user=unquote(user) if user else None,
        password=unquote(password) if password else None,
        tls=scheme in _TLS,
        service=service,
    )


def _service(path: str) -> tuple[str, str]:
    service, _, database = path.strip("/").partition("/")
    if not service:
        raise _bad("it names no service: give valkey+sentinel://host:port,host:port/service/database")
    return unquote(service), database


def _host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if parts.port == 0:
        raise ValueError("no server listens there")
    return parts.hostname or "", parts.port or port


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _bad(why: str) -> SettingsError:
    return SettingsError(
        f"leaderboard.url: {why}. Give valkey://host:port or valkeys://user:password@host:port/database"
    )
