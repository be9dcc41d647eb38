"""Whatever is wrong about a PostgreSQL server or how it is reached: the command ends with exit code 2 and one line that
says what to fix, and shows no password.
"""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from tests.acceptance.command_line import laurels_here
from tests.certificates import Authority
from tests.pgbouncer_server import pooler
from tests.ports import free_port
from tests.postgres_server import PLAIN_USER, ROOT, Databases, PostgresServer, binaries, name_of, running, standby_of

# A command ends while the TLS connection that was refused still says goodbye; uvloop warns of it, and goes on.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed resource <TCPTransport:ResourceWarning")

WRONG_USE = 2


def refusal(state: Path, url: str, command: str = "work --once", **environment: str) -> str:
    """The one line that a command ends with."""
    done = laurels_here(*command.split(), "--state", state, cwd=None, LAURELS_LEDGER_URL=url, **environment)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (WRONG_USE, 1), done.stderr
    assert "secret" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://shop:secret@127.0.0.1:one/shop", "port is no number"),
        ("postgresql://shop:top/secret@127.0.0.1/shop", "%2F"),
        ("postgresql://shop:secret@one,two:1:2/shop", "port is no number"),
        ("postgresql://shop:secret@[::1/shop", "cannot be used"),
        ("postgresql://shop:secret@127.0.0.1/shop?sslmode=perhaps", "sslmode"),
        ("postgresql://shop:secret@127.0.0.1/shop?sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem"),
        ("postgresql://shop:secret@127.0.0.1/shop?sslcert=/nowhere/our.pem", "/nowhere/our.pem"),
        ("mysql://shop:secret@127.0.0.1/shop", "postgresql://"),
    ],
)
def test_an_address_that_cannot_be_read(tmp_path: Path, url: str, says: str) -> None:
    assert says in refusal(tmp_path, url)


def test_a_copy_of_the_feed_that_is_none(tmp_path: Path, database: str, postgres: Databases) -> None:
    """A standby of a ledger in a file, an address that cannot be read, and another ledger."""
    copy = {"LAURELS_LEDGER_FEED_URL": "postgresql://shop:secret@127.0.0.1:one/shop"}
    assert "feed_url" in refusal(tmp_path, "sqlite", **copy)
    assert "feed_url" in refusal(tmp_path, database, **copy)
    postgres.server.sql("CREATE DATABASE anothers")
    anothers = postgres.server.url("anothers")
    done = laurels_here("work", "--once", "--state", tmp_path, cwd=None, LAURELS_LEDGER_URL=anothers)
    assert done.returncode == 0, done.stderr
    assert "another ledger" in refusal(tmp_path, database, LAURELS_LEDGER_FEED_URL=anothers)


@pytest.mark.parametrize(("version", "says"), [(0, "laurels migrate"), (99, "newer Laurels")])
def test_another_schema(tmp_path: Path, database: str, postgres: Databases, version: int, says: str) -> None:
    postgres.server.sql(f"UPDATE ledger SET schema_version = {version}", name_of(database))  # noqa: S608 - our own
    assert says in refusal(tmp_path, database)


def test_somebody_elses_tables(tmp_path: Path, postgres: Databases) -> None:
    postgres.server.sql("CREATE DATABASE others")
    postgres.server.sql("CREATE TABLE ledger (amount numeric)", "others")
    assert "not Laurels'" in refusal(tmp_path, postgres.server.url("others"))


def test_a_database_a_role_or_rights_that_are_not_there(tmp_path: Path, database: str, postgres: Databases) -> None:
    assert "createdb --template template0 --encoding UTF8" in refusal(tmp_path, postgres.server.url("nowhere"))
    assert "let us in" in refusal(tmp_path, database.replace("//laurels@", "//stranger@"))
    postgres.server.sql("CREATE ROLE feeble LOGIN")
    assert "rights" in refusal(tmp_path, database.replace("//laurels@", "//feeble@"))


@pytest.mark.parametrize("granted", ["", "SELECT", "SELECT, INSERT, UPDATE"])
def test_some_rights_are_not_enough(tmp_path: Path, database: str, postgres: Databases, granted: str) -> None:
    """A role that may read all, and one that may write all but not take anything off the inbox, are told at once."""
    role = f"half_{len(granted)}"
    postgres.server.sql(f"CREATE ROLE {role} LOGIN")
    if granted:
        postgres.server.sql(f"GRANT {granted} ON ALL TABLES IN SCHEMA public TO {role}", name_of(database))
    assert "rights" in refusal(tmp_path, database.replace("//laurels@", f"//{role}@"))


