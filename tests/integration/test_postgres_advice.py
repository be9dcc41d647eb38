"""A server whose settings cost more than they have to is told at the start, in one line of the log, and in `/status`;
one that is as advised is not.
"""

import asyncio
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.acceptance.command_line import LAURELS
from tests.postgres_server import Databases

from laurels.engines.postgres import PostgresLedger
from laurels.http.admission.tokens import sign_token
from laurels.settings import Settings

ADVISED = {"checkpoint_timeout": "30min", "max_wal_size": "4GB", "wal_compression": "on"}


@pytest.fixture
def as_advised(postgres: Databases) -> Iterator[None]:
    for name, value in ADVISED.items():
        postgres.server.sql(f"ALTER SYSTEM SET {name} = '{value}'")
    postgres.server.sql("SELECT pg_reload_conf()")
    yield
    for name in ADVISED:
        postgres.server.sql(f"ALTER SYSTEM RESET {name}")
    postgres.server.sql("SELECT pg_reload_conf()")


async def advice(url: str) -> list[str]:
    ledger = await PostgresLedger.open(url)
    try:
        return await ledger.advice()
    finally:
        await ledger.close()


def test_each_setting_is_named_with_what_it_is(database: str) -> None:
    said = asyncio.run(advice(database))
    assert [each.split(" ")[0] for each in said] == [*ADVISED]
    assert "5min" in said[0]
    assert "1GB" in said[1]


@pytest.mark.usefixtures("as_advised")
def test_a_server_as_advised_is_not_told_of(database: str) -> None:
    assert asyncio.run(advice(database)) == []


def test_serve_says_it_once_and_tells_it(database: str, tmp_path: Path) -> None:
    """Of all its processes one logs it; who asks is told what it is now."""
    command = [str(LAURELS), "serve", "--port", "0", "--state", str(tmp_path)]
    environment = {**os.environ, "LAURELS_LEDGER_URL": database}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as serving:
        assert serving.stderr is not None
        log: list[str] = []
        try:
            while (found := re.search(r"answers at (http://\S+)/", log[-1] if log else "")) is None:
                log.append(serving.stderr.readline())
                assert log[-1], log
            token = sign_token(Settings(state=tmp_path), subject="watch", scope="status:read", ttl_s=60)
            status = httpx.get(f"{found[1]}/status", headers={"authorization": f"Bearer {token}"}, timeout=60).json()
        finally:
            serving.terminate()
            log += serving.stderr.readlines()
    said = [line for line in log if "ledger.advice" in line]
    assert len(said) == 1, log
    assert all(name in said[0] for name in ADVISED)
    assert [each.split(" ")[0] for each in status["advice"]] == [*ADVISED]
