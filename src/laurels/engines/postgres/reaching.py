"""Reaching a server: one connection, and what it means where none comes of it."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import asyncpg

from laurels.engines.postgres.addresses import Address, unusable
from laurels.engines.postgres.statements import Statements
from laurels.errors import LaurelsError, LedgerUnavailable, SettingsError

CONNECT_TIMEOUT_S = 5.0
"""How long is looked for a server, on all its hosts together: one that is silent costs its share, and no more."""

COMMAND_TIMEOUT_S = 10.0
"""The longest that any statement is waited for, and a call of the ledger with all its statements."""

CREATED_BY = "createdb --template template0 --encoding UTF8 --owner ROLE NAME"
"""As the superuser. From `template1` nothing in UTF8 comes where that itself is in another encoding."""

STANDBY = "The ledger's server is a standby, which cannot be written. Name the primary."

SHARED: dict[str, Any] = {"statement_cache_size": 0}
"""How a connection is used that others may have between two transactions, behind a pooler: nothing stays on it."""

DIRECT: dict[str, Any] = {"statement_cache_size": 256, "max_cached_statement_lifetime": 0}
"""The same of one's own: statements stay prepared."""

PLANNED = {"jit": "off", "plan_cache_mode": "force_generic_plan"}
"""A statement is planned once for a connection: it looks rows up by keys, whatever they are, and planning it anew over
16 partitions costs as much as running it. Compiling it costs more than it gives. A pooler refuses to be told so: there
`jit` is set for the role, and nothing stays planned.
"""

_ARRAYS = {"bool": (1000, 16), "bytea": (1001, 17), "char": (1002, 18), "int2": (1005, 21), "int4": (1007, 23)}
_ARRAYS |= {"int8": (1016, 20), "record": (2287, 2249)}
KNOWN_TYPES = [
    {
        "oid": array,
        "ns": "pg_catalog",
        "name": f"_{name}",
        "kind": b"b",
        "elemtype": element,
        "elemtype_name": name,
        "elemdelim": b",",
        "basetype": None,
        "range_subtype": None,
        "attrtypoids": None,
        "attrnames": None,
    }
    for name, (array, element) in _ARRAYS.items()
]
"""The arrays that statements take and give, numbered as in every server's catalog (pg_type.dat, which never changes a
number). The driver knows of arrays but two: for each of the others it would ask each connection's server, which costs
that one 10 to 30 ms of its processor.
"""

ALPHABET = {"client_encoding": "utf-8"}
"""Whatever the URL asks for: in a smaller one, names would not go in."""

Kind = Literal["primary", "any"]

_BROKEN_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)

_POOLER_REFUSES = ("no such", "unsupported startup parameter", "authentication failed", "not allowed", "SSL required")
"""What a pooler says of a set-up, and not of its present state: it has one code for all that it says."""

_NOT_UNDERSTOOD = (asyncpg.SyntaxOrAccessError, asyncpg.DataError, asyncpg.CantChangeRuntimeParamError)
"""What a server says of a setting that it does not know, or of a value: all that a URL names goes there, but for what
the driver knows.
"""

_NEXT = (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError)
"""Another host may answer."""


async def connect(
    address: Address, *, application: str = "laurels", kind: Kind = "primary", direct: bool = False
) -> Statements:
    """A connection, without a look at what it leads to. `direct`: there is no pooler in between.

    Raises `SettingsError` where the URL has to be fixed, `LedgerUnavailable` where it may do later.
    """
    how = {**(DIRECT if direct else SHARED)}
    how["server_settings"] = {"application_name": application, **ALPHABET, **(PLANNED if direct else {})}
    with reaching(address):
        return Statements(await _first_of(address, kind, how), direct=direct)


async def is_pooled(db: Statements) -> bool:
    """Whether a pooler is between: it gives its own number for the one that the server's process has."""
    return bool(db.connection.get_server_pid() != await db.value("backend"))


