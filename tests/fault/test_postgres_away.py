"""The server of the ledger goes away under `laurels serve`, by a crash or behind a link that falls silent, and comes
back: dashboards go on and say that they are stale, writes are refused with when to come again, and afterwards all is as
before.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
from tests.acceptance.command_line import laurels, served
from tests.postgres_server import PostgresServer, binaries, running
from tests.slow_link import Link, Weather

from laurels.engines.postgres.reaching import COMMAND_TIMEOUT_S

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

WITHIN_S = 60


@pytest.fixture
def server() -> Iterator[PostgresServer]:
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


class Reader:
    """A customer who looks at the dashboard again and again, each time for no less than what was shown before."""

    def __init__(self, address: str, headers: dict[str, str]) -> None:
        self._address, self._headers = address, headers
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self.shown: list[tuple[int, bool]] = []
        """Points, and whether they were marked stale."""
        self.refused: list[str] = []

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _read(self) -> None:
        seen: dict[str, str] = {}
        with httpx.Client(base_url=self._address, headers=self._headers, timeout=WITHIN_S) as client:
            while not self._stop.wait(0.02):
                answer = client.get("/loyalty/ann", params=seen)
                if answer.status_code != HTTPStatus.OK:
                    self.refused.append(answer.text)
                    continue
                shown = answer.json()
                seen = {"min_version": shown["as_of"]}
                self.shown.append((shown["me"]["points"], shown["stale"]))


@contextmanager
def crashed(server: PostgresServer) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """The URL, what takes the server away, and what brings it back."""
    yield server.url("shop"), lambda: server.stop(signal.SIGQUIT), server.start


@contextmanager
def behind_a_silent_link(server: PostgresServer) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """The same where nobody is told: neither end hears that the other is not there any more."""
    with Link(f"{server.folder}/.s.PGSQL.{server.port}") as link:

        def turn(weather: Weather) -> None:
            link.weather = weather

        url = f"postgresql://laurels@127.0.0.1:{link.port}/shop?sslmode=disable"
        yield url, lambda: turn("silent"), lambda: turn("fair")


@pytest.mark.parametrize("away", [crashed, behind_a_silent_link])
def test_reads_go_on_while_the_server_is_away(server: PostgresServer, tmp_path: Path, away: Any) -> None:
    """All of them, marked stale; no reader with a token goes back, and what was bought meanwhile counts once."""
    config = tmp_path / "laurels.toml"
    with away(server) as (url, take_away, bring_back), ExitStack() as stack:
        config.write_text(f"[ledger]\nurl = '{url}'\n")
        address = stack.enter_context(served(tmp_path, "--config", str(config)))
        client = stack.enter_context(httpx.Client(base_url=address, timeout=2 * COMMAND_TIMEOUT_S + 10))
        till = token(tmp_path, "--service", "--scope", "orders:write")
        ann = token(tmp_path, "--member", "ann")
        bought = {"member_id": "ann", "currency": "GBP", "total": "25.00"}

        def board() -> httpx.Response:
            return client.get("/loyalty/ann", headers=ann)

        def buy(id: str) -> httpx.Response:
            return client.post(f"/order/{id}", json=bought, headers=till)

        assert buy("A1").status_code == HTTPStatus.ACCEPTED
        until(board, lambda answer: answer.status_code == HTTPStatus.OK and answer.json()["me"]["points"] == 3)
        reader = stack.enter_context(Reader(address, ann))
        take_away()
        until(board, lambda answer: answer.json()["stale"])
        refused = buy("A2")
        assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert int(refused.headers["retry-after"]) > 0
        before = len(reader.shown)
        until(board, lambda _: len(reader.shown) >= before + 50)
        bring_back()
        until(lambda: buy("A2"), lambda answer: answer.status_code in {HTTPStatus.ACCEPTED, HTTPStatus.OK})
        until(board, lambda answer: not answer.json()["stale"] and answer.json()["me"]["points"] == 6)
        until(board, lambda _: reader.shown[-1] == (6, False))
        assert reader.refused == []
        points = [shown for shown, _ in reader.shown]
        assert points == sorted(points)
        assert (3, True) in reader.shown
    verified = laurels("verify", "--state", tmp_path, LAURELS_LEDGER_URL=server.url("shop"))
    assert verified.returncode == 0, verified.stdout