def test_two_ledgers_behind_one_board(tmp_path: Path, postgres: Databases, valkey_url: str) -> None:
    """The second is refused: readers would see now one and now the other."""
    board = {"LAURELS_LEADERBOARD_ENGINE": "valkey", "LAURELS_LEADERBOARD_URL": valkey_url}
    board["LAURELS_LEADERBOARD_PREFIX"] = "two-ledgers"
    postgres.server.sql("CREATE DATABASE second")
    other = postgres.server.url("second")
    with postgres.new() as one:
        done = laurels_here("rebuild", "--state", tmp_path, cwd=None, LAURELS_LEDGER_URL=one, **board)
        assert done.returncode == 0, done.stderr
    done = laurels_here("work", "--once", "--state", tmp_path, LAURELS_LEDGER_URL=other)
    assert done.returncode == 0, done.stderr
    assert "board of another ledger" in refusal(tmp_path, other, "top", **board)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


@pytest.fixture(scope="module")
def by_tls(authority: Authority) -> Iterator[PostgresServer]:
    """A server with a certificate for its address, and a database."""
    server = PostgresServer(binaries(), listen_addresses="127.0.0.1", port=str(free_port()), max_wal_senders="4")
    try:
        server.make()
        for file, name in zip(authority.issue("server"), ("server.crt", "server.key"), strict=True):
            there = Path(shutil.copy(file, server.folder / "data" / name))
            there.chmod(0o600)
            server_owns(there)
        ca_file = Path(shutil.copy(authority.file, server.folder / "data" / "ca.crt"))
        server_owns(ca_file)
        (server.folder / "data" / "postgresql.auto.conf").write_text("ssl = on\nssl_ca_file = 'ca.crt'\n")
        server_owns(server.folder / "data" / "postgresql.auto.conf")
        server.start()
        server.sql("CREATE DATABASE shop")
        yield server
    finally:
        server.remove()


def server_owns(file: Path) -> None:
    if os.getuid() == ROOT:
        shutil.chown(file, PLAIN_USER)


def address(server: PostgresServer, host: str = "127.0.0.1", **query: str | Path) -> str:
    return f"postgresql://laurels:secret@{host}:{server.port}/shop?{urlencode({k: str(v) for k, v in query.items()})}"


@pytest.mark.long
def test_certificates(tmp_path: Path, by_tls: PostgresServer, authority: Authority) -> None:
    """Of another authority, for another name, none where one is asked for; and the right one does."""
    other = Authority(tmp_path, "theirs")
    wrong = address(by_tls, sslmode="verify-full", sslrootcert=other.file)
    assert "no secure connection" in refusal(tmp_path, wrong)
    elsewhere = address(by_tls, "localhost", sslmode="verify-full", sslrootcert=authority.file)
    assert "no secure connection" in refusal(tmp_path, elsewhere)
    (tmp_path / "empty.pem").write_text("")
    empty = address(by_tls, sslmode="verify-full", sslrootcert=tmp_path / "empty.pem")
    assert "no secure connection" in refusal(tmp_path, empty)
    by_tls.admit("hostssl all laurels 127.0.0.1/32 cert")
    try:
        right = address(by_tls, sslmode="verify-full", sslrootcert=authority.file)
        assert "certificate" in refusal(tmp_path, right)
    finally:
        by_tls.admit("host all all 127.0.0.1/32 trust")
    done = laurels_here("work", "--once", "--state", tmp_path / "right", LAURELS_LEDGER_URL=right)
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_a_server_without_tls_and_a_standby(tmp_path: Path, by_tls: PostgresServer) -> None:
    with standby_of(by_tls) as standby:
        assert "standby" in refusal(tmp_path, standby.url("shop"))
    by_tls.sql("ALTER SYSTEM SET ssl = off")
    by_tls.sql("SELECT pg_reload_conf()")
    try:
        assert "offers no TLS" in refusal(tmp_path, address(by_tls, sslmode="require"))
    finally:
        by_tls.sql("ALTER SYSTEM SET ssl = on")
        by_tls.sql("SELECT pg_reload_conf()")


@pytest.mark.long
@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_lose_what_it_acknowledged(tmp_path: Path, setting: str) -> None:
    with running(binaries(), **{setting: "off"}) as server:
        server.sql("CREATE DATABASE shop")
        assert f"{setting} = on" in refusal(tmp_path, server.url("shop"))


def test_an_encoding_that_cannot_hold_every_name(tmp_path: Path, postgres: Databases) -> None:
    postgres.server.sql("CREATE DATABASE narrow ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    assert "UTF8" in refusal(tmp_path, postgres.server.url("narrow"))


def test_a_clock_that_is_a_day_off(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: right() + 24 * 3600 * 10**9)
    assert "clock" in refusal(tmp_path, database)


@pytest.mark.long
def test_a_pooler_that_keeps_no_transaction_together(tmp_path: Path, database: str, postgres: Databases) -> None:
    with pooler(postgres.server, "statement") as by_statement:
        assert "pool_mode = transaction" in refusal(tmp_path, by_statement.url(database))
