"""Orders that the edge reads are answered as Python answers them, byte for byte, once each and in order."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.integration.http_lines import Connect, connect
from tests.integration.http_shop import Shop, open_shop
from tests.integration.test_http_edge import NATIVE, Seen, seen
from tests.integration.test_http_edge_hand_over import standing, until

from laurels.errors import LedgerRefused
from laurels.model import Document

__all__ = ["connect", "seen"]

pytestmark = pytest.mark.anyio
pytest.importorskip("laurels_core", reason="the edge is part of the native core, which is built where there is a cargo")

ORDER = {"member_id": "m1", "currency": "GBP", "total": "10.00"}


class Till(NamedTuple):
    """A shop, and tokens that it knows."""

    shop: Shop
    orders: str
    reads: str
    person: str

    def post(self, target: str, body: bytes | dict[str, Any], token: str | None = None, **headers: str) -> bytes:
        """An order as bytes."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {
            "Host": "a",
            "Authorization": f"Bearer {token or self.orders}",
            "Content-Type": "application/json",
            "Content-Length": str(len(raw)),
            "X-Request-Id": "r1",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        return f"POST {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + raw


async def open_till(stack: AsyncExitStack, state: Path, **settings: Any) -> Till:
    """One whose tokens were checked."""
    shop = await stack.enter_async_context(open_shop(state, **NATIVE | settings))
    till = Till(
        shop,
        shop.token(scope="orders:write members:read"),
        shop.token(scope="members:read"),
        shop.person("support"),
    )
    for token in till[1:]:
        await shop.ask("GET", "/order/none", token=token)
    return till


@pytest.fixture
async def till(tmp_path: Path, seen: Seen) -> AsyncIterator[Till]:
    async with AsyncExitStack() as stack:
        till = await open_till(stack, tmp_path)
        seen.handed = seen.returned = 0
        yield till


async def test_the_edge_takes_it(till: Till, connect: Connect, seen: Seen) -> None:
    line = await connect(till.shop)
    for n in range(3):
        answer = await line.ask(till.post(f"/order/A{n}", ORDER))
        assert answer.startswith(
            b"HTTP/1.1 202 Accepted\r\ndate: -\r\ncache-control: no-store\r\ncontent-type: application/json\r\n"
        )
        assert answer.endswith(b'{"order_id":"A%d","status":"accepted"}' % n)
    assert (await line.ask(till.post("/order/A0", ORDER))).startswith(b"HTTP/1.1 200 ")
    conflict = await line.ask(till.post("/order/A0", ORDER | {"total": "11.00"}))
    assert conflict.startswith(b"HTTP/1.1 409 ")
    assert b'"field":"total"' in conflict
    assert seen.handed == 0
    await till.shop.settle()
    assert (await till.shop.ask("GET", "/order/A2", token=till.orders)).json()["status"] == "awarded"


async def test_what_is_not_plain_is_handed_over(till: Till, connect: Connect, seen: Seen) -> None:
    fresh, member = till.shop.token(scope="orders:write"), till.shop.token(member="m1")
    for n, (sent, status) in enumerate(
        (
            (till.post("/order/B1?", ORDER, Content_Encoding="identity"), b"202"),
            (till.post("/order/B2", ORDER, Connection="close"), b"202"),
            (till.post("/order/B3", ORDER, fresh), b"202"),
            (till.post("/order/B4", b" " * 65_000 + json.dumps(ORDER).encode() + b" " * 600), b"202"),
            (till.post("/order/B5", ORDER, member), b"422"),
            (till.post("/order/B6", b""), b"422"),
            (till.post("/order/B7?source=shop", ORDER), b"422"),
            (till.post("/order/B8", ORDER).replace(b"Content-Length", b"content-length: 3\r\nContent-Length"), b"400"),
        )
    ):
        assert (await (await connect(till.shop)).ask(sent))[9:12] == status, sent
        assert seen.handed == n + 1, sent


async def test_a_connection_comes_back_after_two_orders(till: Till, connect: Connect, seen: Seen) -> None:
    line = await connect(till.shop)
    for n in range(4):
        await line.ask(till.post(f"/order/A{n}", ORDER, till.shop.token(scope="orders:write") if n == 0 else None))
    assert (seen.handed, seen.returned) == (1, 1)
    line = await connect(till.shop)
    for n in range(4):
        await line.ask(till.post(f"/order/B{n}", ORDER, Content_Encoding="identity"))
    assert (seen.handed, seen.returned) == (2, 1), "one that would go to and fro stays"


async def test_an_order_in_pieces(till: Till, connect: Connect, seen: Seen) -> None:
    """Its head is whole, and the rest comes by and by."""
    for n, cuts in enumerate(([0], [0, 1, 2, 3], [0, 30], [20], [5, 10, 15])):
        sent = till.post(f"/order/A{n}", ORDER)
        begin, line = sent.index(b"\r\n\r\n") + 4, await connect(till.shop)
        places = [0, *(begin + cut for cut in cuts), len(sent)]
        for first, last in pairwise(places):
            line.writer.write(sent[first:last])
            await line.writer.drain()
            await asyncio.sleep(0.01)
        assert (await line.answer()).startswith(b"HTTP/1.1 202 ")
    assert seen.handed == 0


