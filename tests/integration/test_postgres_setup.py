"""A PostgreSQL server that is not as a ledger needs it is named in one line, at the start, by what to do about it."""

import asyncio
from pathlib import Path

import pytest
from tests.acceptance.command_line import laurels
from tests.postgres_server import Databases, name_of

from laurels.engines.postgres import PostgresLedger
from laurels.engines.postgres.schema import LATEST
from laurels.errors import (
    LaurelsError,
    LedgerMissing,
    LedgerUnavailable,
    SettingsError,
)

pytestmark = pytest.mark.anyio


async def refusal(url: str, *, must_exist: bool = False) -> LaurelsError:
    """What opening a ledger there says; always one line."""
    with pytest.raises(LaurelsError) as refused:
        await PostgresLedger.open(url, must_exist=must_exist)
    assert "\n" not in refused.value.message
    return refused.value


@pytest.mark.parametrize(
    ("url", "error", "says"),
    [
        ("postgresql://127.0.0.1:1/shop", LedgerUnavailable, "(ledger.url) cannot be reached"),
        ("postgresql://nowhere.invalid/shop", LedgerUnavailable, "cannot be reached"),
        ("postgresql://127.0.0.1:port/shop", SettingsError, "cannot be used"),
        ("postgresql://127.0.0.1/shop?sslmode=perhaps", SettingsError, "sslmode"),
    ],
)
async def test_an_address_that_leads_nowhere(url: str, error: type[LaurelsError], says: str) -> None:
    refused = await refusal(url)
    assert isinstance(refused, error)
    assert says in refused.message


@pytest.mark.parametrize(
    ("sslmode", "says"), [("", "no PostgreSQL answers there"), ("?sslmode=require", "the server offers no TLS")]
)
async def test_what_is_no_postgresql_is_said(sslmode: str, says: str) -> None:
    """A broker at the port, say; with TLS asked for, nobody can tell it from a server that has none."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"AMQP\0\0\x09\x01")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        refused = await refusal(f"postgresql://shop@127.0.0.1:{port}/shop{sslmode}")
    assert isinstance(refused, SettingsError)
    assert says in refused.message


async def test_a_wrong_password_is_named_without_it(database: str, postgres: Databases) -> None:
    name = database.split("@/")[1].split("?", maxsplit=1)[0]
    postgres.server.sql(f"CREATE ROLE shut_{name} LOGIN PASSWORD 'right'")
    postgres.server.admit(f"local all shut_{name} scram-sha-256")
    refused = await refusal(database.replace("//laurels@", f"//shut_{name}:wrong-secret@"))
    assert isinstance(refused, SettingsError)
    assert "password" in refused.message
    assert "wrong-secret" not in refused.message


async def test_what_only_reads_makes_no_ledger(postgres: Databases) -> None:
    postgres.server.sql("CREATE DATABASE blank")
    assert isinstance(await refusal(postgres.server.url("blank"), must_exist=True), LedgerMissing)
    assert postgres.server.sql("SELECT to_regclass('ledger') IS NULL", "blank") == "t"


async def test_a_ledger_that_is_still_being_loaded_is_waited_for(postgres: Databases) -> None:
    """Its tables come before its rows. Nobody takes it for somebody else's, or for a fault of Laurels."""
    with postgres.new() as url:
        ledger = await PostgresLedger.open(url)
        before = await ledger.heads()
        postgres.server.sql("ALTER TABLE ledger RENAME TO whole; CREATE TABLE ledger (LIKE whole)", name_of(url))
        with pytest.raises(LedgerUnavailable, match="still being loaded"):
            await ledger.heads()
        refused = await refusal(url)
        assert isinstance(refused, LedgerUnavailable)
        assert "still being loaded" in refused.message
        postgres.server.sql("INSERT INTO ledger SELECT * FROM whole", name_of(url))
        assert (await ledger.heads()).identity == before.identity
        await ledger.close()


async def test_many_that_open_an_empty_database_at_once_make_one_ledger(postgres: Databases) -> None:
    postgres.server.sql("CREATE DATABASE contested")
    ledgers = await asyncio.gather(*(PostgresLedger.open(postgres.server.url("contested")) for _ in range(5)))
    identities = {(await ledger.heads()).identity for ledger in ledgers}
    for ledger in ledgers:
        await ledger.close()
    assert len(identities) == 1
    assert await PostgresLedger.migrate(postgres.server.url("contested")) == (LATEST, LATEST)


@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        ("postgresql://shop:secret@127.0.0.1:1/shop", 1, "cannot be reached"),
        ("postgresql://shop:secret@127.0.0.1:one/shop", 2, "cannot be used"),
        ("mysql://shop:secret@127.0.0.1/shop", 2, "postgresql://"),
    ],
)
def test_the_command_line_says_it_in_one_line(tmp_path: Path, url: str, code: int, says: str) -> None:
    done = laurels("serve", "--state", tmp_path, LAURELS_LEDGER_URL=url)
    assert done.returncode == code
    assert len(done.stderr.strip().splitlines()) == 1
    assert says in done.stderr
    assert "secret" not in done.stderr
