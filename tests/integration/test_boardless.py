"""An API process whose board nobody keeps up to date says so, once, with what to start; else it says nothing."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict
from tests.ending import end
from tests.engines import needs_native
from tests.settings import settings_with

from laurels.engines.sqlite import SqliteLedger
from laurels.role_status import RoleState
from laurels.runtime.boardless import tell_boardless
from laurels.wiring import Services, build

pytestmark = [pytest.mark.anyio, needs_native]


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with build(settings_with(state=tmp_path, leaderboard_engine="native")) as services:
        yield services


async def told(services: Services, stop: asyncio.Event | None = None) -> list[EventDict]:
    with capture_logs() as logs:
        await tell_boardless(services, stop or asyncio.Event(), after_s=0)
    return logs


async def test_no_board_and_nobody_who_builds_it_is_told(services: Services) -> None:
    (line,) = await told(services)
    assert (line["event"], line["log_level"], line["board"]) == ("http.no_board", "warning", "native")
    assert line["hint"] == "run `laurels project` on this host, over the same state"


async def test_one_that_is_being_built_is_not(services: Services) -> None:
    services.roles.tell("project", RoleState.RUNNING)
    assert await told(services) == []
    services.roles.tell("project", RoleState.DOWN)
    assert len(await told(services)) == 1


async def test_one_that_is_there_is_not(services: Services) -> None:
    await services.projector.catch_up()
    assert await told(services) == []


async def test_a_process_that_stops_says_nothing(services: Services) -> None:
    stop = asyncio.Event()
    stop.set()
    assert await told(services, stop) == []


@pytest.mark.long
def test_serve_only_http_says_it(tmp_path: Path) -> None:
    SqliteLedger.open(tmp_path / "laurels.db")
    command = [sys.executable, "-m", "laurels", "serve", "--only", "http", "--port", "0", "--state", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            assert any("http.no_board" in line for line in process.stderr), "it ended without a word"
        finally:
            end(process)
