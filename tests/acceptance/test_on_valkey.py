"""`laurels` with its board on Valkey: the same standings to the byte, and a clear answer while the server is away."""

import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests import valkey_server
from tests.acceptance.command_line import laurels, served
from tests.valkey_server import ValkeyNode

from laurels.http.admission.tokens import sign_token
from laurels.settings import load

pytestmark = pytest.mark.timeout(300)  # a year is imported, exported and verified, by commands as a person runs them

ORDERS = "order_id,member_id,currency,total\nA1,ann,GBP,50.00\nA2,ben,GBP,70.00\nA3,cyd,GBP,50.00\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyNode]:
    with valkey_server.running(tmp_path / "valkey") as server:
        yield server


@pytest.fixture
def config(server: ValkeyNode, tmp_path: Path) -> Path:
    """A settings file that puts the board there."""
    path = tmp_path / "laurels.toml"
    path.write_text(f'[leaderboard]\nengine = "valkey"\nurl = "{server.url}"\n', "utf-8")
    return path


@pytest.mark.parametrize("shards", [pytest.param(1, marks=pytest.mark.long), 16])
def test_a_years_standings_are_the_same_to_the_byte(config: Path, data_dir: Path, tmp_path: Path, shards: int) -> None:
    with config.open("a") as file:
        file.write(f"[ledger]\nshards = {shards}\n")
    where = ("--state", tmp_path / "state", "--config", config)
    done = laurels("import", data_dir / "online_retail.parquet", "--preset", "online-retail", *where)
    assert done.returncode == 0, done.stderr
    to = tmp_path / "standings.csv"
    assert laurels("export", "standings", "--to", to, *where).returncode == 0
    assert to.read_bytes() == (data_dir / "online_retail_expected.csv").read_bytes()
    verified = laurels("verify", *where)
    assert verified.returncode == 0, verified.stderr
    assert "26,562 entries verified" in verified.stdout


def test_while_the_server_is_away_reads_are_503_and_then_they_are_right_again(
    server: ValkeyNode, config: Path, tmp_path: Path
) -> None:
    state, orders = tmp_path / "state", tmp_path / "orders.csv"
    orders.write_text(ORDERS, "utf-8")
    assert laurels("import", orders, "--state", state, "--config", config).returncode == 0
    token = sign_token(load({"state": state}, environment={}), subject="cyd", scope=None, ttl_s=600)
    with (
        served(state, "--config", str(config)) as url,
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client,
    ):
        before = fresh(client)
        assert [row["points"] for row in before["top"]] == [7, 5, 5]
        assert (before["me"]["rank"], before["me"]["position"]) == (2, 3)
        server.kill()
        for _ in range(20):
            away = client.get("/loyalty/cyd")
            assert away.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            assert away.headers["content-type"] == "application/problem+json"
            assert away.json()["type"] == "/problems/board-not-ready"
            assert int(away.headers["Retry-After"]) > 0
        assert client.get("/readyz").status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert client.get("/healthz").status_code == HTTPStatus.OK
        server.start()
        assert fresh(client) == before


def fresh(client: httpx.Client) -> dict[str, Any]:
    """The first dashboard that is there and not stale; the test's own time limit ends the wait for it."""
    while True:
        answer = client.get("/loyalty/cyd")
        assert answer.status_code in {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}
        if answer.status_code == HTTPStatus.OK and not answer.json()["stale"]:
            return dict(answer.json())
        time.sleep(0.02)


def test_a_command_without_the_server_says_so_in_one_line(server: ValkeyNode, config: Path, tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text(ORDERS, "utf-8")
    assert laurels("import", orders, "--state", tmp_path / "state", "--config", config).returncode == 0
    server.kill()
    done = laurels("top", "--state", tmp_path / "state", "--config", config)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("laurels: The leaderboard's server cannot do this now")
    assert "Traceback" not in done.stderr