async def test_requests_behind_an_order_wait_for_their_turn(till: Till, connect: Connect, seen: Seen) -> None:
    """In one piece with it, or while it is answered; as a whole or in part."""
    orders = [till.post(f"/order/A{n}", ORDER, X_Request_Id=f"r{n}") for n in range(8)]
    data = b"".join(orders)
    for cut in (len(data), len(orders[0]), len(orders[0]) + 40, len(orders[0]) * 2 - 5, len(data) - 1):
        handed, line = seen.handed, await connect(till.shop)
        line.writer.write(data[:cut])
        await line.writer.drain()
        await asyncio.sleep(0)
        line.writer.write(data[cut:])
        for n in range(8):
            answer = await line.answer()
            assert answer[9:12] in {b"202", b"200"}
            assert b"\r\nx-request-id: r%d\r\n" % n in answer
        assert seen.handed <= handed + 1, "where half a head came"
    line, handed = await connect(till.shop), seen.handed
    line.writer.write(data)
    for _ in range(8):
        await line.answer()
    assert seen.handed == handed


async def test_who_says_no_more_gets_the_answer(till: Till, connect: Connect) -> None:
    for n in range(20):
        line = await connect(till.shop)
        line.writer.write(till.post(f"/order/A{n}", ORDER))
        if n % 2:
            await asyncio.sleep(0)
        line.writer.write_eof()
        assert (await line.answer()).startswith(b"HTTP/1.1 202 ")
        assert await line.reader.read() == b""


async def test_who_is_gone_before_the_answer_takes_nobody_along(
    till: Till, connect: Connect, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was taken is accepted."""
    before, gate = standing(seen), hold(till, monkeypatch)
    lines = [await connect(till.shop) for _ in range(10)]
    for n, line in enumerate(lines):
        line.writer.write(till.post(f"/order/A{n}", ORDER))
    await gate.until_held(10)
    for line in lines[::2]:
        line.writer.transport.abort()
    await asyncio.sleep(0.05)
    gate.open.set()
    for line in lines[1::2]:
        assert (await line.answer()).startswith(b"HTTP/1.1 202 ")
        line.writer.close()
    for n in range(10):
        assert (await till.shop.ask("GET", f"/order/A{n}", token=till.orders)).status_code == 200
    await until(seen, before)


class Gate:
    """Where orders are held before they are accepted."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.held = 0

    async def until_held(self, orders: int) -> None:
        async with asyncio.timeout(60):
            while self.held < orders:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.002)


