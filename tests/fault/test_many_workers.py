"""`laurels serve --workers 3` on the native board: whichever process dies, the others answer; it is started again."""

import http.client
import os
import signal
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from tests.engines import needs_native
from tests.fault.test_process_tree import PART_IN_COMMAND, PATIENCE_S, Tree, is_alive, until

pytestmark = needs_native

WORKERS = 3
BROKEN_OFF = (ConnectionError, urllib.error.URLError, http.client.HTTPException)


class Crew(Tree):
    """The tree with several workers. Each call is a connection of its own, which the system gives to any of them."""

    def pids(self, part: str) -> set[int]:
        """The children that run this part."""
        found: set[int] = set()
        if self.process.poll() is not None:
            return found
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            with suppress(FileNotFoundError, ProcessLookupError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if len(line) > PART_IN_COMMAND and line[PART_IN_COMMAND] == part.encode():
                    found.add(int(pid))
        return found

    def is_ready(self) -> bool:
        """Whether the board serves: its projector has to be up."""
        try:
            return bool(super().call("GET", "/readyz")["ready"])
        except urllib.error.HTTPError:
            return False

    def dashboard(self) -> dict[str, Any]:
        """Ann's dashboard; asked for again where the connection was one that a killed worker had."""
        for _ in range(WORKERS):
            with suppress(*BROKEN_OFF):
                shown: dict[str, Any] = self.call("GET", "/loyalty/ann")
                return shown
        raise AssertionError("no worker answers")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            return super().call(method, path, body)
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:  # the board has not heard of her yet
                return {"me": {"points": 0}}
            raise AssertionError(f"{method} {path}: {error.code}") from error

    def shows(self, points: int) -> bool:
        """Whether several answers in a row, from whichever worker, show so many points."""
        return all(self.dashboard()["me"]["points"] == points for _ in range(2 * WORKERS))


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    monkeypatch.setenv("LAURELS_HTTP_WORKERS", str(WORKERS))
    monkeypatch.setenv("LAURELS_LEADERBOARD_ENGINE", "native")
    crew = Crew(tmp_path / "state")
    until(lambda: set(crew.children()) == {"work", "notify", "project", "serve"})
    until(lambda: len(crew.pids("serve")) == WORKERS - 1)
    until(crew.is_ready)
    yield crew
    children = [pid for part in ("work", "notify", "project", "serve") for pid in crew.pids(part)]
    crew.process.kill()
    crew.process.wait()
    if crew.process.stderr is not None:
        crew.process.stderr.close()
    until(lambda: not any(map(is_alive, children)))


@pytest.mark.long
def test_whatever_dies_the_others_answer_and_it_is_started_again(crew: Crew) -> None:
    crew.order("A0")
    until(lambda: crew.awarded("A0"))
    until(lambda: crew.shows(1))
    for points, part in enumerate(["project", "serve", "work"], 2):
        killed = crew.pids(part)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        crew.dashboard()
        until(lambda points=points: _is_taken(crew, f"A{points}"))  # type: ignore[misc]
        until(lambda points=points: crew.shows(points))  # type: ignore[misc]
        until(lambda part=part, killed=killed: len(crew.pids(part) - killed) == len(killed))  # type: ignore[misc]


def test_answers_go_stale_and_not_away_while_nobody_projects(crew: Crew) -> None:
    crew.order("A0")
    until(lambda: crew.shows(1))
    assert not crew.dashboard()["stale"]
    (projector,) = crew.pids("project")
    os.kill(projector, signal.SIGSTOP)
    until(lambda: bool(crew.dashboard()["stale"]))
    assert crew.dashboard()["me"]["points"] == 1
    os.kill(projector, signal.SIGCONT)
    until(lambda: not crew.dashboard()["stale"])


@pytest.mark.long
def test_commands_beside_a_running_server_read_its_board(crew: Crew, tmp_path: Path) -> None:
    crew.order("A0")
    until(lambda: crew.shows(1))
    standings = tmp_path / "standings.csv"
    assert "1" in _laurels(tmp_path, "dashboard", "ann", "--json")
    _laurels(tmp_path, "top")
    _laurels(tmp_path, "export", "standings", "--to", str(standings))
    assert standings.read_text().splitlines()[1:] == ["ann,1,1,1"]
    assert "verified" in _laurels(tmp_path, "verify")
    orders = tmp_path / "orders.csv"
    orders.write_text("order_id,member_id,currency,total\nB1,bea,GBP,20.00\n")
    _laurels(tmp_path, "import", str(orders))
    assert [row["points"] for row in crew.dashboard()["top"]] == [2, 1]
    refused = _run(tmp_path, "rebuild")
    assert refused.returncode == 1
    assert "Another process keeps this leaderboard up to date" in refused.stderr


@pytest.mark.long
def test_all_of_them_have_one_memory_of_checked_tokens(crew: Crew) -> None:
    """And so does one that was started again."""
    memory = tokens_of(crew.process.pid)
    assert memory is not None
    until(lambda: {tokens_of(pid) for pid in crew.pids("serve")} == {memory})
    killed = min(crew.pids("serve"))
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(crew.pids("serve") - {killed}) == WORKERS - 1)
    until(lambda: {tokens_of(pid) for pid in crew.pids("serve")} == {memory})


def tokens_of(pid: int) -> str | None:
    """The inode of the memory without a name that a process has mapped; None while it has none."""
    with suppress(FileNotFoundError, ProcessLookupError):
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
        return next((line.split()[4] for line in lines if "/memfd:laurels" in line), None)
    return None


def test_told_to_stop_all_of_them_leave(crew: Crew) -> None:
    children = [pid for part in ("work", "notify", "project", "serve") for pid in crew.pids(part)]
    assert len(children) == WORKERS + 2
    crew.process.send_signal(signal.SIGTERM)
    assert crew.process.wait(PATIENCE_S) == 0
    until(lambda: not any(map(is_alive, children)))


def _is_taken(crew: Crew, order_id: str) -> bool:
    """Send an order, perhaps again: the answer may have gone down with a worker."""
    try:
        crew.order(order_id)
    except BROKEN_OFF:
        return False
    return True


def _laurels(root: Path, *arguments: str) -> str:
    done = _run(root, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _run(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "laurels", *arguments, "--state", str(root / "state")]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
