"""What Prometheus is told: by one process, and by all that serve together."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.ending import end
from tests.fault.test_process_tree import Tree, until
from tests.integration.http_shop import Shop, open_shop

from laurels import __version__
from laurels.errors import BoardNotReady

pytestmark = pytest.mark.anyio

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parse(text: str) -> Figures:
    """Figures by name and labels; every family is given once, with its help."""
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    assert all(family.documentation for family in families)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


async def scrape(shop: Shop) -> Figures:
    answer = await shop.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parse(answer.text)


def grown(before: Figures, after: Figures) -> Figures:
    """Counters belong to the process, which serves more than one test's shop: what came in between."""
    return {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        yield shop


async def test_requests_are_counted_by_route(shop: Shop) -> None:
    before = await scrape(shop)
    await shop.order("A1", "ann", "25.00")
    await shop.order("A1", "ann", "25.00")
    await shop.order("A1", "bob", "25.00")
    await shop.order("A2%20", "bob", "25.00")
    await shop.ask("GET", "/loyalty/ann", member="bob")
    await shop.ask("GET", "/loyalty/ann", member="ann")
    await shop.client.get("/nowhere/ann@example.com")
    await shop.client.put("/order/A1")
    await shop.client.get("/")
    after = grown(before, await scrape(shop))
    requests = {
        (labels["method"], labels["route"], labels["status"]): value
        for (name, pairs), value in after.items()
        if name == "laurels_http_requests_total" and (labels := dict(pairs))
    }
    assert requests == {
        ("POST", "/order/{order_id}", "202"): 1,
        ("POST", "/order/{order_id}", "200"): 1,
        ("POST", "/order/{order_id}", "409"): 1,
        ("POST", "/order/{order_id}", "422"): 1,
        ("GET", "/loyalty/{member_id}", "404"): 1,
        ("GET", "/loyalty/{member_id}", "200"): 1,
        ("any", "other", "404"): 1,
        ("any", "other", "405"): 1,
        ("any", "other", "200"): 1,
        ("GET", "/metrics", "200"): 1,
    }
    assert after["laurels_dashboard_seconds_count", ()] == 1, "what was not found is told apart"


async def test_documents_are_counted_once(shop: Shop) -> None:
    before = await scrape(shop)
    for _ in range(2):
        await shop.order("A1", "ann", "2500.00")
        refund = {"refund_id": "R1", "member_id": "ann", "currency": "GBP", "amount": "5.00"}
        await shop.ask("POST", "/order/A1/refund", json=refund)
        await shop.ask("POST", "/loyalty/ann/refund", json={"refund_id": "R2", "currency": "GBP", "amount": "5.00"})
        basket = {"itemIds": ["85123A"], "paymentDetails": {"method": "card", "token": "tok_ok"}}
        await shop.ask("POST", "/order/C1", member="ann", json=basket)
        await shop.settle()
        headers = {"Idempotency-Key": "once"}
        await shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 5}, headers=headers)
        await shop.ask("POST", "/loyalty/ann/redeem", json={"redemption_id": "D1", "points": 5})
        bulk = [{"order_id": f"B{n}", "member_id": "bob", "currency": "GBP", "total": "1.00"} for n in range(3)]
        await shop.ask("POST", "/orders", json=[*bulk, {**bulk[0], "total": "2.00"}, {"order_id": "bad"}])
    after = grown(before, await scrape(shop))
    accepted = {
        dict(pairs)["kind"]: value for (name, pairs), value in after.items() if name == "laurels_accepted_total"
    }
    assert accepted == {"order": 5, "refund": 2, "adjustment": 1, "redemption": 1}


async def test_what_waits_is_told_as_it_is_now(shop: Shop) -> None:
    await shop.order("A1", "ann", "2500.00")
    await shop.order("A2", "bob", "2500.00", currency="EUR", email="bob@example.com")
    before = await scrape(shop)
    assert before["laurels_inbox_depth", ()] == 2
    assert 0 <= before["laurels_inbox_age_seconds", ()] < 60
    await shop.services.awarder.drain()
    awarded = await scrape(shop)
    assert awarded["laurels_inbox_depth", ()] == 0
    assert awarded["laurels_inbox_age_seconds", ()] == 0
    entries = sum((await shop.services.ledger.heads()).version.positions.values())
    assert awarded["laurels_feed_lag_entries", ()] == entries
    assert awarded["laurels_messages", (("state", "held"),)] == 1
    assert awarded["laurels_messages", (("state", "due"),)] == 1
    assert awarded["laurels_quarantine_depth", ()] == 0
    await shop.settle()
    settled = await scrape(shop)
    assert settled["laurels_feed_lag_entries", ()] == 0
    assert 0 <= settled["laurels_feed_lag_seconds", ()] < 60
    assert settled["laurels_board_ready", ()] == settled["laurels_ledger_up", ()] == 1
    build = (("leaderboard", shop.services.leaderboard.name), ("ledger", "sqlite"), ("version", __version__))
    assert settled["laurels_build_info", build] == 1


