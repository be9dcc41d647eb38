"""Ways that lead to a server, however odd they look; and a server, or a role, that gives little."""

import asyncio
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.integration.test_postgres_refused import refusal
from tests.pgbouncer_server import pooler
from tests.ports import free_port
from tests.postgres_server import Databases, PostgresServer, binaries, running, standby_of

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.errors import LedgerUnavailable, SettingsError
from laurels.model import Order
from laurels.program import DEFAULT_PROGRAM, parse_program

pytestmark = pytest.mark.anyio

_numbers = count()


async def opens(url: str) -> None:
    await (await PostgresLedger.open(url)).close()


async def refused(url: str) -> str:
    """The one line that it is refused with."""
    with pytest.raises(SettingsError) as refusal:
        await PostgresLedger.open(url)
    assert "\n" not in refusal.value.message
    return refusal.value.message


@pytest.mark.parametrize("password", ["p@ss", "50%", "a:b", "/#?&=+ []", "%40", "pässwörd", "\\'"])
async def test_a_password_of_any_letters(password: str, postgres: Databases, database: str) -> None:
    """As its URL spells it; another one is refused in one line without it."""
    role = f"spelled_{next(_numbers)}"
    quoted = password.replace("'", "''")
    postgres.server.sql(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{quoted}'")
    postgres.server.admit(f"local all {role} scram-sha-256")
    await opens(database.replace("//laurels@", f"//{role}:{quote(password, safe='')}@"))
    assert password not in await refused(database.replace("//laurels@", f"//{role}:{quote(f'no{password}', safe='')}@"))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("connect_timeout=10", "connect_timeout"),
        ("channel_binding=require", "channel_binding"),
        ("work_mem=much", "work_mem"),
        ("options=-c%20odd%3D1", "odd"),
        ("fsync=on", "fsync"),
    ],
)
async def test_what_a_server_does_not_know_or_take(query: str, names: str, database: str) -> None:
    """Whatever the driver does not know of a URL it hands to the server: that is no server that is away."""
    assert names in await refused(f"{database}&{query}")


async def test_what_a_server_takes(database: str) -> None:
    """Another alphabet would spoil every name: the driver's own stays."""
    url = f"{database}&application_name=till&work_mem=8MB&client_encoding=LATIN1&target_session_attrs=read-write"
    ledger = await PostgresLedger.open(url)
    try:
        await ledger.accept([order("śćż").document()])
        assert (await ledger.accept([order("śćż").document()]))[0].conflict is False
    finally:
        await ledger.close()


@pytest.mark.parametrize("limit", [1, 2])
async def test_a_role_that_may_have_few_connections(limit: int, postgres: Databases) -> None:
    """Its work is done on those that it has."""
    role, server = f"few_{next(_numbers)}", postgres.server
    server.sql(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT {limit}")
    server.sql(f"CREATE DATABASE {role} OWNER {role} TEMPLATE template0")
    await works_for_many(server.url(role).replace("//laurels@", f"//{role}@"))


async def test_where_there_is_none_to_be_had_it_is_away(postgres: Databases) -> None:
    """That may pass."""
    role, server = f"none_{next(_numbers)}", postgres.server
    server.sql(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")
    with pytest.raises(LedgerUnavailable, match="too many connections"):
        await PostgresLedger.open(server.url("postgres").replace("//laurels@", f"//{role}@"))


@pytest.mark.long
async def test_a_pooler_with_one_connection(postgres: Databases, database: str) -> None:
    with pooler(postgres.server, "transaction", default_pool_size="1") as small:
        await works_for_many(small.url(database))


def order(member_id: str) -> Order:
    return Order(source="shop", order_id=f"of {member_id}", member_id=member_id, currency="GBP", total=500)


async def works_for_many(url: str) -> None:
    """Orders at a time, awarded and read meanwhile."""
    ledger = await PostgresLedger.open(url)
    try:
        awarder = Awarder(ledger, await publish(ledger, parse_program(DEFAULT_PROGRAM)))
        orders = [order(f"m{n}") for n in range(40)]
        await asyncio.gather(*(ledger.accept([each.document()]) for each in orders), ledger.heads(), awarder.step())
        await awarder.drain()
        found = await asyncio.gather(*(ledger.balance(each.member_id) for each in orders))
        assert [each is not None and each[0].balance for each in found] == [1] * len(orders)
    finally:
        await ledger.close()


@pytest.mark.long
async def test_a_socket_in_a_folder_with_spaces_and_an_address_of_version_6() -> None:
    port = free_port()
    with running(binaries(), listen_addresses="::1", port=str(port)) as server:
        server.sql("CREATE DATABASE shop")
        beside = server.folder / "a folder with + and spaces"
        beside.symlink_to(server.folder)
        folder = quote(str(beside), safe="")
        for url in (
            f"postgresql://laurels@[::1]:{port}/shop",
            f"postgresql://laurels@[::1]/shop?port={port}",
            f"postgresql://laurels@/shop?host={folder}&port={port}",
            f"postgresql://laurels@{folder}:{port}/shop",
        ):
            await opens(url)
        assert "a folder" in await away("postgresql://laurels@/shop?host=/nowhere/a%20folder")


@pytest.mark.long
async def test_of_two_hosts_the_primary_and_of_a_server_that_is_in_recovery_for_good_none() -> None:
    """A standby that answers, and one that lets nobody in."""
    with running(binaries(), max_wal_senders="4") as primary:
        primary.sql("CREATE DATABASE shop")
        with standby_of(primary) as standby:
            await opens(both(standby, primary))
            assert "standby" in await refused(standby.url("shop"))
            standby.stop()
            with (standby.folder / "data" / "postgresql.auto.conf").open("a") as settings:
                settings.write("hot_standby = off\n")
            standby.start(lets_in=False)
            assert "cannot be reached" in await away(standby.url("shop"))
            await opens(both(standby, primary))


def both(one: PostgresServer, two: PostgresServer) -> str:
    """The address of two servers in one."""
    folders = f"{one.folder},{two.folder}"
    return f"postgresql://laurels@/shop?host={folders}&port={one.port},{two.port}&target_session_attrs=read-write"


async def away(url: str) -> str:
    """What is said of one that may come yet."""
    with pytest.raises(LedgerUnavailable) as unavailable:
        await PostgresLedger.open(url)
    assert "\n" not in unavailable.value.message
    return unavailable.value.message


def test_one_line_and_exit_code_2_for_what_has_to_be_fixed(tmp_path: Path, database: str) -> None:
    for wrong in ("connect_timeout=10", "service=nowhere", "target_session_attrs=standby", "port=99999", "sslmode"):
        refusal(tmp_path, f"{database}&{wrong}")
