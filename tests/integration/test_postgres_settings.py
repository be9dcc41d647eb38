"""A ledger on a server keeps its promises whatever somebody set for its role or its database; what it cannot keep them
under is refused, in one line.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from tests.integration.test_postgres_refused import refusal
from tests.pgbouncer_server import pooler
from tests.postgres_server import Databases, PostgresServer

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger, reaching, schema
from laurels.errors import ForeignFile, LedgerReadOnly, LedgerUnavailable, SettingsError
from laurels.ledger import Ledger
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order, redemption

pytestmark = pytest.mark.anyio

_numbers = count()

ODD = {
    "array_nulls": "off",
    "bytea_output": "escape",
    "client_min_messages": "error",
    "DateStyle": "German",
    "default_transaction_isolation": "serializable",
    "exit_on_error": "on",
    "extra_float_digits": "-15",
    "idle_in_transaction_session_timeout": "100ms",
    "idle_session_timeout": "100ms",
    "IntervalStyle": "sql_standard",
    "quote_all_identifiers": "on",
    "search_path": "theirs, public",
    "standard_conforming_strings": "off",
    "statement_timeout": "2s",
    "synchronous_commit": "off",
    "TimeZone": "Pacific/Chatham",
    "transform_null_equals": "on",
}
"""Nobody would set all of them; each is somebody's."""


def danish(server: PostgresServer) -> str:
    """Sorts Aa behind Z, and upper case first, where the server can."""
    has_icu = server.sql("SELECT count(*) FROM pg_collation WHERE collprovider = 'i'") != "0"
    return "LOCALE_PROVIDER icu ICU_LOCALE 'da-u-kf-upper'" if has_icu else ""


@pytest.fixture
def role(postgres: Databases) -> Iterator[tuple[str, str]]:
    """A role that is no superuser, and the name of its own empty database; both have the same name."""
    name = f"odd_{next(_numbers)}"
    server = postgres.server
    server.sql(f"CREATE ROLE {name} LOGIN")
    server.sql(f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0 {danish(server)}")
    yield name, server.url(name).replace("//laurels@", f"//{name}@")
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.sql(f"DROP ROLE {name}")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Shop]:
    ledger = await PostgresLedger.open(url)
    try:
        shop = Shop(ledger, TurnedClock())
        shop.programs = await publish(ledger, parse_program(DEFAULT_PROGRAM))
        shop.awarder = Awarder(ledger, shop.programs)
        yield shop
    finally:
        await ledger.close()


async def refused_by(ledger: Ledger) -> str:
    """Why it is away."""
    with pytest.raises(LedgerUnavailable) as refused:
        await ledger.heads()
    return refused.value.message


@pytest.mark.long
@pytest.mark.parametrize("whose", ["ROLE", "DATABASE"])
async def test_whatever_was_set_for_it(postgres: Databases, role: tuple[str, str], whose: str) -> None:
    """Tables of others in a schema that comes first, commits that are not waited for, warnings that are not told, and
    what else there is.
    """
    name, url = role
    await PostgresLedger.migrate(url)
    postgres.server.sql(f"CREATE SCHEMA theirs AUTHORIZATION {name}", name)
    postgres.server.sql("CREATE TABLE theirs.member (email text); CREATE TABLE theirs.inbox (mail text)", name)
    for setting, value in ODD.items():
        quoted = value if setting == "search_path" else f"'{value}'"
        postgres.server.sql(f"ALTER {whose} {name} SET {setting} = {quoted}")
    async with opened(url) as shop, opened(url) as other:
        orders = [order(f"A{n}", f"m{n % 7}", "120.00") for n in range(40)]
        await asyncio.gather(*(each.accept(*orders) for each in (shop, other)))
        await asyncio.gather(*(each.award(limit=5) for each in (shop, other)))
        await asyncio.gather(*(shop.awarder.settle(redemption(f"{n}", f"m{n}", 3)) for n in range(7)))
        assert (await shop.balance("m3")).balance == 6 * 12 - 3
        assert await shop.findings() == []
        async with shop.ledger._connections.read() as db:  # type: ignore[attr-defined]
            assert await db.connection.fetchval("SHOW synchronous_commit") == "on"
            assert await db.connection.fetchval("SHOW client_min_messages") == "notice"
            assert await db.connection.fetchval("SHOW idle_session_timeout") == "0"
            await db.connection.fetchval("SELECT pg_sleep(2.5)")  # as long as reading all of a large ledger takes


