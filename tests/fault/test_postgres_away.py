"""The server of the ledger goes away under `laurels serve`, and comes back: dashboards go on and say that they are
stale, writes are refused with when to come again, and afterwards all is as before.
"""

import signal
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from tests.acceptance.command_line import laurels, served
from tests.postgres_server import Server, binaries, running

from laurels.engines.postgres.reaching import COMMAND_TIMEOUT_S

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

WITHIN_S = 60


@pytest.fixture
def server() -> Iterator[Server]:
    with running(binaries()) as server:
        server.sql("CREATE DATABASE shop")
        yield server


def token(state: Path, *options: str) -> dict[str, str]:
    done = laurels("token", *options, "--state", state, "--config", state / "laurels.toml")
    assert done.returncode == 0, done.stderr
    return {"authorization": f"Bearer {done.stdout.strip()}"}


def until(ask: Callable[[], httpx.Response], is_so: Callable[[httpx.Response], bool]) -> httpx.Response:
    """Ask until it is so."""
    end = monotonic() + WITHIN_S
    while not is_so(answer := ask()):
        assert monotonic() < end, answer.text
        sleep(0.05)
    return answer


def test_reads_go_on_while_the_server_is_away(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "laurels.toml"
    config.write_text(f"[ledger]\nurl = '{server.url('shop')}'\n")
    with (
        served(tmp_path, "--config", str(config)) as address,
        httpx.Client(base_url=address, timeout=COMMAND_TIMEOUT_S + 5) as client,
    ):
        till = token(tmp_path, "--service", "--scope", "orders:write")
        ann = token(tmp_path, "--member", "ann")
        bought = {"member_id": "ann", "currency": "GBP", "total": "25.00"}

        def board() -> httpx.Response:
            return client.get("/loyalty/ann", headers=ann)

        def buy(id: str) -> httpx.Response:
            return client.post(f"/order/{id}", json=bought, headers=till)

        assert buy("A1").status_code == HTTPStatus.ACCEPTED
        until(board, lambda answer: answer.status_code == HTTPStatus.OK and answer.json()["me"]["points"] == 3)
        server.stop(signal.SIGQUIT)
        stale = until(board, lambda answer: answer.json()["stale"])
        assert stale.json()["me"]["points"] == 3
        refused = buy("A2")
        assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert int(refused.headers["retry-after"]) > 0
        for _ in range(20):
            assert board().status_code == HTTPStatus.OK
        server.start()
        until(lambda: buy("A2"), lambda answer: answer.status_code in {HTTPStatus.ACCEPTED, HTTPStatus.OK})
        fresh = until(board, lambda answer: not answer.json()["stale"] and answer.json()["me"]["points"] == 6)
        assert fresh.status_code == HTTPStatus.OK
    verified = laurels("verify", "--state", tmp_path, "--config", config)
    assert verified.returncode == 0, verified.stdout
