"""Reaching a server: what is checked before a ledger on it is trusted, each with one line that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import asyncpg

from laurels import clock
from laurels.clock import SECOND, Clock
from laurels.engines.postgres.connections import wrapped
from laurels.engines.postgres.statements import Statements
from laurels.errors import ForeignFile, LedgerUnavailable, SettingsError

OLDEST = 150_000
"""PostgreSQL 15, as `server_version_num` says it."""

CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 10.0
"""The longest that any statement is waited for."""

MOST_SKEW_S = 3600.0
"""A server's clock may be so far from ours."""


STANDBY = "The ledger's server is a standby, which cannot be written. Name the primary."


class Facts(NamedTuple):
    """Who a ledger is, below which name numbers were given in order, and where its present epoch began."""

    identity: str
    secret: bytes
    numbered_names: int
    place: "Place"


class Place(NamedTuple):
    """Where a ledger is: the server, its timeline, and the table that names the ledger there."""

    system_identifier: int
    timeline: int
    home: int


async def connect(url: str, *, application: str = "laurels") -> Statements:
    """A connection, without a look at what it leads to. Raises `SettingsError`, `LedgerUnavailable`."""
    try:
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_TIMEOUT_S,
            target_session_attrs="primary",
            command_timeout=COMMAND_TIMEOUT_S,
            statement_cache_size=256,
            max_cached_statement_lifetime=0,
            server_settings={"application_name": application, "jit": "off"},
        )
    except (ValueError, asyncpg.InterfaceError) as error:
        raise SettingsError(f"ledger.url cannot be used: {_said(error)}") from error
    except asyncpg.InvalidCatalogNameError as error:
        raise SettingsError(f"ledger.url: {_said(error)}. Create it there: createdb") from error
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError) as error:
        raise SettingsError(f"ledger.url: the server does not let us in: {_said(error)}") from error
    except asyncpg.InternalClientError as error:
        raise LedgerUnavailable(
            "The ledger's server is a standby, which cannot be written. Name the primary."
        ) from error
    except (TimeoutError, OSError, asyncpg.PostgresError) as error:
        raise LedgerUnavailable(f"The ledger's server cannot be reached ({_said(error)}). Try again.") from error
    return Statements(connection)


async def check_server(db: Statements, now: Clock) -> bool:
    """Whether there is a ledger on a server that may have one. Raises `SettingsError`, `LedgerUnavailable`."""
    server = await db.only("server")
    if server["version"] < OLDEST:
        raise SettingsError(f"ledger.url: Laurels needs PostgreSQL 15 or later; this is {server['version'] // 10_000}.")
    if server["standby"]:
        raise SettingsError("ledger.url: the server is a standby, which cannot be written. Name the primary.")
    if server["encoding"] != "UTF8":
        raise SettingsError(
            f"ledger.url: the database's encoding is {server['encoding']}. Make one with: createdb --encoding UTF8"
        )
    for name in ("fsync", "full_page_writes"):
        if server[name] != "on":
            raise SettingsError(
                f"ledger.url: the server has {name} off, so that a crash damages the ledger. Set {name} = on."
            )
    skew_s = abs(server["clock"] - now() / SECOND)
    if now is clock.now and skew_s > MOST_SKEW_S:
        raise SettingsError(f"The server's clock and ours differ by {skew_s:,.0f} seconds. Set the one that is wrong.")
    return bool(server["made"])


async def facts_of(db: Statements) -> Facts:
    """Who the ledger on a server is."""
    row = await db.only("read_ledger")
    place = Place(row["system_identifier"], row["timeline"], row["home"])
    return Facts(row["identity"], row["secret"], row["numbered_names"], place)


async def place_of(db: Statements) -> Place:
    """Where a connection leads to."""
    return Place(*await db.only("timeline"))


@contextmanager
def looking() -> Iterator[None]:
    """Turn what a first look at a database may meet into one line."""
    try:
        with wrapped():
            yield
    except LedgerUnavailable as error:
        match error.__cause__:
            case asyncpg.InsufficientPrivilegeError() as cause:
                raise SettingsError(
                    f"ledger.url: this role may not use the ledger ({_said(cause)}). Grant it the rights of its owner."
                ) from cause
            case asyncpg.UndefinedColumnError() | asyncpg.WrongObjectTypeError() as cause:
                raise ForeignFile(
                    f"This database has a table `ledger` that is not Laurels' ({_said(cause)}). Choose another one."
                ) from cause
        raise


def _said(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
