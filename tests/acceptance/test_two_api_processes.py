"""A year of a real shop's orders through two API processes at once, half through each: everybody has the points and the
rank that were computed apart, byte for byte.

The position among equals is not compared. Equal points go by who was enrolled first, members are numbered in order of
acceptance, and which of two processes takes which order in first is chance.
"""

import csv
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import msgspec
import pytest
from tests.acceptance.command_line import LAURELS, laurels, served

from laurels.exchange import PRESETS, open_documents
from laurels.model import Order, Refund
from laurels.model.money import format_amount
from laurels.model.times import format_instant

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

AT_ONCE = 500
"""Orders in a request."""

WITHIN_S = 300


def test_half_of_a_year_through_each(database: str, data_dir: Path, tmp_path: Path) -> None:
    config, to = tmp_path / "laurels.toml", tmp_path / "standings.csv"
    # Each process has a board of its own, which it keeps up to date itself.
    config.write_text(
        f"[ledger]\nurl = '{database}'\n[leaderboard]\nengine = 'memory'\n[http]\nrate_limit_per_minute = 60000\n"
    )
    here = "--state", str(tmp_path), "--config", str(config)
    year = list(open_documents(data_dir / "online_retail.parquet", PRESETS["online-retail"].mapping()))
    with ExitStack() as stack:
        options = "--config", str(config), "--only", "http"
        addresses = [stack.enter_context(served(tmp_path, *options)) for _ in range(2)]
        worker = stack.enter_context(subprocess.Popen([LAURELS, "work", *here], stderr=subprocess.DEVNULL))
        stack.callback(worker.terminate)
        done = laurels("token", "--service", "--scope", "orders:write status:read", *here)
        assert done.returncode == 0, done.stderr
        clients = [
            stack.enter_context(
                httpx.Client(base_url=each, headers={"authorization": f"Bearer {done.stdout.strip()}"}, timeout=60)
            )
            for each in addresses
        ]
        with ThreadPoolExecutor(2) as both:
            list(both.map(send, clients, (year[::2], year[1::2])))
        wait_until_awarded(clients[0])
    assert laurels("export", "standings", "--to", to, *here).returncode == 0
    assert in_order_of_ids(to) == in_order_of_ids(data_dir / "online_retail_expected.csv")
    verified = laurels("verify", *here)
    assert (verified.returncode, "26,562 entries verified" in verified.stdout) == (0, True), verified.stderr


def send(api: httpx.Client, documents: Sequence[Order | Refund]) -> None:
    """Send documents to one process, orders many at a time; a refund may come before its order, which the other one has
    yet to be sent.
    """
    orders = [as_sent(each) for each in documents if isinstance(each, Order)]
    for start in range(0, len(orders), AT_ONCE):
        lines = b"\n".join(msgspec.json.encode(each) for each in orders[start : start + AT_ONCE])
        results = api.post("/orders", content=lines).raise_for_status().json()
        assert {each["http"] for each in results} == {HTTPStatus.ACCEPTED}, results
    for refund in documents:
        if isinstance(refund, Refund):
            path = f"/order/{refund.order_id}/refund" if refund.order_id else f"/loyalty/{refund.member_id}/refund"
            answer = api.post(path, json=as_sent(refund))
            assert answer.status_code == HTTPStatus.ACCEPTED, answer.text


def as_sent(document: Order | Refund) -> dict[str, Any]:
    """A document as a shop sends it."""
    sent: dict[str, Any] = {"currency": document.currency}
    if document.occurred_at is not None:
        sent["occurred_at"] = format_instant(document.occurred_at)
    if isinstance(document, Order):
        total = format_amount(document.total, document.currency)
        return sent | {"order_id": document.order_id, "member_id": document.member_id, "total": total}
    sent |= {"refund_id": document.refund_id, "amount": format_amount(document.amount, document.currency)}
    return sent | ({"member_id": document.member_id} if document.order_id else {})


def wait_until_awarded(api: httpx.Client) -> None:
    """Wait until nothing lies in the inbox or waits for its order."""
    end = monotonic() + WITHIN_S
    while True:
        counts = api.get("/status").raise_for_status().json()["counts"]
        if counts["ready"] == counts["refunds_waiting"] == 0:
            assert counts["quarantined"] == 0
            return
        assert monotonic() < end, counts
        sleep(0.1)


def in_order_of_ids(standings: Path) -> bytes:
    """Member, points and rank, a line each."""
    with standings.open(newline="") as file:
        rows = sorted((row["member_id"], row["points"], row["rank"]) for row in csv.DictReader(file))
    return "".join(f"{','.join(row)}\n" for row in rows).encode()
