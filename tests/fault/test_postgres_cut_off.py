"""A host with the API is cut from the database under load: a wire that is pulled, of which neither end hears. Every
dashboard is answered meanwhile, marked stale; when the wire is back the boards catch up, no reader was ever shown less
than before, and what was bought counts once.

The two hosts are network namespaces where this user may make them, else there is a relay that lets nothing through.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

import httpx
import pytest
from tests.acceptance.command_line import laurels, served
from tests.fault.test_postgres_away import token, until
from tests.postgres_server import PostgresServer, binaries, running
from tests.slow_link import Link
from tests.two_hosts import Wired, may_be_wired, on

from laurels.engines.postgres.reaching import COMMAND_TIMEOUT_S

pytestmark = [pytest.mark.timeout(600)]

MEMBERS, READERS, TILLS = 8, 3, 3
CUT_S, LONG_CUT_S = 10.0, 60.0
STALE_WITHIN_S, CAUGHT_UP_WITHIN_S = 1.1, 5.0
"""Of the long form, on a machine that has nothing else to do: a board is stale a second after it was last confirmed."""


class Hosts(NamedTuple):
    """The database's address as the API's host has it, and what cuts the two apart and joins them."""

    url: str
    server: PostgresServer
    cut: Callable[[], None]
    join: Callable[[], None]


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    """Where namespaces may be made, this thread is on the API's host."""
    with by_wire() if may_be_wired() else by_relay() as found:
        yield found


@contextmanager
def by_wire() -> Iterator[Hosts]:
    with Wired() as wired, ExitStack() as stack:
        first, other = wired.hosts
        with on(first):
            server = stack.enter_context(running(binaries(), listen_addresses=wired.address))
            server.sql("CREATE DATABASE shop")
            server.admit(f"host all all {wired.address}/30 trust")
        stack.enter_context(on(other))
        url = f"postgresql://laurels@{wired.address}:{server.port}/shop?sslmode=disable"
        yield Hosts(url, server, wired.pull, wired.plug_in)


@contextmanager
def by_relay() -> Iterator[Hosts]:
    with running(binaries()) as server:
        server.sql("CREATE DATABASE shop")
        with Link(f"{server.folder}/.s.PGSQL.{server.port}") as link:

            def cut() -> None:
                link.weather = "silent"

            def join() -> None:
                link.weather = "fair"

            yield Hosts(f"postgresql://laurels@127.0.0.1:{link.port}/shop?sslmode=disable", server, cut, join)


class Crowd:
    """Customers who look at their dashboards again and again, each time for no less than what was shown before, and
    tills that sell meanwhile.
    """

    def __init__(self, address: str, headers: list[dict[str, str]], till: dict[str, str]) -> None:
        self._address, self._headers, self._till = address, headers, till
        self._stop = threading.Event()
        self._threads = [
            *(threading.Thread(target=self._read, args=(n,)) for n in range(READERS)),
            *(threading.Thread(target=self._sell, args=(n,)) for n in range(TILLS)),
        ]
        self.shown: list[list[tuple[float, int, bool]]] = [[] for _ in range(READERS)]
        """Of each reader: when, points, whether marked stale."""
        self.refused: list[str] = []
        self.sold: list[str] = []
        """All that the tills tried to sell, in the end with success."""

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def read_since(self, at: float) -> int:
        """How many dashboards were shown since an instant, to who saw the fewest."""
        return min(sum(each[0] >= at for each in shown) for shown in self.shown)

    def first(self, is_so: Callable[[tuple[float, int, bool]], bool]) -> float | None:
        """When a reader was first shown something of a kind, of the one that waited for it longest."""
        found = [next((each[0] for each in shown if is_so(each)), None) for shown in self.shown]
        return None if None in found else max(each for each in found if each is not None)

    def _read(self, reader: int) -> None:
        seen: dict[str, str] = {}
        with self._client(self._headers[reader]) as client:
            while not self._stop.wait(0.02):
                answer = client.get(f"/loyalty/m{reader}", params=seen)
                if answer.status_code != HTTPStatus.OK:
                    self.refused.append(answer.text)
                    continue
                board = answer.json()
                seen = {"min_version": board["as_of"]}
                self.shown[reader].append((monotonic(), board["me"]["points"], board["stale"]))

    def _sell(self, till: int) -> None:
        number = 0
        with self._client(self._till) as client:
            while not self._stop.wait(0.05):
                number += 1
                id = f"T{till}-{number}"
                bought = {"member_id": f"m{number % MEMBERS}", "currency": "GBP", "total": "10.00"}
                while client.post(f"/order/{id}", json=bought).status_code not in {
                    HTTPStatus.ACCEPTED,
                    HTTPStatus.OK,
                }:
                    sleep(0.1)
                self.sold.append(id)

    def _client(self, headers: dict[str, str]) -> httpx.Client:
        return httpx.Client(base_url=self._address, headers=headers, timeout=2 * COMMAND_TIMEOUT_S + 60)


