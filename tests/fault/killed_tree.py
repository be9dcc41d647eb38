"""A shop that is killed all the time: `laurels serve` as a tree of processes, tills that send it orders whatever
happens, and a reader that must never be shown an older board than it has seen.
"""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from tests.fault.history import CALLER, Asked, History
from tests.fault.test_process_tree import PART_IN_COMMAND, PATIENCE_S, is_alive, until

from laurels.http.admission.tokens import sign_token
from laurels.model import DocumentKind, Version
from laurels.settings import load

TILLS = 3
MEMBERS = 6
WITH_ADDRESS = 4
"""The first so many members bring an address."""

SCOPES = "orders:write members:read points:adjust points:redeem"
TOTALS = ("5.00", "14.99", "25.00", "130.00")


class Tree:
    """`laurels serve` and its children over one state; killed and started again."""

    def __init__(self, state: Path, shards: int = 1) -> None:
        self.state = state
        self._environment = {**os.environ, "LAURELS_LEDGER_SHARDS": str(shards)}
        settings = load({"state": state}, environment={})
        self._token = sign_token(settings, subject=CALLER, scope=SCOPES, ttl_s=86_400)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers and its children run."""
        log = self.state.parent / "serve.log"
        with log.open("wb") as file:
            command = [sys.executable, "-m", "laurels", "serve", "--port", "0", "--state", str(self.state)]
            self._process = subprocess.Popen(command, stderr=file, env=self._environment)
        until(lambda: b" answers at " in log.read_bytes())
        found = re.search(r"answers at http://(\S+):(\d+)/", log.read_text())
        assert found is not None
        self._address = found[1], int(found[2])
        until(lambda: set(self._children()) == {"work", "notify"})

    def kill(self, part: str) -> None:
        """SIGKILL for one process (`serve` is the parent and answers HTTP; `work`, `notify`), or for `all` at once."""
        assert self._process is not None
        children = self._children()
        pids = {**children, "serve": self._process.pid}
        for pid in pids.values() if part == "all" else [pids.get(part, self._process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if part in {"serve", "all"}:
            self._process.wait()
            self._process = None
            until(lambda: not any(map(is_alive, children.values())))

    def stop(self) -> None:
        """End it as an operator does."""
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(PATIENCE_S) == 0
            self._process = None

    def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and content of an answer. Raises `OSError` or `HTTPException` where none comes."""
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        sent = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **(headers or {})}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            return answer.status, json.load(answer)
        finally:
            connection.close()

    def _children(self) -> dict[str, int]:
        assert self._process is not None
        parts = {}
        for pid in Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split():
            with suppress(FileNotFoundError, ProcessLookupError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if len(line) > PART_IN_COMMAND:
                    parts[line[PART_IN_COMMAND].decode()] = int(pid)
        return parts


class Till:
    """Sends whatever a shop sends, one after another, and keeps the history. `number` is in every id."""

    def __init__(self, number: str, tree: Tree, history: History, rng: Random) -> None:
        self._number = number
        self._tree = tree
        self._history = history
        self._dice = rng
        self._sent = 0

    def work(self) -> None:
        """Until the tree is gone."""
        self._until_it_is_gone(self._send_next)

    def read(self, seen: list[str]) -> None:
        """Read with the newest token seen; who holds one is never shown less."""

        def step() -> None:
            status, body = self._tree.ask("GET", "/loyalty/m0/balance")
            if status == 200 and self._dice.random() < 0.5:
                seen.append(body["as_of"])  # the ledger's own: the board has to come up to it
            token = seen[-1] if seen else "1."
            status, body = self._tree.ask("GET", f"/loyalty/m0?min_version={token}")
            if status == 200:
                assert Version.parse(body["as_of"]).includes(Version.parse(token)), f"{body['as_of']} after {token}"
                seen.append(body["as_of"])
            else:
                assert status in {404, 409, 503}, (status, body)

        self._until_it_is_gone(step)

    def send(self, asked: Asked) -> None:
        """Ask, and note the answer."""
        self._history.invoked(asked)
        status, _ = self._tree.ask("POST", asked.path, asked.body, asked.headers)
        self._history.answered(asked, status)

    def _until_it_is_gone(self, step: Callable[[], None]) -> None:
        with suppress(OSError, http.client.HTTPException, json.JSONDecodeError):
            while True:
                step()

    def _send_next(self) -> None:
        self._sent += 1
        id = f"{self._number}-{self._sent}"
        orders = self._history.acknowledged(DocumentKind.ORDER)
        kind = self._dice.random()
        if kind < 0.5 or not orders:
            self.send(self._order(id))
        elif kind < 0.6:
            self.send(self._refund(id, self._dice.choice(orders)))
        elif kind < 0.7:
            self.send(self._redemption(id))
        elif kind < 0.8:
            member = self._member()
            body = {"loyalty-points": 2}
            self.send(Asked(DocumentKind.ADJUSTMENT, id, f"/loyalty/{member}", body, member, 2))
        elif kind < 0.9:
            again = self._dice.choice(orders)
            status, body = self._tree.ask("POST", again.path, again.body)
            assert status == 200, f"{again.id} was acknowledged, and is new again: {status} {body}"
        else:
            other = {**self._order(id).body, "member_id": f"refused-{id}", "total": "9000.00"}
            status, body = self._tree.ask("POST", self._dice.choice(orders).path, other)
            assert status == 409, f"other content under a used id: {status} {body}"
            bad = Asked(DocumentKind.ORDER, id, f"/order/{id}", {**other, "total": "-1.00"}, f"refused-{id}", 0)
            self.send(bad)
            assert id in self._history.refused

    def _member(self) -> str:
        return f"m{self._dice.randrange(MEMBERS)}"

    def _order(self, id: str) -> Asked:
        number = self._dice.randrange(MEMBERS)
        total = self._dice.choice(TOTALS)
        body = {"member_id": f"m{number}", "currency": "GBP", "total": total}
        if number < WITH_ADDRESS:
            body["email"] = f"m{number}@example.com"
        return Asked(DocumentKind.ORDER, id, f"/order/{id}", body, f"m{number}", _points(total))

    def _refund(self, id: str, order: Asked) -> Asked:
        """All of an order, unless somebody was here before; then it takes back nothing more."""
        body = {"refund_id": f"all-{order.id}", "member_id": order.member, "currency": "GBP"}
        body["amount"] = order.body["total"]
        return Asked(DocumentKind.REFUND, f"all-{order.id}", f"{order.path}/refund", body, order.member, -order.points)

    def _redemption(self, id: str) -> Asked:
        member = self._member()
        body = {"redemption_id": id, "points": 3}
        return Asked(DocumentKind.REDEMPTION, id, f"/loyalty/{member}/redeem", body, member, -3)


def _points(total: str) -> int:
    pence = int(total.replace(".", ""))
    return (pence + 500) // 1000


def run_and_kill(tree: Tree, history: History, seen: list[str], rng: Random, *, name: str, seconds: float) -> int:
    """Start the tree, let tills and a reader at it, kill children meanwhile and in the end the whole; how many kills.

    What goes wrong in a till or the reader is raised here.
    """
    tree.start()
    wrong: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised below, in the test's own thread
                wrong.append(error)

        return run

    tills = [Till(f"{name}-{n}", tree, history, Random(rng.random())) for n in range(TILLS)]
    reader = Till(f"{name}-r", tree, history, Random(rng.random()))
    works: list[Callable[[], None]] = [till.work for till in tills]
    works.append(lambda: reader.read(seen))
    threads = [threading.Thread(target=guarded(work)) for work in works]
    for thread in threads:
        thread.start()
    kills = 1
    deadline = time.monotonic() + seconds * rng.random()
    while time.monotonic() < deadline:
        time.sleep(min(0.4 * rng.random(), max(0.0, deadline - time.monotonic())))
        if rng.random() < 0.5:
            tree.kill(rng.choice(("work", "notify")))
            kills += 1
    tree.kill(rng.choice(("serve", "all")))
    for thread in threads:
        thread.join(PATIENCE_S)
    if wrong:
        raise wrong[0]
    return kills
