"""A real PgBouncer in front of a test's PostgreSQL server."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import asyncpg
import pytest
from tests.ending import end
from tests.ports import free_port, wait_until_answering
from tests.postgres_server import PLAIN_USER, ROOT, USER, PostgresServer, name_of

PROGRAM = "/usr/sbin/pgbouncer"
STARTS_WITHIN_S = 60


class Pooler:
    """A running one."""

    def __init__(self, port: int) -> None:
        self._port = port

    def url(self, url: str) -> str:
        """The URL of a database by way of it."""
        return f"postgresql://{USER}@127.0.0.1:{self._port}/{name_of(url)}"

    async def ask(self, url: str, query: str) -> Any:
        """What a query gives that goes by way of it."""
        connection = await asyncpg.connect(self.url(url), statement_cache_size=0)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()


@contextmanager
def pooler(server: PostgresServer, mode: str, **settings: str) -> Iterator[Pooler]:
    """PgBouncer in a mode, until the end of the block. For each database it has few connections of the server's, so
    that what stays on one is met by others.
    """
    if not Path(PROGRAM).exists():
        pytest.skip("no PgBouncer: apt-get install pgbouncer")
    folder = Path(mkdtemp(prefix="laurels-pgbouncer-"))
    (folder / "users").write_text(f'"{USER}" ""\n', "utf-8")
    port = free_port()
    lines = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "trust",
        "auth_file": str(folder / "users"),
        "pool_mode": mode,
        "default_pool_size": "20" if mode == "session" else "4",
        "max_client_conn": "200",
        "logfile": str(folder / "log"),
        **settings,
    }
    ini = "".join(f"{name} = {value}\n" for name, value in lines.items())
    (folder / "ini").write_text(f"[databases]\n* = host={server.folder} port=5432\n[pgbouncer]\n{ini}", "utf-8")
    if os.getuid() == ROOT:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, PLAIN_USER)
    who = ["-u", PLAIN_USER] if os.getuid() == ROOT else []
    process = subprocess.Popen([PROGRAM, "-q", *who, str(folder / "ini")])
    try:
        wait_until_answering(process, port, STARTS_WITHIN_S, lambda: (folder / "log").read_text("utf-8"))
        yield Pooler(port)
    finally:
        end(process)
        shutil.rmtree(folder, ignore_errors=True)