@pytest.mark.long
def test_a_host_that_is_cut_from_the_database(hosts: Hosts, tmp_path: Path) -> None:
    cut_off(hosts, tmp_path, CUT_S)


@pytest.mark.soak
def test_a_host_that_is_cut_from_the_database_for_a_minute(hosts: Hosts, tmp_path: Path) -> None:
    stale_after_s, caught_up_after_s = cut_off(hosts, tmp_path, LONG_CUT_S)
    assert stale_after_s <= STALE_WITHIN_S
    assert caught_up_after_s <= CAUGHT_UP_WITHIN_S


def cut_off(hosts: Hosts, state: Path, cut_s: float) -> tuple[float, float]:
    """Cut the host off for so long. Gives after how many seconds every reader was told that the boards are stale, and,
    the two joined, how many later none was told so any more.
    """
    config = state / "laurels.toml"
    config.write_text(f"[ledger]\nurl = '{hosts.url}'\n[http]\nrate_limit_per_minute = 60000\n")
    with served(state, "--config", str(config)) as address:
        till = token(state, "--service", "--scope", "orders:write")
        members = [token(state, "--member", f"m{n}") for n in range(READERS)]
        first_sale(address, till, members[0])
        with Crowd(address, members, till) as crowd:
            wait(lambda: len(crowd.sold) >= 10 * TILLS and crowd.read_since(0) >= 20)
            cut_at = monotonic()
            hosts.cut()
            sleep(cut_s)  # for so long it is cut off: nothing is waited for
            stale_at = wait_for(lambda: crowd.first(lambda each: each[0] >= cut_at and each[2]))
            wait(lambda: crowd.read_since(cut_at) >= 20)
            joined_at = monotonic()
            hosts.join()
            fresh_at = wait_for(lambda: crowd.first(lambda each: each[0] >= joined_at and not each[2]))
            sold = len(crowd.sold)
            wait(lambda: len(crowd.sold) >= sold + 10 * TILLS)
        assert crowd.refused == []
        for shown in crowd.shown:
            points = [each[1] for each in shown]
            assert points == sorted(points)
        total = len(crowd.sold) + MEMBERS
        reports = token(state, "--service", "--scope", "status:read")
        until(lambda: httpx.get(f"{address}/status", headers=reports, timeout=60), is_idle)
    read = sum(map(len, crowd.shown))
    print(
        f"cut off for {cut_s:.0f} s: {read:,} dashboards, all answered; stale after {stale_at - cut_at:.2f} s, "
        f"caught up {fresh_at - joined_at:.2f} s after it was over; {len(crowd.sold):,} orders, each counts once"
    )
    verified = laurels("verify", "--state", state, LAURELS_LEDGER_URL=hosts.url)
    assert verified.returncode == 0, verified.stdout
    assert hosts.server.sql("SELECT sum(balance) FROM balance", "shop") == str(total)
    return stale_at - cut_at, fresh_at - joined_at


def first_sale(address: str, till: dict[str, str], reader: dict[str, str]) -> None:
    """Everybody has a point, and the board shows it."""
    for n in range(MEMBERS):
        bought = {"member_id": f"m{n}", "currency": "GBP", "total": "10.00"}
        assert httpx.post(f"{address}/order/A{n}", json=bought, headers=till, timeout=60).status_code == (
            HTTPStatus.ACCEPTED
        )
    until(
        lambda: httpx.get(f"{address}/loyalty/m0", headers=reader, timeout=60),
        lambda answer: answer.status_code == HTTPStatus.OK and len(answer.json()["top"]) == MEMBERS,
    )


def is_idle(answer: httpx.Response) -> bool:
    status = answer.json()
    return status["counts"] is not None and status["counts"]["ready"] == 0 and status["behind"] == 0


def wait(is_so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    wait_for(lambda: is_so() or None)


def wait_for(ask: Callable[[], float | bool | None], within_s: float = 120) -> float:
    """Wait until there is an answer."""
    end = monotonic() + within_s
    while (answer := ask()) is None:
        assert monotonic() < end, "it does not come about"
        sleep(0.02)
    return float(answer)