async def test_what_it_is_told_to_wait_for_it_waits_for(postgres: Databases, role: tuple[str, str]) -> None:
    name, url = role
    postgres.server.sql(f"ALTER ROLE {name} SET synchronous_commit = 'remote_apply'")
    async with opened(url) as shop, shop.ledger._connections.read() as db:  # type: ignore[attr-defined]
        assert await db.connection.fetchval("SHOW synchronous_commit") == "remote_apply"


@pytest.mark.parametrize(
    ("setting", "value"), [("session_replication_role", "replica"), ("default_transaction_read_only", "on")]
)
def test_what_it_cannot_set_back_is_refused(
    tmp_path: Path, postgres: Databases, role: tuple[str, str], setting: str, value: str
) -> None:
    name, url = role
    asyncio.run(PostgresLedger.migrate(url))
    postgres.server.sql(f"ALTER ROLE {name} SET {setting} = {value}")
    assert setting in refusal(tmp_path, url)


@pytest.mark.long
@pytest.mark.parametrize(
    ("setting", "value"),
    [("synchronous_commit", "off"), ("client_min_messages", "error"), ("default_transaction_read_only", "on")],
)
async def test_behind_a_pooler_it_is_refused(postgres: Databases, setting: str, value: str) -> None:
    """There a session is others' too: what would lose something can only be told."""
    with pooler(postgres.server, "transaction") as pooler_, postgres.new() as url:
        name = url.split("@/")[1].split("?", maxsplit=1)[0]
        postgres.server.sql(f"ALTER DATABASE {name} SET {setting} = {value}")
        with pytest.raises(SettingsError, match=setting) as refused:
            await PostgresLedger.open(pooler_.url(url))
        assert "\n" not in refused.value.message


async def test_a_server_that_is_made_unsafe_later_is_not_written(postgres: Databases, role: tuple[str, str]) -> None:
    """Nobody who was connected before notices, and whoever connects again does."""
    name, url = role
    async with opened(url) as shop:
        await shop.sell(order("A1", "ann", "25.00"))
        postgres.server.sql(f"ALTER ROLE {name} SET session_replication_role = replica")
        postgres.server.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{name}'")  # noqa: S608
        said = [await refused_by(shop.ledger) for _ in range(20)]  # those that were open have to be found closed first
        assert "session_replication_role" in said[-1]
        postgres.server.sql(f"ALTER ROLE {name} RESET session_replication_role")
        assert (await shop.balance("ann")).balance == 3


@pytest.mark.long
async def test_kept_from_writing_for_a_while_it_is_read(postgres: Databases, role: tuple[str, str]) -> None:
    name, url = role
    async with opened(url) as shop:
        await shop.sell(order("A1", "ann", "25.00"))
        postgres.server.sql(f"ALTER ROLE {name} SET default_transaction_read_only = on")
    with pytest.raises(SettingsError, match="default_transaction_read_only"):
        await PostgresLedger.open(url)
    postgres.server.sql(f"ALTER ROLE {name} RESET default_transaction_read_only")
    async with opened(url) as shop:
        async with shop.ledger._connections.read() as db:  # type: ignore[attr-defined]
            await db.connection.execute("SET default_transaction_read_only = on")
        with pytest.raises(LedgerReadOnly, match="default_transaction_read_only"):
            await shop.accept(order("A2", "ann", "25.00"))
        assert (await shop.balance("ann")).balance == 3


def test_a_table_that_a_crash_would_empty_is_named(tmp_path: Path, postgres: Databases, role: tuple[str, str]) -> None:
    """And none of somebody else's."""
    name, url = role
    asyncio.run(PostgresLedger.migrate(url))
    postgres.server.sql("CREATE UNLOGGED TABLE inbox_of_ours ()", name)
    assert asyncio.run(is_opened(url))
    postgres.server.sql("ALTER TABLE inbox_7 SET UNLOGGED", name)
    assert "ALTER TABLE inbox_7 SET LOGGED" in refusal(tmp_path, url)


async def is_opened(url: str) -> bool:
    async with opened(url):
        return True


