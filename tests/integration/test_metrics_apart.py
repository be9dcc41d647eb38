"""A process that answers no API is scraped at a port of its own: what fails there is told, what waits is told once."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from tests.ending import end
from tests.fault.test_process_tree import Tree, until
from tests.integration.test_http_metrics import Figures, parse
from tests.ports import answers, free_port

from laurels import __version__
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import SettingsError
from laurels.runtime.serving import run_serve
from laurels.settings import load

PLANTS = Path(__file__).parent.parent / "fault/plants"
APART = (
    ["work"],
    ["project"],
    ["notify"],
    ["serve", "--only", "jobs"],
    ["serve", "--only", "publish"],
)
TARGET = "https://127.0.0.1:9/hook"


@contextmanager
def running(state: Path, *command: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "laurels", *command, "--state", str(state)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LAURELS_EVENTS_URLS": TARGET, "LAURELS_EVENTS_PRIVATE_HOSTS": "127.0.0.1", **environment},
    ) as process:
        try:
            yield process
        finally:
            end(process)


def scraped(port: int) -> Figures:
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60)
    assert answer.status_code == 200, answer.text
    return parse(answer.text)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    SqliteLedger.open(tmp_path / "state" / "laurels.db")
    return tmp_path / "state"


@pytest.mark.parametrize("command", APART, ids=" ".join)
def test_each_tells_what_it_counts_and_nothing_of_what_waits(command: list[str], state: Path) -> None:
    port = free_port()
    with running(state, *command, LAURELS_HTTP_METRICS_PORT=str(port), LAURELS_HTTP_WORKERS="2"):
        until(lambda: answers(port))
        told = scraped(port)
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).status_code == 404
    names = {name for name, _ in told}
    assert {"laurels_awarded_total", "laurels_start_time_seconds", "process_start_time_seconds"} <= names
    assert [dict(labels)["version"] for name, labels in told if name == "laurels_build_info"] == [__version__]
    assert not names & {"laurels_ledger_up", "laurels_inbox_depth", "laurels_messages", "laurels_feed_lag_seconds"}


def test_what_fails_in_one_is_told(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "award").touch()
    monkeypatch.setenv("LAURELS_TEST_PLANTED", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(PLANTS), prepend=os.pathsep)
    port = free_port()
    with running(state, "serve", "--only", "work", LAURELS_HTTP_METRICS_PORT=str(port)):
        until(lambda: answers(port))
        until(lambda: scraped(port).get(("laurels_role_failures_total", (("role", "award"),)), 0) > 0)


def test_a_port_that_is_taken_is_told_in_a_line(state: Path) -> None:
    port = free_port()
    with running(state, "work", LAURELS_HTTP_METRICS_PORT=str(port)):
        until(lambda: answers(port))
        with running(state, "notify", LAURELS_HTTP_METRICS_PORT=str(port)) as second:
            _, said = second.communicate(timeout=60)
    assert second.returncode == 2
    (line,) = said.splitlines()
    assert f"port {port}" in line
    assert "http.metrics_port: each process on a host has one of its own" in line
    assert "LAURELS_HTTP_METRICS_PORT" in line


def test_each_beside_others_may_take_a_free_port(state: Path) -> None:
    """`serve` and a second `work` beside it, by one environment; the log says where each is scraped."""
    free = {"LAURELS_HTTP_METRICS_PORT": "0"}
    with running(state, "serve", "--port", "0", **free) as served, running(state, "work", **free) as second:
        ports = [told_port(served), told_port(second)]
        assert ports[0] != ports[1]
        for port in ports:
            assert ("laurels_start_time_seconds", ()) in scraped(port)


def told_port(process: "subprocess.Popen[str]") -> int:
    """Where a process is scraped, by its log."""
    assert process.stderr is not None
    line = next(line for line in process.stderr if "metrics.listening" in line)
    port: int = json.loads(line)["port"]
    return port


@pytest.mark.anyio
async def test_several_workers_take_no_port_each(tmp_path: Path) -> None:
    given = {"state": tmp_path / "state", "http.workers": 2, "http.metrics_port": 0, "leaderboard.engine": "native"}
    with pytest.raises(SettingsError, match="Name a port"):
        await run_serve(load(given), None)


def test_those_that_serve_runs_are_told_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its children count together with it, and listen at no port: each would find it taken, and die."""
    port = free_port()
    monkeypatch.setenv("LAURELS_HTTP_METRICS_PORT", str(port))
    with closing(Tree(tmp_path / "state")) as tree:
        tree.order("A1")
        until(lambda: scraped(port)["laurels_awarded_total", ()] == 1)
        told = scraped(port)
        end(tree.process)
    assert told["laurels_ledger_up", ()] == 1
    assert not any(name == "laurels_process_restarts_total" for name, _ in told)
