"""`laurels serve` as one tree: what dies is started again, what is told to stop finishes, and nobody stays behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from laurels.http.admission.tokens import sign_token
from laurels.settings import load

PATIENCE_S = 100.0

PART_IN_COMMAND = 3
"""`python -m laurels work --leash …`"""


class Tree:
    """A running `laurels serve` on a free port, and a till that sends it orders. Close it, also where a test fails:
    what is left open is reported in another test, whichever runs when it is collected.
    """

    def __init__(self, state: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "laurels", "serve", "--port", "0", "--state", state],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            self.url = self._address()
        except BaseException:
            self.close()
            raise
        settings = load({"state": state}, environment={})
        self._token = sign_token(settings, subject="till", scope="orders:write members:read", ttl_s=600)

    def _address(self) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            found = re.search(r"answers at (http://\S+)/", line)
            if found is not None:
                return found[1]
        raise AssertionError("serve ended before it answered")

    def close(self) -> None:
        """Kill it where it still runs; its children leave by themselves."""
        with killed_at_the_end(self.process):
            pass

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own server on loopback
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def order(self, order_id: str) -> None:
        self.call("POST", f"/order/{order_id}", {"member_id": "ann", "currency": "GBP", "total": "10.00"})

    def awarded(self, order_id: str) -> bool:
        return bool(self.call("GET", f"/order/{order_id}")["status"] == "awarded")

    def children(self) -> dict[str, int]:
        """The pids of the children by the part that they run; one that is on its way out is left out."""
        parts = {}
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            with suppress(FileNotFoundError, ProcessLookupError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if len(line) > PART_IN_COMMAND:
                    parts[line[PART_IN_COMMAND].decode()] = int(pid)
        return parts


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that another process brings about; fail when it does not come."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@contextmanager
def killed_at_the_end(process: "subprocess.Popen[Any]") -> Iterator[None]:
    """Leave no process and no pipe open, whatever comes of the test."""
    with process:
        try:
            yield
        finally:
            process.kill()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    with closing(Tree(tmp_path / "state")) as tree:
        until(lambda: set(tree.children()) == {"work", "notify"})
        yield tree
        children = tree.children() if tree.process.poll() is None else {}
    until(lambda: not any(map(is_alive, children.values())))


@pytest.mark.long
def test_a_worker_that_is_killed_is_started_again_and_nothing_is_lost(tree: Tree) -> None:
    tree.order("A1")
    until(lambda: tree.awarded("A1"))
    for number in range(2):
        before = tree.children()["work"]
        os.kill(before, signal.SIGKILL)
        tree.order(f"B{number}")  # accepted while nobody awards
        until(lambda before=before: tree.children().get("work", before) != before)  # type: ignore[misc]
        until(lambda number=number: tree.awarded(f"B{number}"))  # type: ignore[misc]
    assert tree.call("GET", "/loyalty/ann/balance")["balance"] == 3


@pytest.mark.parametrize("told", ["TERM", "HUP INT INT"])
def test_told_to_stop_it_finishes_and_leaves_nobody_behind(tree: Tree, told: str) -> None:
    """By whom it may be, or as its terminal is closed; told again it goes on finishing."""
    for number in range(20):
        tree.order(f"A{number}")
    children = tree.children()
    for name in told.split():
        tree.process.send_signal(signal.Signals[f"SIG{name}"])
    assert tree.process.wait(PATIENCE_S) == 0
    until(lambda: not any(map(is_alive, children.values())))


@pytest.mark.long
def test_killed_itself_its_children_finish_and_leave(tree: Tree, tmp_path: Path) -> None:
    for number in range(20):
        tree.order(f"A{number}")
    children = tree.children()
    tree.process.kill()
    until(lambda: not any(map(is_alive, children.values())))
    with closing(Tree(tmp_path / "state")) as again:
        until(lambda: all(again.awarded(f"A{number}") for number in range(20)))
        assert again.call("GET", "/loyalty/ann/balance")["balance"] == 20
        again.process.terminate()
        assert again.process.wait(PATIENCE_S) == 0
