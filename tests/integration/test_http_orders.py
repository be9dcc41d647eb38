"""Orders and refunds over HTTP, one at a time and in bulk."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.integration.http_shop import Shop, check_problem, fields_at_fault, open_shop

from laurels.errors import LedgerUnavailable
from laurels.http.routes import BULK_BYTES, BULK_DOCUMENTS, SINGLE_BYTES

pytestmark = pytest.mark.anyio

ORDER = {"member_id": "17850", "currency": "GBP", "total": "25.00"}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        yield shop


async def test_an_order_is_accepted_once_and_earns_once(shop: Shop) -> None:
    lines = [
        {"sku": "85123A", "quantity": 6, "unit_price": "2.55"},
        {"sku": "D", "quantity": "0.5", "unit_price": "-1"},
    ]
    body = {
        "member_id": "17850",
        "currency": "GBP",
        "channel": "store",
        "occurred_at": "2026-11-01T10:00:00+01:00",
        "email": "ann@example.com",
        "lines": lines,
        "total": "14.80",
    }
    first = await shop.ask("POST", "/order/A1", json=body)
    assert (first.status_code, first.json()) == (202, {"order_id": "A1", "status": "accepted"})
    again = await shop.ask("POST", "/order/A1", json=body | {"email": "other@example.com"})
    assert (again.status_code, again.json()) == (200, {"order_id": "A1", "status": "accepted"})
    await shop.settle()
    again = await shop.ask("POST", "/order/A1", json=body)
    assert (again.status_code, again.json()) == (200, {"order_id": "A1", "status": "awarded"})
    check_problem(await shop.ask("POST", "/order/A1", json=body | {"channel": "web"}), 409, "conflict")
    other_door = await shop.ask("POST", "/order/A1", json=body | {"source": "till"})
    assert other_door.status_code == 202
    assert (await shop.ask("GET", "/loyalty/17850/balance")).json()["balance"] == 1


EARNED = "25.00 GBP / 10.00 = 2.5 -> 3 (half-up, version 1)"


async def test_an_order_tells_how_far_it_got(shop: Shop) -> None:
    await shop.order("A1", "17850", "25.00")
    state = (await shop.ask("GET", "/order/A1")).json()
    assert state == {"order_id": "A1", "source": "shop", "status": "accepted"}
    await shop.settle()
    state = (await shop.ask("GET", "/order/A1", member="17850")).json()
    as_of = state.pop("as_of")
    assert state == {
        "order_id": "A1",
        "source": "shop",
        "status": "awarded",
        "points": 3,
        "reason": EARNED,
        "entries": [{"kind": "earn", "points": 3, "reason": EARNED}],
    }
    dashboard = await shop.ask("GET", "/loyalty/17850", params={"min_version": as_of})
    assert dashboard.json()["me"]["points"] == 3


async def test_an_order_that_cannot_be_awarded_is_quarantined(shop: Shop) -> None:
    assert (await shop.order("A1", "17850", "2500", currency="JPY")).status_code == 202
    await shop.settle()
    state = (await shop.ask("GET", "/order/A1")).json()
    reason = "the program (version 1) gives no points for JPY"
    assert state == {"order_id": "A1", "source": "shop", "status": "quarantined", "reason": reason}


async def test_a_foreign_order_and_an_unknown_one_are_the_same_to_a_member(shop: Shop) -> None:
    await shop.order("A1", "17850", "25.00")
    foreign = await shop.ask("GET", "/order/A1", member="12346")
    unknown = await shop.ask("GET", "/order/A2", member="12346")
    check_problem(foreign, 404, "not-found")
    assert {**foreign.json(), "instance": ""} == {**unknown.json(), "instance": ""}
    assert (await shop.ask("GET", "/order/A1?source=till")).status_code == 404
    assert fields_at_fault(await shop.ask("GET", "/order/A1?source=a%0Ab")) == ["source"]


async def test_refunds_take_back_and_may_come_first(shop: Shop) -> None:
    refund = {"refund_id": "R1", "member_id": "17850", "currency": "GBP", "amount": "25.00"}
    first = await shop.ask("POST", "/order/A1/refund", json=refund)
    assert (first.status_code, first.json()) == (202, {"refund_id": "R1", "status": "accepted"})
    await shop.settle()
    assert (await shop.ask("POST", "/order/A1/refund", json=refund)).json()["status"] == "waiting"
    check_problem(await shop.ask("POST", "/order/A1/refund", json=refund | {"amount": "1.00"}), 409, "conflict")
    await shop.order("A1", "17850", "25.00")
    await shop.settle()
    again = await shop.ask("POST", "/order/A1/refund", json=refund)
    assert (again.status_code, again.json()["status"]) == (200, "awarded")
    unlinked = {"refund_id": "R2", "currency": "GBP", "amount": "10.00"}
    assert (await shop.ask("POST", "/loyalty/17850/refund", json=unlinked)).status_code == 202
    assert (await shop.ask("POST", "/loyalty/17850/refund", json=unlinked)).status_code == 200
    conflict = await shop.ask("POST", "/loyalty/17850/refund", json=unlinked | {"amount": "9.00"})
    check_problem(conflict, 409, "conflict")
    await shop.settle()
    assert (await shop.ask("GET", "/loyalty/17850/balance")).json()["balance"] == -1


async def test_methods_and_media_types(shop: Shop) -> None:
    answer = await shop.ask("PUT", "/order/A1", json=ORDER)
    check_problem(answer, 405, "method-not-allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "POST", "OPTIONS"}
    answer = await shop.client.options("/order/A1")
    assert (answer.status_code, answer.headers["allow"]) == (204, "POST, GET, OPTIONS")
    for headers in ({"Content-Type": "text/xml"}, {"Content-Type": "application/json", "Content-Encoding": "gzip"}):
        answer = await shop.ask("POST", "/order/A1", content=msgspec.json.encode(ORDER), headers=headers)
        check_problem(answer, 415, "wrong-media-type")
    assert "compressed" in answer.json()["detail"]
    headers = {"Content-Type": "application/json", "Content-Encoding": "identity"}
    assert (await shop.ask("POST", "/order/A1", content=msgspec.json.encode(ORDER), headers=headers)).status_code == 202


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(shop: Shop) -> None:
    fits = msgspec.json.encode(ORDER).ljust(SINGLE_BYTES)
    headers = {"Content-Type": "application/json"}
    assert (await shop.ask("POST", "/order/A1", content=fits, headers=headers)).status_code == 202
    check_problem(await shop.ask("POST", "/order/A2", content=fits + b" ", headers=headers), 413, "too-large")


@pytest.mark.parametrize("framing", [b"Content-Length: 1000000000000", b"Transfer-Encoding: chunked"])
async def test_an_endless_body_is_refused_while_it_is_sent(shop: Shop, framing: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
    writer.write(
        b"POST /order/A1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + shop.token().encode() + b"\r\n" + framing + b"\r\n\r\n"
    )
    answer = asyncio.create_task(reader.readline())
    try:
        # How far the sender gets before it sees the answer is the system's affair (what lies in the
        # buffers of two sockets); the body itself has no end.
        while b"chunked" in framing and not answer.done():
            writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)
        assert (await asyncio.wait_for(answer, 60)).startswith(b"HTTP/1.1 413")
    finally:
        writer.transport.abort()


async def test_a_ledger_that_cannot_write_accepts_nothing(shop: Shop) -> None:
    await shop.services.ledger.close()
    answer = await shop.order("A1", "17850", "25.00")
    check_problem(answer, 503, "ledger-unavailable")
    assert answer.headers["retry-after"] == "1"
    # Reads from the board go on.
    assert (await shop.ask("GET", "/loyalty/17850", member="17850")).status_code == 200
    with pytest.raises(LedgerUnavailable):
        await shop.services.ledger.accept([])


@pytest.mark.parametrize("as_lines", [False, True])
async def test_bulk_orders_have_a_result_each(shop: Shop, as_lines: bool) -> None:
    await shop.order("A1", "17850", "25.00")
    orders: list[Any] = [
        {"order_id": "A1", **ORDER},
        {"order_id": "A2", **ORDER},
        {"order_id": "A1", **ORDER, "total": "26.00"},
        {"order_id": "A3", **ORDER, "total": 1},
        {"order_id": "a/b ", **ORDER},
        ORDER,
        {"order_id": "A2", **ORDER},
    ]
    if as_lines:
        content = b"\n".join(msgspec.json.encode(order) for order in orders) + b"\n\n"
        headers = {"Content-Type": "application/x-ndjson"}
    else:
        content, headers = b" " + msgspec.json.encode(orders), {"Content-Type": "application/json"}
    answer = await shop.ask("POST", "/orders", content=content, headers=headers)
    assert answer.status_code == 200
    results = answer.json()
    assert [(one["order_id"], one["http"], one["status"]) for one in results] == [
        ("A1", 200, "accepted"),
        ("A2", 202, "accepted"),
        ("A1", 409, "conflict"),
        ("A3", 422, "invalid"),
        ("a/b ", 422, "invalid"),
        (None, 422, "invalid"),
        ("A2", 200, "accepted"),
    ]
    at_fault = [one["errors"][0]["field"] for one in results if "errors" in one]
    assert at_fault == ["total", "total", "order_id", "order_id"]
    await shop.settle()
    assert (await shop.ask("GET", "/loyalty/17850/balance")).json()["balance"] == 6


async def test_bulk_keeps_the_bytes_of_each_order(shop: Shop) -> None:
    raw = b'{"order_id":"A1",  "member_id":"17850","currency":"JPY","total":"2500"}'
    for order_id, body in (("A1", b"[" + raw + b"]"), ("A2", raw.replace(b"A1", b"A2"))):
        assert (await shop.ask("POST", "/orders", content=body)).json()[0]["order_id"] == order_id
    await shop.settle()
    ledger = shop.services.ledger
    kept = [(await ledger.quarantined(one.kind, one.source, one.id)).raw for one in await ledger.quarantine()]
    assert kept == [raw, raw.replace(b"A1", b"A2")]


@pytest.mark.parametrize("path", ["/orders", "/members"])
async def test_bulk_has_limits(shop: Shop, path: str) -> None:
    too_many = b"[" + b",".join([b"{}"] * (BULK_DOCUMENTS + 1)) + b"]"
    check_problem(await shop.ask("POST", path, content=too_many), 413, "too-large")
    check_problem(await shop.ask("POST", path, content=b"{}\n" * (BULK_DOCUMENTS + 1)), 413, "too-large")
    check_problem(await shop.ask("POST", path, content=b" " * (BULK_BYTES + 1)), 413, "too-large")
    assert fields_at_fault(await shop.ask("POST", path, content=b""))
    assert fields_at_fault(await shop.ask("POST", path, content=b"[" + b"1," * 100_000 + b"1]"))
    assert fields_at_fault(await shop.ask("POST", path, content=b"[" * 100_000))
    assert (await shop.ask("POST", path, content=b"[]")).json() == []
    just_fits = b"[" + b",".join([b"{}"] * BULK_DOCUMENTS) + b"]"
    answer = await shop.ask("POST", path, content=just_fits)
    assert [one["http"] for one in answer.json()] == [422] * BULK_DOCUMENTS
