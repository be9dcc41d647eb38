"""A PostgreSQL server that is not as a ledger needs it is named in one line, at the start, by what to do about it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.command_line import laurels
from tests.postgres_server import Databases, binaries, running

from laurels import clock
from laurels.engines.postgres import PostgresLedger
from laurels.engines.postgres.schema import LATEST
from laurels.errors import (
    ForeignFile,
    LaurelsError,
    LedgerMissing,
    LedgerUnavailable,
    SchemaTooNew,
    SchemaTooOld,
    SettingsError,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def database(postgres: Databases) -> Iterator[str]:
    with postgres.new() as url:
        yield url


async def refusal(url: str, *, must_exist: bool = False) -> LaurelsError:
    """What opening a ledger there says; always one line."""
    with pytest.raises(LaurelsError) as refused:
        await PostgresLedger.open(url, must_exist=must_exist)
    assert "\n" not in refused.value.message
    return refused.value


@pytest.mark.parametrize(
    ("url", "error", "says"),
    [
        ("postgresql://127.0.0.1:1/shop", LedgerUnavailable, "cannot be reached"),
        ("postgresql://nowhere.invalid/shop", LedgerUnavailable, "cannot be reached"),
        ("postgresql://127.0.0.1:port/shop", SettingsError, "cannot be used"),
        ("postgresql://127.0.0.1/shop?sslmode=perhaps", SettingsError, "sslmode"),
    ],
)
async def test_an_address_that_leads_nowhere(url: str, error: type[LaurelsError], says: str) -> None:
    refused = await refusal(url)
    assert isinstance(refused, error)
    assert says in refused.message


async def test_a_database_or_a_role_that_is_not_there(postgres: Databases) -> None:
    nowhere = await refusal(postgres.server.url("nowhere"))
    assert isinstance(nowhere, SettingsError)
    assert "createdb" in nowhere.message
    stranger = await refusal(postgres.server.url("template").replace("//laurels@", "//stranger@"))
    assert isinstance(stranger, SettingsError)


async def test_a_role_without_rights(database: str, postgres: Databases) -> None:
    name = database.split("@/")[1].split("?", maxsplit=1)[0]
    postgres.server.sql(f"CREATE ROLE weak_{name} LOGIN")
    refused = await refusal(database.replace("//laurels@", f"//weak_{name}@"))
    assert isinstance(refused, SettingsError)
    assert "rights" in refused.message


async def test_a_wrong_password_is_named_without_it(database: str, postgres: Databases) -> None:
    name = database.split("@/")[1].split("?", maxsplit=1)[0]
    postgres.server.sql(f"CREATE ROLE shut_{name} LOGIN PASSWORD 'right'")
    postgres.server.admit(f"local all shut_{name} scram-sha-256")
    refused = await refusal(database.replace("//laurels@", f"//shut_{name}:wrong-secret@"))
    assert isinstance(refused, SettingsError)
    assert "password" in refused.message
    assert "wrong-secret" not in refused.message


async def test_an_encoding_that_cannot_hold_every_name(postgres: Databases) -> None:
    postgres.server.sql("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    refused = await refusal(postgres.server.url("ascii"))
    assert isinstance(refused, SettingsError)
    assert "UTF8" in refused.message


async def test_another_schema(database: str, postgres: Databases) -> None:
    name = database.split("@/")[1].split("?", maxsplit=1)[0]
    postgres.server.sql("UPDATE ledger SET schema_version = 0", name)
    assert isinstance(await refusal(database), SchemaTooOld)
    postgres.server.sql("UPDATE ledger SET schema_version = 99", name)
    assert isinstance(await refusal(database), SchemaTooNew)


async def test_somebody_elses_tables(postgres: Databases) -> None:
    postgres.server.sql("CREATE DATABASE elsewhere")
    postgres.server.sql("CREATE TABLE ledger (amount numeric)", "elsewhere")
    assert isinstance(await refusal(postgres.server.url("elsewhere")), ForeignFile)


async def test_what_only_reads_makes_no_ledger(postgres: Databases) -> None:
    postgres.server.sql("CREATE DATABASE blank")
    assert isinstance(await refusal(postgres.server.url("blank"), must_exist=True), LedgerMissing)
    assert postgres.server.sql("SELECT to_regclass('ledger') IS NULL", "blank") == "t"


async def test_a_clock_that_is_a_day_off(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = clock.now
    monkeypatch.setattr(clock, "now", lambda: right() + clock.DAY)
    with pytest.raises(SettingsError, match="clock"):
        await PostgresLedger.open(database, clock.now)


async def test_many_that_open_an_empty_database_at_once_make_one_ledger(postgres: Databases) -> None:
    postgres.server.sql("CREATE DATABASE contested")
    ledgers = await asyncio.gather(*(PostgresLedger.open(postgres.server.url("contested")) for _ in range(5)))
    identities = {(await ledger.heads()).identity for ledger in ledgers}
    for ledger in ledgers:
        await ledger.close()
    assert len(identities) == 1
    assert await PostgresLedger.migrate(postgres.server.url("contested")) == (LATEST, LATEST)


@pytest.mark.long
@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
async def test_a_server_that_may_lose_what_it_acknowledged(setting: str) -> None:
    with running(binaries(), **{setting: "off"}) as server:
        server.sql("CREATE DATABASE shop")
        refused = await refusal(server.url("shop"))
    assert isinstance(refused, SettingsError)
    assert f"{setting} = on" in refused.message


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
