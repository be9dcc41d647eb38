"""One role under supervision: how long it pauses, what is told of it, and when it may not begin at all."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from laurels.errors import LedgerUnavailable, SettingsError
from laurels.role_status import RoleBoard
from laurels.runtime import supervisor as supervising
from laurels.runtime.supervisor import Supervisor, supervise
from laurels.workers import Watch

pytestmark = pytest.mark.anyio


def told(board: RoleBoard) -> list[tuple[str, int, str | None]]:
    return [(one.state, one.restarts, one.error) for one in board.all()]


async def test_pauses_double_up_to_half_a_minute_and_begin_anew_after_a_step(tmp_path: Path) -> None:
    with closing(RoleBoard(tmp_path / "run")) as board:
        supervisor = Supervisor("award", board)
        assert [supervisor.failed(ValueError()) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
        assert told(board) == [("failing", 8, "ValueError")]
        supervisor.worked()
        assert told(board) == [("running", 8, "ValueError")]
        assert supervisor.failed(KeyError()) == 0.5
        supervisor.away(LedgerUnavailable())
        assert told(board) == [("waiting", 9, "LedgerUnavailable")]


async def test_what_ends_a_role_itself_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "FIRST_PAUSE_S", 0.01)
    stop = asyncio.Event()
    runs = 0

    async def role(watch: Watch) -> None:
        nonlocal runs
        runs += 1
        watch.worked()
        if runs == 4:
            stop.set()
            return
        raise SettingsError("the port is taken") if runs == 2 else RuntimeError

    with closing(RoleBoard(tmp_path / "run")) as board:
        await supervise("http", role, stop, board)
        assert runs == 4
        assert told(board) == [("running", 3, "RuntimeError")]


async def test_a_role_that_cannot_begin_says_why(tmp_path: Path) -> None:
    async def role(_: Watch) -> None:
        raise SettingsError("the port is taken")

    with closing(RoleBoard(tmp_path / "run")) as board, pytest.raises(SettingsError, match="the port is taken"):
        await supervise("http", role, asyncio.Event(), board)
