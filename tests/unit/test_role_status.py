"""What processes tell each other of their roles: believed while they live, and not a moment longer."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from laurels.role_status import RoleBoard, RoleState

TELL = """
import sys
from pathlib import Path
from laurels.role_status import RoleBoard, RoleState
board = RoleBoard(Path(sys.argv[1]))
board.tell("award", RoleState.RUNNING)
board.tell("award", RoleState.FAILING, error="ValueError", restarted=True)
print("told", flush=True)
sys.stdin.read()
"""


def states(board: RoleBoard) -> dict[str, tuple[str, int, str | None]]:
    return {one.role: (one.state, one.restarts, one.error) for one in board.all()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def test_who_is_killed_is_not_believed_any_more(folder: Path) -> None:
    with closing(RoleBoard(folder)) as board:
        board.tell("http", RoleState.RUNNING)
        with subprocess.Popen(
            [sys.executable, "-c", TELL, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            assert states(board) == {"http": ("running", 0, None), "award": ("failing", 1, "ValueError")}
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            assert states(board) == {"http": ("running", 0, None)}
            assert len(list(folder.iterdir())) == 1, "the file of the dead is removed"
    assert list(folder.iterdir()) == []


def test_the_worst_of_several_is_told_and_restarts_add_up(folder: Path) -> None:
    with closing(RoleBoard(folder)) as one, closing(RoleBoard(folder)) as other:
        one.tell("award", RoleState.RUNNING)
        one.tell("award", RoleState.DOWN, restarted=True)
        other.tell("award", RoleState.WAITING, error="LedgerUnavailable")
        assert states(one) == states(other)
        assert states(other)["award"][:2] == ("down", 1)
        one.tell("award", RoleState.RUNNING)
        assert states(other) == {"award": ("waiting", 1, "LedgerUnavailable")}


def test_a_role_runs_since_the_last_that_runs_it_does_and_its_error_is_told(folder: Path) -> None:
    """A parent tells of the process that it started, and that one of itself: which ledger was away, only it knows."""
    with (
        closing(RoleBoard(folder, lambda: 10)) as parent,
        closing(RoleBoard(folder, iter((20, 30, 40)).__next__)) as child,
    ):
        parent.tell("award", RoleState.RUNNING)
        child.tell("award", RoleState.RUNNING)
        child.tell("award", RoleState.WAITING, error="LedgerUnavailable")
        child.tell("award", RoleState.RUNNING)
        for board in (parent, child):
            [status] = board.all()
            assert (status.state, status.since, status.error) == (RoleState.RUNNING, 40, "LedgerUnavailable")


def test_what_does_not_change_is_not_written_again(folder: Path) -> None:
    with closing(RoleBoard(folder)) as board:
        board.tell("award", RoleState.RUNNING)
        [file] = folder.iterdir()
        before = file.stat().st_mtime_ns
        while time.time_ns() < before + 20_000_000:
            board.tell("award", RoleState.RUNNING)
        assert file.stat().st_mtime_ns == before
        assert file.stat().st_mode & 0o777 == 0o600


def test_where_nothing_can_be_written_its_own_roles_are_told(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("not a folder")
    with closing(RoleBoard(tmp_path / "run")) as board:
        board.tell("award", RoleState.RUNNING)
        assert states(board) == {"award": ("running", 0, None)}


def test_what_another_version_tells_is_left_out(folder: Path) -> None:
    with closing(RoleBoard(folder)) as board:
        board.tell("award", RoleState.RUNNING)
        with (folder / "other.json").open("w+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write('{"of": "another form"}')
            file.flush()
            assert states(board) == {"award": ("running", 0, None)}