def hold(till: Till, monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate, accept = Gate(), till.shop.services.ledger.accept

    async def held(documents: Sequence[Document]) -> Any:
        gate.held += len(documents)
        await gate.open.wait()
        return await accept(documents)

    monkeypatch.setattr(till.shop.services.intake._ledger, "accept", held)
    return gate


async def test_a_server_that_stops_answers_what_it_took(
    tmp_path: Path, connect: Connect, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also to those whose bodies are on their way, by Python."""
    async with AsyncExitStack() as stack:
        till = await open_till(stack, tmp_path)
        gate, lines = hold(till, monkeypatch), [await connect(till.shop) for _ in range(6)]
        for n, line in enumerate(lines[:5]):
            line.writer.write(till.post(f"/order/A{n}", ORDER))
        half = till.post("/order/A5", ORDER)
        lines[5].writer.write(half[:-3])
        await gate.until_held(5)
        handed = seen.handed

        async def go_on() -> None:
            async with asyncio.timeout(60):
                while seen.handed == handed:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.002)
            lines[5].writer.write(half[-3:])
            gate.open.set()

        going_on = asyncio.create_task(go_on())
    await going_on
    for line in lines:
        assert (await line.answer()).startswith(b"HTTP/1.1 202 ")
        assert await line.reader.read() == b""


async def test_what_arrives_is_bounded(till: Till, connect: Connect, seen: Seen) -> None:
    """Beyond 8 MB, Python takes the connections; each is answered."""
    body = json.dumps(ORDER).encode() + b" " * 60_000
    lines = [await connect(till.shop) for _ in range(160)]
    for n, line in enumerate(lines):
        line.writer.write(till.post(f"/order/A{n}", body)[:-50_000])
        await line.writer.drain()
    async with asyncio.timeout(60):
        while seen.handed <= 10:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.002)
    for line in lines:
        line.writer.write(b" " * 50_000)
    for line in lines:
        assert (await line.answer()).startswith(b"HTTP/1.1 202 ")
    assert seen.handed < 40
    handed, line = seen.handed, await connect(till.shop)
    await line.ask(till.post("/order/A0", body))
    assert seen.handed == handed, "there is room again"


async def test_one_that_the_ledger_cannot_hold_takes_nobody_along(
    till: Till, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, together = till.shop.services.ledger.accept, 0

    async def picky(documents: Sequence[Document]) -> Any:
        nonlocal together
        together = max(together, len(documents))
        if any(document.id == "A3" for document in documents):
            raise LedgerRefused
        return await accept(documents)

    gate = hold(till, monkeypatch)
    first = await connect(till.shop)
    first.writer.write(till.post("/order/first", ORDER))
    await gate.until_held(1)
    monkeypatch.setattr(till.shop.services.intake._ledger, "accept", picky)
    lines = [await connect(till.shop) for _ in range(6)]
    for n, line in enumerate(lines):
        line.writer.write(till.post(f"/order/A{n}", ORDER))
    answers = [(await line.answer())[9:12] for line in lines]
    assert answers == [b"503" if n == 3 else b"202" for n in range(6)]
    gate.open.set()
    assert (await first.answer())[9:12] == b"202"


async def test_metrics_of_both_roads_are_one(till: Till, connect: Connect, seen: Seen) -> None:
    line, before = await connect(till.shop), (await till.shop.client.get("/metrics")).text
    for n in range(7):
        await line.ask(till.post(f"/order/A{n}", ORDER))
    assert (await line.ask(till.post("/order/A1", b"{}")))[9:12] == b"422"
    assert seen.handed == 0
    after = (await till.shop.client.get("/metrics")).text

    def grown(name: str) -> float:
        figures = [re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE) for text in (before, after)]
        first, second = [float(figure[1]) if figure else 0.0 for figure in figures]
        return second - first

    route = 'method="POST",route="/order/{order_id}"'
    assert grown(f'laurels_http_requests_total{{{route},status="202"}}') == 7
    assert grown(f'laurels_http_requests_total{{{route},status="422"}}') == 1
    assert grown('laurels_accepted_total{kind="order"}') == 7
    assert grown("laurels_accept_seconds_count") == 8
    assert grown('laurels_accept_seconds_bucket{le="+Inf"}') == 8
    assert grown("laurels_accept_seconds_sum") > 0


@pytest.mark.long
async def test_a_body_that_does_not_come_is_told_so(
    tmp_path: Path, connect: Connect, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte after byte, too; others do not wait meanwhile."""
    for module in ("edge", "connections"):
        monkeypatch.setattr(f"laurels.http.serving.{module}.REQUEST_WITHIN_S", 0.5)
    async with AsyncExitStack() as stack:
        till = await open_till(stack, tmp_path)
        sent, handed = till.post("/order/A1", ORDER), seen.handed
        still, drips, quick = [await connect(till.shop) for _ in range(3)]
        still.writer.write(sent[:-1])
        drips.writer.write(sent[:-40])
        told = [asyncio.create_task(line.answer()) for line in (still, drips)]
        for n, byte in enumerate(b" " * 39 * 50):
            if told[1].done():
                break
            if n < 39:
                drips.writer.write(bytes([byte]))
            assert (await quick.ask(till.post(f"/order/B{n}", ORDER)))[9:12] == b"202"
            await asyncio.sleep(0.01)
        assert [(await answer)[9:12] for answer in told] == [b"408", b"408"]
        assert seen.handed == handed + 2


async def test_each_request_is_answered_once_and_in_order(
    till: Till, connect: Connect, seen: Seen, rng: random.Random
) -> None:
    """Orders and reads, plain and not, in pieces or behind one another, on connections that go to and fro."""
    acknowledged: set[str] = set()

    async def mixed(name: str) -> None:
        line, n = await connect(till.shop), 0
        for _ in range(120):
            ids = [f"{name}-{n + more}" for more in range(rng.choice((1, 1, 1, 3)))]
            n += len(ids)
            more = [{} if rng.random() < 0.8 else {"Content_Encoding": "identity"} for _ in ids]
            sent = b"".join(
                till.post(f"/order/{id_}", ORDER, X_Request_Id=id_, **some) for id_, some in zip(ids, more, strict=True)
            )
            cut = rng.choice((0, 0, 0, rng.randrange(len(sent))))
            line.writer.write(sent[:cut])
            await line.writer.drain()
            await asyncio.sleep(0)
            line.writer.write(sent[cut:])
            for id_ in ids:
                answer = await line.answer()
                assert answer.startswith(b"HTTP/1.1 202 ")
                assert f"\r\nx-request-id: {id_}\r\n".encode() in answer
                assert f'"order_id":"{id_}"'.encode() in answer
                acknowledged.add(id_)
        line.writer.close()
        await line.writer.wait_closed()

    before = standing(seen)
    await asyncio.gather(*(mixed(str(n)) for n in range(6)))
    assert min(seen.handed, seen.returned) > 10, "they did go to and fro"
    await until(seen, before)
    assert await till.shop.services.ledger.inbox_depth() == len(acknowledged)
