"""What is checked of a server before a ledger on it is trusted, each with one line that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import asyncpg

from laurels import clock
from laurels.clock import SECOND, Clock
from laurels.engines.postgres.connections import BEGIN, wrapped
from laurels.engines.postgres.reaching import CREATED_BY, STANDBY, is_pooled, reaching_pooler, said
from laurels.engines.postgres.session_settings import settle_session
from laurels.engines.postgres.statements import Row, Statements
from laurels.errors import ForeignFile, LedgerUnavailable, SettingsError

OLDEST = 150_000
"""PostgreSQL 15, as `server_version_num` says it."""

MOST_SKEW_S = 3600.0
"""A server's clock may be so far from ours."""


class Facts(NamedTuple):
    """Who a ledger is, below which name numbers were given in order, and where its present epoch began."""

    identity: str
    secret: bytes
    numbered_names: int
    place: "LedgerLocation"


class LedgerLocation(NamedTuple):
    """Where a ledger is: the server, its timeline, and the table that names the ledger there."""

    system_identifier: int
    timeline: int
    home: int


async def check_server(db: Statements, now: Clock) -> bool:
    """Whether there is a ledger on a server that may have one. Raises `SettingsError`, `LedgerUnavailable`."""
    server = await db.only("server")
    if server["version"] < OLDEST:
        raise SettingsError(f"ledger.url: Laurels needs PostgreSQL 15 or later; this is {server['version'] // 10_000}.")
    if server["standby"]:
        raise SettingsError(STANDBY)
    if server["encoding"] != "UTF8":
        raise SettingsError(f"ledger.url: the database's encoding is {server['encoding']}. Make one with: {CREATED_BY}")
    check_durable(server)
    skew_s = abs(server["clock"] - now() / SECOND)
    if now is clock.now and skew_s > MOST_SKEW_S:
        raise SettingsError(f"The server's clock and ours differ by {skew_s:,.0f} seconds. Set the one that is wrong.")
    return bool(server["made"])


def check_durable(server: Row) -> None:
    """Raise `SettingsError` where a crash of the server would damage what is committed."""
    for name in ("fsync", "full_page_writes"):
        if server[name] != "on":
            raise SettingsError(
                f"ledger.url: the server has {name} off, so that a crash damages the ledger. Set {name} = on."
            )


async def prepare_session(db: Statements) -> bool:
    """Look at how a server is reached, and see to the session's settings; whether a pooler is between. Raises
    `SettingsError`.
    """
    pooled = await check_pooler(db)
    await settle_session(db, pooled=pooled, at_start=True)
    return pooled


async def check_pooler(db: Statements) -> bool:
    """Whether a pooler is between, which then has to give one server's process to a transaction. Raises
    `SettingsError`.
    """
    if not await is_pooled(db):
        return False
    with reaching_pooler():
        await db.connection.execute(BEGIN)
        await db.connection.execute("COMMIT")
    return True


async def facts_of(db: Statements) -> Facts:
    """Who the ledger on a server is."""
    row = await db.only("read_ledger")
    place = LedgerLocation(row["system_identifier"], row["timeline"], row["home"])
    return Facts(row["identity"], row["secret"], row["numbered_names"], place)


async def place_of(db: Statements) -> LedgerLocation:
    """Where a connection leads to."""
    return LedgerLocation(*await db.only("timeline"))


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
                    f"ledger.url: this role may not use the ledger ({said(cause)}). Grant it the rights of its owner."
                ) from cause
            case (
                asyncpg.DuplicateTableError()
                | asyncpg.DuplicateObjectError()
                | asyncpg.DuplicateFunctionError() as cause
            ):
                raise ForeignFile(
                    f"This database has other tables, of which one bears the name of Laurels' ({said(cause)}). Give "
                    "Laurels a database of its own."
                ) from cause
            case asyncpg.InvalidSchemaNameError() as cause:
                raise SettingsError(
                    f"ledger.url: this role has no schema for the tables ({said(cause)}). Set its search_path to one: "
                    "ALTER ROLE ... SET search_path = public"
                ) from cause
            case asyncpg.UndefinedColumnError() | asyncpg.WrongObjectTypeError() as cause:
                raise ForeignFile(
                    f"This database has a table `ledger` that is not Laurels' ({said(cause)}). Choose another one."
                ) from cause
        raise
