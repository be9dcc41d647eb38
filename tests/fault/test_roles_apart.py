"""Roles do not share a fate: an error that nobody foresaw, planted in each loop in turn, leaves the others and the
reads alone; it is logged without its text, counted, told in `/readyz`, and tried again.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fault.test_process_tree import PATIENCE_S, Tree, is_alive, killed_at_the_end, until
from tests.integration.test_http_asgi import served

from laurels.asgi import LifespanApplication
from laurels.awarding import Awarder
from laurels.checkout import Checkout
from laurels.http.admission.tokens import sign_token
from laurels.jobs import JobRunner
from laurels.leaderboard import Projector
from laurels.notify import Notifier
from laurels.rollups import RollingUp
from laurels.runtime.roles import BACKGROUND, CONSOLE, ROLES, wanted
from laurels.settings import Settings

PLANTS = Path(__file__).parent / "plants"
SECRET = "ann@example.com"
ALWAYS = tuple(role for role in wanted(ROLES, Settings()) if role.process != CONSOLE)
"""The roles of a shop that reads no queue and publishes nowhere; the console is a command of its own."""

LOOPS: dict[str, tuple[type, str]] = {
    "award": (Awarder, "step"),
    "recover": (Checkout, "recover"),
    "sweep": (Awarder, "sweep"),
    "report": (RollingUp, "step"),
    "jobs": (JobRunner, "step"),
    "project": (Projector, "catch_up"),
    "notify": (Notifier, "step"),
}


class Plagued(Tree):
    """A tree whose loops fail on demand; its log is kept."""

    def __init__(self, state: Path, planted: Path) -> None:
        super().__init__(state)
        self.planted = planted
        self.log: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with suppress(ValueError):  # closed by the fixture
            self.log.extend(self.process.stderr)

    def plant(self, role: str) -> None:
        (self.planted / role).touch()

    def role(self, name: str) -> dict[str, Any]:
        roles = {one["role"]: one for one in self.call("GET", "/readyz")["roles"]}
        return dict(roles[name])

    def is_ready(self) -> bool:
        with suppress(urllib.error.HTTPError):  # 503 until the board serves
            return bool(self.call("GET", "/readyz")["ready"])
        return False

    def failures(self, role: str) -> float:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=60) as answer:  # noqa: S310
            found = re.search(rf'laurels_role_failures_total{{role="{role}"}} (\S+)', answer.read().decode())
        return float(found[1]) if found else 0.0

    def points(self) -> int:
        return int(self.call("GET", "/loyalty/ann")["me"]["points"])


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plagued]:
    planted = tmp_path / "planted"
    planted.mkdir()
    monkeypatch.setenv("LAURELS_TEST_PLANTED", str(planted))
    monkeypatch.setenv("PYTHONPATH", str(PLANTS), prepend=os.pathsep)
    with closing(Plagued(tmp_path / "state", planted)) as tree:
        until(lambda: set(tree.children()) == {"work", "notify"})
        until(tree.is_ready)
        yield tree
        children = tree.children()
        tree.process.send_signal(signal.SIGTERM)
        assert tree.process.wait(PATIENCE_S) == 0
        until(lambda: not any(map(is_alive, children.values())))


def is_shown(tree: Plagued, points: int) -> bool:
    with suppress(urllib.error.HTTPError):  # she is not known yet, or the board is being built
        return tree.points() == points
    return False


@pytest.mark.long
def test_never_ends_for_an_error_in_one_role_and_reads_go_on(tree: Plagued) -> None:
    tree.order("A1")
    until(lambda: is_shown(tree, 1))
    for number, role in enumerate(LOOPS, 1):
        tree.plant(role)
        until(lambda role=role: tree.role(role)["state"] == "failing")  # type: ignore[misc]
        told = tree.role(role)
        assert (told["error"], told["restarts"] >= 1) == ("RuntimeError", True)
        others = [one for one in tree.call("GET", "/readyz")["roles"] if one["role"] != role]
        assert {one["state"] for one in others} == {"running"}
        assert tree.points() == number, "reads go on"
        tree.order(f"B{number}")  # and so do orders
        (tree.planted / role).unlink()
        until(lambda role=role: tree.role(role)["state"] == "running")  # type: ignore[misc]
        until(lambda number=number: is_shown(tree, number + 1))  # type: ignore[misc]
        assert tree.failures(role) >= 1
    assert tree.process.poll() is None
    failed = [json.loads(line) for line in tree.log if '"role.failed"' in line]
    assert {one["role"] for one in failed} == set(LOOPS)
    assert all(one["error"] == "RuntimeError" and one["at"] for one in failed)
    assert not any(SECRET in line for line in tree.log)


def test_http_that_fails_answers_again_at_the_same_port(tree: Plagued) -> None:
    tree.order("A1")
    until(lambda: is_shown(tree, 1))
    children = tree.children()
    tree.plant("http")
    until(lambda: not (tree.planted / "http").exists())

    def answers() -> bool:
        with suppress(urllib.error.URLError, ConnectionError):
            return tree.points() == 1 and tree.role("http")["restarts"] == 1
        return False

    until(answers)
    assert tree.children() == children, "the other processes did not notice"
    tree.order("A2")
    until(lambda: is_shown(tree, 2))


def test_a_process_that_is_killed_is_told_as_down_and_then_as_running(tree: Plagued, tmp_path: Path) -> None:
    os.kill(tree.children()["work"], signal.SIGKILL)
    until(lambda: tree.role("award")["restarts"] == 1)
    until(lambda: tree.role("award")["state"] == tree.role("recover")["state"] == "running")
    tree.order("A1")
    until(lambda: is_shown(tree, 1))
    files = list((tmp_path / "state" / "run").glob("*.json"))
    assert len(files) == 3, "of the parent, of `notify` and of the new `work`: nothing is left of the killed one"


def test_what_runs_is_told_to_services_alone(tree: Plagued, tmp_path: Path) -> None:
    tree.order("A1")
    until(lambda: tree.awarded("A1"))
    told = tree.call("GET", "/readyz")
    assert [one["role"] for one in told["roles"]] == sorted(role.name for role in ALWAYS)
    assert [(head["shard"], head["position"]) for head in told["heads"]] == [(0, 2)], "an enrolment and an award"
    assert bytes.fromhex(told["heads"][0]["hash"])
    settings = Settings(state=tmp_path / "state")
    for token in (
        None,
        "nonsense",
        sign_token(settings, subject="ann", scope=None, ttl_s=60),
        sign_token(settings, subject="screen", scope="", ttl_s=60),
    ):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = httpx.get(f"{tree.url}/readyz", headers=headers, timeout=60)
        assert answer.status_code == HTTPStatus.OK
        assert set(answer.json()) == {"ready", "ledger", "leaderboard", "version"}


@pytest.mark.anyio
@pytest.mark.parametrize("role", [role.name for role in wanted(BACKGROUND, Settings())])
async def test_under_another_server_a_role_that_fails_leaves_the_answers_alone(
    role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAURELS_STATE", str(tmp_path))
    where, name = LOOPS[role]
    original = getattr(where, name)
    fails = asyncio.Event()

    async def planted(*arguments: Any, **named: Any) -> Any:
        if not fails.is_set():
            fails.set()
            raise RuntimeError(SECRET)
        return await original(*arguments, **named)

    monkeypatch.setattr(where, name, planted)
    token = sign_token(Settings(state=tmp_path), subject="till", scope="orders:write members:read", ttl_s=60)
    headers = {"Authorization": f"Bearer {token}"}
    async with served(LifespanApplication()) as client:
        await asyncio.wait_for(fails.wait(), PATIENCE_S)
        assert (await client.get("/healthz")).status_code == HTTPStatus.OK
        states = {one["role"]: one for one in (await client.get("/readyz", headers=headers)).json()["roles"]}
        assert (states[role]["restarts"], states[role]["error"]) == (1, "RuntimeError")
        order = {"member_id": "ann", "currency": "GBP", "total": "25.00"}
        assert (await client.post("/order/A1", json=order, headers=headers)).status_code == HTTPStatus.ACCEPTED
        while (await client.get("/order/A1", headers=headers)).json()["status"] == "accepted":
            continue


def test_every_role_has_its_fault_planted() -> None:
    assert {*LOOPS, "http"} == {role.name for role in ALWAYS}


@pytest.mark.long
def test_a_metrics_folder_that_a_killed_process_left_is_removed_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def folders() -> list[Path]:
        return list(tmp_path.glob("laurels-metrics-*"))

    with ExitStack() as trees:
        first = trees.enter_context(closing(Tree(tmp_path / "state")))
        second = trees.enter_context(closing(Tree(tmp_path / "other")))
        assert len(folders()) == 2, "the second start left the first one's alone"
        children = first.children()
        first.process.kill()
        first.process.wait()
        until(lambda: not any(map(is_alive, children.values())))
        assert len(folders()) == 2
        third = trees.enter_context(closing(Tree(tmp_path / "state")))
        assert len(folders()) == 2, "the killed one's is gone, its own has come"
        for each in (second, third):
            each.process.terminate()
            assert each.process.wait(PATIENCE_S) == 0
    until(lambda: folders() == [])


@pytest.mark.long
def test_only_takes_every_name_of_the_table(tmp_path: Path) -> None:
    for role in wanted(BACKGROUND, Settings()):
        state = tmp_path / role.name
        process = subprocess.Popen(
            [sys.executable, "-m", "laurels", "serve", "--only", role.name, "--state", str(state)],
            stderr=subprocess.PIPE,
        )
        with killed_at_the_end(process):
            until(lambda state=state: list((state / "run").glob("*.json")) != [])  # type: ignore[misc]
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
