"""Where the server is: the setting `leaderboard.url`, read without ever repeating its password."""

from urllib.parse import unquote, urlsplit

from msgspec import Struct

from laurels.errors import SettingsError

_PORT = 6379
_PLAIN, _TLS = ("valkey", "redis"), ("valkeys", "rediss")


class Address(Struct, frozen=True):
    """A server, a database in it, and how to sign in."""

    host: str
    port: int
    database: int
    user: str | None
    password: str | None
    tls: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"Address({self})"


def read_address(url: str) -> Address:
    """`valkey://user:password@host:port/database`, or `redis://`, or with TLS `valkeys://` and `rediss://`.

    Raises `SettingsError` in one line that does not repeat the URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad("host or port cannot be read") from None
    if parts.scheme not in _PLAIN + _TLS or not parts.hostname:
        raise _bad("it names no server")
    database = parts.path.strip("/") or "0"
    if not (database.isascii() and database.isdecimal()) or parts.query or parts.fragment:
        raise _bad("only the number of a database may follow; in a password write / as %2F, ? as %3F, # as %23")
    return Address(
        host=parts.hostname,
        port=port or _PORT,
        database=int(database),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=parts.scheme in _TLS,
    )


def _bad(why: str) -> SettingsError:
    return SettingsError(
        f"leaderboard.url: {why}. Give valkey://host:port or valkeys://user:password@host:port/database"
    )
