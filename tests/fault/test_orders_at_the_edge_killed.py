"""The server dies while tills send orders through the edge on kept connections: what was acknowledged is there."""

import http.client
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.engines import needs_native
from tests.fault.test_process_tree import Tree, is_alive, until

from laurels.settings import load
from laurels.wiring import build

pytestmark = [needs_native, pytest.mark.anyio]

ORDER = {"member_id": "ann", "currency": "GBP", "total": "10.00"}
TILLS = 8


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    monkeypatch.setenv("LAURELS_LEADERBOARD_ENGINE", "native")
    with closing(Tree(tmp_path / "state")) as tree:
        until(lambda: set(tree.children()) == {"work", "notify"})
        yield tree


class Till(threading.Thread):
    """One connection, until it breaks."""

    def __init__(self, tree: Tree, name: str) -> None:
        super().__init__()
        self.till, self.tree = name, tree
        self.acknowledged: list[str] = []
        self.wrong: list[int] = []

    def run(self) -> None:
        url = urlsplit(self.tree.url)
        headers = {"Authorization": f"Bearer {self.tree._token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
        with closing(connection), suppress(OSError, http.client.HTTPException):
            for n in range(100_000):
                id_ = f"{self.till}-{n}"
                connection.request("POST", f"/order/{id_}", json.dumps(ORDER), headers)
                answer = connection.getresponse()
                if answer.status == 202 and json.load(answer)["order_id"] == id_:
                    self.acknowledged.append(id_)
                else:
                    self.wrong.append(answer.status)


@pytest.mark.parametrize("signalled", [signal.SIGKILL, signal.SIGTERM])
async def test_an_acknowledged_order_is_never_lost(tree: Tree, tmp_path: Path, signalled: signal.Signals) -> None:
    children = tree.children()
    tills = [Till(tree, f"till{n}") for n in range(TILLS)]
    for till in tills:
        till.start()
    until(lambda: sum(len(till.acknowledged) for till in tills) > 300)
    os.kill(tree.process.pid, signalled)
    for till in tills:
        till.join()
    tree.process.wait()
    until(lambda: not any(map(is_alive, children.values())))
    acknowledged = {id_ for till in tills for id_ in till.acknowledged}
    assert not [status for till in tills for status in till.wrong]
    async with build(load({"state": tmp_path / "state"}, environment={})) as services:
        await services.awarder.drain()
        entries = await services.ledger.entries("ann", limit=10_000)
        kept = {entry.order_id for entry in entries if entry.order_id is not None}
    assert acknowledged <= kept
    assert len(kept) == len([entry for entry in entries if entry.order_id is not None]), "each is counted once"
    assert len(kept) <= len(acknowledged) + TILLS, "at most one each was on its way"
