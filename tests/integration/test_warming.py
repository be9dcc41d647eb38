"""A process is ready when it is as quick as later: nobody's first look waits for what is done once."""

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from zoneinfo import ZoneInfo

import asyncpg
import jinja2
import pytest
from tests.integration.http_shop import open_shop
from tests.pgbouncer_server import pooler
from tests.postgres_server import PostgresServer, binaries, running

from laurels.console import compile_templates, rendering
from laurels.console.charts import Charts
from laurels.engines.postgres import PostgresLedger, connections
from laurels.engines.postgres.reaching import KNOWN_TYPES
from laurels.engines.postgres.statements import SQL
from laurels.runtime.warming import MANY_PAGES, WITHIN_S, warm_up
from laurels.testing.ledger_contract.base import order

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server to be stopped."""
    with running(binaries()) as server:
        server.sql("CREATE DATABASE shop")
        yield server


async def test_the_driver_asks_no_server_about_types(database: str) -> None:
    """Of every array that a statement takes; and what it is told of them is what the server has."""
    taken = {name.strip('"') for sql in SQL.values() for name in re.findall(r'::("?\w+"?)\[\]', sql)}
    named = {"boolean": "bool", "smallint": "int2", "int": "int4", "bigint": "int8"}
    known = {str(each["elemtype_name"]) for each in KNOWN_TYPES}
    assert {named.get(name, name) for name in taken} - {"text"} <= known  # that one the driver knows
    asked: list[str] = []
    ledger = await PostgresLedger.open(database)
    try:
        async with ledger._connections.read() as db:
            db.connection.add_query_logger(lambda query: asked.append(query.query))
            for name in sorted(known):
                quoted = f'"{name}"' if name == "char" else name
                made = "ARRAY(SELECT r FROM (SELECT 1) AS r)" if name == "record" else f"ARRAY[]::{quoted}[]"
                await db.connection.fetch(f"SELECT {made}")
            rows = await db.connection.fetch(
                "SELECT oid, typname, typelem, typdelim FROM pg_type WHERE oid = ANY ($1::oid[])",
                [each["oid"] for each in KNOWN_TYPES],
            )
    finally:
        await ledger.close()
    assert len(asked) == len(known) + 1, asked
    assert {(each["oid"], each["name"], each["elemtype"], each["elemdelim"]) for each in KNOWN_TYPES} == {
        (row["oid"], row["typname"], row["typelem"], row["typdelim"]) for row in rows
    }


async def test_connections_are_warm_and_nothing_is_written(database: str) -> None:
    ledger = await PostgresLedger.open(database)
    try:
        await ledger.accept([order("A1", "ann", "25.00").document()])
        before, opened = await _written(database), ledger._connections.opened
        await warm_up(ledger, MANY_PAGES)
        assert ledger._connections.opened > opened
        assert len(ledger._connections._idle) == MANY_PAGES
        asked: list[str] = []
        for db in ledger._connections._idle:
            db.connection.add_query_logger(lambda query: asked.append(query.query))
        await warm_up(ledger, MANY_PAGES)
        assert asked, "the looks are logged"
        assert await _written(database) == before
    finally:
        await ledger.close()


async def test_what_a_rush_opened_is_given_back_and_what_was_made_ready_is_kept(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_S", 0.1)
    ledger = await PostgresLedger.open(database)
    try:
        for kept in (1, 4):
            if kept > 1:
                await ledger.connections_to_warm(kept)
            all_there = asyncio.Barrier(connections.MOST)

            async def rush(all_there: asyncio.Barrier = all_there) -> None:
                async with ledger._connections.read():
                    await all_there.wait()

            async with asyncio.timeout(60):
                await asyncio.gather(*(rush() for _ in range(connections.MOST)))
                while await _open_at(database) > kept:  # noqa: ASYNC110 - of the server
                    await asyncio.sleep(0.05)
            assert len(ledger._connections._idle) == kept
            assert (await ledger.heads()).marks
    finally:
        await ledger.close()


async def _open_at(database: str) -> int:
    """How many connections of ledgers a server has to a database."""
    connection = await asyncpg.connect(database)
    try:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return int(await connection.fetchval(sql))
    finally:
        await connection.close()


async def _written(database: str) -> str:
    """What was ever written to the tables of a database, row by row."""
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("SELECT pg_stat_clear_snapshot()")
        names = await connection.fetch("SELECT relname FROM pg_stat_user_tables ORDER BY relname")
        counts = [await connection.fetchval(f'SELECT count(*) FROM "{name}"') for (name,) in names]  # noqa: S608
        return str(counts)
    finally:
        await connection.close()


@pytest.mark.parametrize(("name", "of_role", "of_database"), [("few", 10, -1), ("smaller", -1, 10)])
async def test_few_connections_are_left_to_others(
    server: PostgresServer, name: str, of_role: int, of_database: int
) -> None:
    """Where a role or a database may have few, a quarter of what is left is taken."""
    server.sql(f"CREATE ROLE {name} LOGIN CONNECTION LIMIT {of_role}")
    server.sql(f"CREATE DATABASE {name} OWNER {name} CONNECTION LIMIT {of_database}")
    ledger = await PostgresLedger.open(server.url(name, name))
    try:
        assert await ledger.connections_to_warm(MANY_PAGES) == 2
        await warm_up(ledger, MANY_PAGES)
        assert len(ledger._connections._idle) == 2
    finally:
        await ledger.close()


async def test_who_is_away_or_silent_puts_nobody_off(server: PostgresServer) -> None:
    ledger = await PostgresLedger.open(server.url("shop"))
    try:
        server.signal_all(SIGSTOP)
        try:
            began = time.monotonic()
            async with asyncio.timeout(60):
                await warm_up(ledger, MANY_PAGES)
            assert time.monotonic() - began >= WITHIN_S, "it tried"
        finally:
            server.signal_all(SIGCONT)
        await warm_up(ledger, MANY_PAGES)
    finally:
        await ledger.close()
    await warm_up(ledger, MANY_PAGES)  # closed: nothing to be had


async def test_a_file_gains_nothing_by_it(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        assert await shop.services.ledger.connections_to_warm(MANY_PAGES) == 0
        await warm_up(shop.services.ledger, MANY_PAGES)


async def test_behind_a_pooler_nothing_stays_planned(server: PostgresServer) -> None:
    with pooler(server, "transaction") as pooled:
        ledger = await PostgresLedger.open(pooled.url(server.url("shop")))
        try:
            assert await ledger.connections_to_warm(MANY_PAGES) == 0
        finally:
            await ledger.close()


async def test_no_page_waits_for_its_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are compiled once for all zones."""
    compile_templates()

    def compiled(*_: object, **__: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(jinja2.Environment, "compile", compiled)
    for zone in (ZoneInfo("Europe/Dublin"), ZoneInfo("Asia/Kathmandu")):
        environment = rendering._environment(zone, Charts())
        names = environment.list_templates()
        assert {"overview.html", "customer.html"} <= {*names}
        for name in names:
            environment.get_template(name)