async def test_tables_of_another_application(postgres: Databases, role: tuple[str, str]) -> None:
    """A database that is another's already is named, and left as it was."""
    name, url = role
    postgres.server.sql(f"SET ROLE {name}; CREATE TABLE member (email text)", name)
    with pytest.raises(ForeignFile, match=r'"member".*database of its own') as refused:
        await PostgresLedger.open(url)
    assert "\n" not in refused.value.message
    assert postgres.server.sql("SELECT to_regclass('ledger') IS NULL", name) == "t"


async def test_a_role_without_a_schema(postgres: Databases, role: tuple[str, str]) -> None:
    name, url = role
    postgres.server.sql(f"ALTER ROLE {name} SET search_path = nowhere")
    with pytest.raises(SettingsError, match="search_path") as refused:
        await PostgresLedger.open(url)
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("becomes", [True, False])
async def test_a_range_is_the_owners_whoever_has_it_made(
    postgres: Databases, role: tuple[str, str], *, becomes: bool
) -> None:
    """Else the owner could not change the tables any more when the schema does. It lies beside the others, and is
    guarded as they are. Whoever has it made is a member of the owner's role, and may become that as it signs in.
    """
    name, url = role
    await PostgresLedger.migrate(url)
    clerk = f"{name}_clerk"
    postgres.server.sql(f"CREATE ROLE {clerk} LOGIN IN ROLE {name}")
    postgres.server.sql(f"CREATE SCHEMA {clerk} AUTHORIZATION {clerk}", name)  # comes first in what it searches
    if becomes:
        postgres.server.sql(f"ALTER ROLE {clerk} SET role = {name}")
    try:
        async with opened(url.replace(f"//{name}@", f"//{clerk}@")) as shop:
            await shop.sell(order("A1", "ann", "25.00"))
            async with shop.ledger._connections.transaction() as db:  # type: ignore[attr-defined]
                await db.run("add_range", 3, 1)
            assert await shop.findings() == []
        where = "SELECT relowner::regrole, relnamespace::regnamespace FROM pg_class WHERE relname = 'entry_3_1'"
        assert postgres.server.sql(where, name) == f"{name}|public"
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("ALTER TABLE entry ADD COLUMN later text")
        finally:
            connection.terminate()
    finally:
        postgres.server.sql(f"DROP OWNED BY {clerk}", name)
        postgres.server.sql(f"DROP ROLE {clerk}")


@pytest.mark.long
async def test_a_step_takes_as_long_as_it_takes(
    postgres: Databases, role: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index over years of documents takes longer than any call may; and whoever comes meanwhile waits for it."""
    _, url = role
    await PostgresLedger.migrate(url)
    steps = [*schema._STEPS, ("long", f"CREATE TABLE long (); SELECT pg_sleep({reaching.COMMAND_TIMEOUT_S + 2})")]
    monkeypatch.setattr(schema, "_STEPS", steps)
    monkeypatch.setattr(schema, "LATEST", len(steps))
    came = await asyncio.gather(PostgresLedger.migrate(url), PostgresLedger.migrate(url))
    assert sorted(came) == [(len(steps) - 1, len(steps)), (len(steps), len(steps))]


@pytest.mark.long
async def test_a_dump_goes_on_in_another_database(postgres: Databases, role: tuple[str, str]) -> None:
    """With what the last schema brought: ranges, and the look at who an id means."""
    name, url = role
    async with opened(url) as shop:
        await shop.sell(order("A1", "ann", "25.00"), order("A2", "bob", "25.00"))
        await shop.awarder.merge("bob", "ann", actor="clerk")
    with postgres.loaded(postgres.server.dump(name)) as copy:
        async with opened(copy) as shop:
            await shop.sell(order("A3", "bob", "25.00"))
            assert (await shop.balance("ann")).balance == 9
            async with shop.ledger._connections.transaction() as db:  # type: ignore[attr-defined]
                await db.run("add_range", 0, 1)
            assert await shop.findings() == []


async def test_a_statement_timeout_is_told_with_what_to_do(database: str) -> None:
    """It is in force before a session's settings are set, and behind a pooler always."""
    ledger = await PostgresLedger.open(database)

    async def ask() -> None:
        async with ledger._connections.read() as db:
            await db.connection.execute("SET statement_timeout = 10")
            await db.connection.execute("SELECT pg_sleep(60)")

    try:
        with pytest.raises(LedgerUnavailable, match="Set statement_timeout to 0 for its role"):
            await ask()
    finally:
        await ledger.close()