async def test_without_a_ledger_the_rest_is_told(shop: Shop) -> None:
    await shop.order("A1", "ann", "25.00")
    await shop.settle()
    await shop.services.ledger.close()
    figures = await scrape(shop)
    assert (figures["laurels_ledger_up", ()], figures["laurels_board_ready", ()]) == (0, 1)
    assert ("laurels_feed_lag_seconds", ()) in figures
    assert ("laurels_inbox_depth", ()) not in figures, "not known, which is not 0"


async def test_without_a_board_the_rest_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def build(*_: object, **__: object) -> None:
        raise BoardNotReady

    monkeypatch.setattr(shop.services.leaderboard, "read", build)
    figures = await scrape(shop)
    assert (figures["laurels_ledger_up", ()], figures["laurels_board_ready", ()]) == (1, 0)
    assert ("laurels_inbox_depth", ()) in figures


async def test_no_figure_tells_who(shop: Shop) -> None:
    await shop.order("order-17850-a", "ann@example.com", "25.00", email="ann@example.net")
    await shop.settle()
    await shop.ask("GET", "/loyalty/ann%40example.com", member="ann@example.com")
    await shop.ask("GET", "/order/order-17850-a")
    await shop.client.get("/elsewhere/ann@example.com")
    text = (await shop.client.get("/metrics")).text
    names = [line.rpartition(" ")[0] for line in text.splitlines()]  # any digits may stand in a sample's value
    assert not re.search("ann|example|17850", "\n".join(names).replace("annotation", ""))


DYING = """
import os
from laurels.metrics import ACCEPTED, CONNECTIONS
CONNECTIONS.inc(3)
ACCEPTED.labels("order").inc(2)
os._exit(9)
"""
LIVING = """
import subprocess, sys
from laurels.metrics import CONNECTIONS, counted
CONNECTIONS.inc()
subprocess.run([sys.executable, "-c", sys.argv[1]])
print(counted().decode())
"""


def test_what_was_open_in_a_process_goes_with_it_and_what_it_counted_stays(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", LIVING, DYING]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=200).stdout
    assert {file.name.partition("_")[0] for file in tmp_path.iterdir()} >= {"gauge", "counter"}
    figures = parse(told)
    assert figures["laurels_connections", ()] == 1
    assert figures["laurels_accepted_total", (("kind", "order"),)] == 2


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    with closing(Tree(tmp_path / "state")) as tree:
        until(lambda: set(tree.children()) == {"work", "notify"})
        yield tree
        end(tree.process)


def test_processes_that_serve_together_count_together(tree: Tree) -> None:
    """Also what a process counted that is gone by now."""
    for n in range(3):
        tree.order(f"A{n}")
    until(lambda: all(tree.awarded(f"A{n}") for n in range(3)))

    def figures() -> Figures:
        with urllib.request.urlopen(f"{tree.url}/metrics", timeout=60) as answer:  # noqa: S310 - our own server
            return parse(answer.read().decode())

    until(lambda: figures()["laurels_awarded_total", ()] == 3)
    assert figures()["laurels_accepted_total", (("kind", "order"),)] == 3
    assert figures()["laurels_accept_seconds_count", ()] == 3
    until(lambda: figures().get(("laurels_points_given_total", (("kind", "earn"),))) == 3)
    assert figures()["laurels_visible_seconds_count", ()] == 4, "of an enrolment and three awards"
    assert figures()["laurels_visible_seconds_sum", ()] < 4 * 30
    began = figures()["laurels_start_time_seconds", ()]
    os.kill(tree.children()["work"], signal.SIGKILL)
    tree.order("A3")  # which the next worker awards
    until(lambda: figures()["laurels_awarded_total", ()] == 4)
    assert figures()["laurels_start_time_seconds", ()] == began, "they that count together began when the first did"