async def _first_of(address: Address, kind: Kind, how: dict[str, Any]) -> "asyncpg.Connection[Any]":
    """A connection to the first host that is what is looked for."""
    failed: list[Exception] = []
    share_s = CONNECT_TIMEOUT_S / max(1, len(address.hosts))
    hosts: list[tuple[str, str] | None] = [*address.hosts]
    for host in hosts or [None]:
        named: dict[str, Any] = {} if host is None else {"host": host[0], "port": int(host[1])}
        try:
            async with asyncio.timeout(share_s):
                connection = await asyncpg.connect(
                    address.url, target_session_attrs=kind, command_timeout=COMMAND_TIMEOUT_S, **named, **how
                )
        except (*_NEXT, asyncpg.TargetServerAttributeNotMatched) as error:
            failed.append(error)
            if host is not None and host[0].startswith("/") and isinstance(error, OSError) and error.errno:
                error.filename = host[0]  # else it is not told which socket is not there
            continue
        if host is not None:
            address.answered(host)
        connection.get_settings().register_data_types(KNOWN_TYPES)
        return connection
    # A standby alone says nothing: the primary may be the one that does not answer.
    raise next((each for each in failed if isinstance(each, _NEXT)), failed[0])


@contextmanager
def reaching(address: Address) -> Iterator[None]:
    """Tell what has to be fixed in the settings from what may pass."""
    try:
        yield
    except asyncpg.InvalidCatalogNameError as error:
        raise SettingsError(f"{address.setting}: {said(error)}. Create it there: {CREATED_BY}") from error
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError) as error:
        raise SettingsError(f"{address.setting}: the server does not let us in: {said(error)}.") from error
    except asyncpg.ProtocolViolationError as error:
        raise _of_pooler(address.setting, error) from error
    except asyncpg.TargetServerAttributeNotMatched as error:
        # Where several are named, one of them may be about to become the primary.
        raise (LedgerUnavailable if len(address.hosts) > 1 else SettingsError)(STANDBY) from error
    except (ssl.CertificateError, ssl.SSLError) as error:
        if isinstance(error, _BROKEN_OFF):
            raise _away(address.setting, error) from error
        raise SettingsError(f"{address.setting}: no secure connection comes about: {said(error)}.") from error
    except (TimeoutError, OSError, asyncpg.PostgresError) as error:
        raise _failed(address, error) from error
    except (ValueError, OverflowError, asyncpg.InterfaceError) as error:
        raise SettingsError(unusable(address.setting, error)) from error


@contextmanager
def reaching_pooler() -> Iterator[None]:
    """The same of a pooler that let us in, and then does not do what is needed."""
    try:
        yield
    except asyncpg.PostgresConnectionError as error:
        raise _of_pooler("ledger.url", error) from error


def _failed(address: Address, error: Exception) -> LaurelsError:
    if isinstance(error, _NOT_UNDERSTOOD):
        return SettingsError(f"{address.setting}: the server does not take what the URL says: {said(error)}.")
    if type(error) is ConnectionError and "rejected SSL" in str(error):
        if not address.asks_for_tls:  # a server without it says so, and goes on
            return SettingsError(f"{address.setting}: no PostgreSQL answers there. Look at its host and port.")
        return SettingsError(
            f"{address.setting}: the server offers no TLS. Turn it on there (ssl = on), or change sslmode."
        )
    return _away(address.setting, error)


def _of_pooler(setting: str, error: asyncpg.PostgresError) -> LaurelsError:
    if "statement pooling" in str(error):
        return SettingsError(
            f"{setting}: the pooler in front of the server takes no transactions. Set pool_mode = transaction there."
        )
    if any(each in str(error) for each in _POOLER_REFUSES):
        return SettingsError(f"{setting}: the pooler in front of the server does not let us in: {said(error)}.")
    return _away(setting, error)


def _away(setting: str, error: BaseException) -> LedgerUnavailable:
    """By its setting, and not by its host: clients of the API are told this too."""
    return LedgerUnavailable(f"The ledger's server ({setting}) cannot be reached: {said(error)}. Try again.")


def said(error: BaseException) -> str:
    """What an error says, in one line."""
    text = " ".join(str(error).split()).rstrip(".")
    return text or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
