"""Live dashboards over a real socket: what is sent, when, and that nothing stays behind when it ends."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.integration.http_shop import Shop, check_problem, fields_at_fault, open_shop

from laurels import clock
from laurels.dashboard import live
from laurels.http import create_app, open_auth
from laurels.http.admission import limits
from laurels.http.admission.tokens import sign_token
from laurels.model import Version

pytestmark = pytest.mark.anyio

PATIENCE_S = 60.0
"""Long enough for a busy machine; what does not come in this time does not come."""


@dataclass(frozen=True)
class Event:
    id: str
    data: dict[str, Any]


class Listener:
    """One stream, read from its socket as it comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def event(self) -> Event:
        """The next event; comments are skipped."""
        while True:
            fields = dict(line.split(": ", 1) for line in await self.frame() if not line.startswith(":"))
            if fields:
                assert fields.keys() == {"id", "data"}
                return Event(fields["id"], msgspec.json.decode(fields["data"]))

    async def frame(self) -> list[str]:
        """The lines of the next frame. Raises `EOFError` at the proper end of the stream."""
        async with asyncio.timeout(PATIENCE_S):
            size = int(await self.reader.readline(), 16)
            chunk = await self.reader.readexactly(size + 2)
        if size == 0:
            raise EOFError
        text = chunk[:-2].decode()
        assert text.endswith("\n\n")
        return text[:-2].split("\n")


@asynccontextmanager
async def listening(shop: Shop, target: str, token: str, **headers: str) -> AsyncIterator[Listener]:
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
    lines = [f"GET {target} HTTP/1.1", "Host: shop", f"Authorization: Bearer {token}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "\r\n"]).encode())
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("http/1.1 200 "), head
        assert "content-type: text/event-stream" in head
        assert "cache-control: no-store" in head
        assert "x-request-id: " in head
        yield Listener(reader, writer)
    finally:
        writer.close()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, leaderboard_stale_after_ms=3_600_000) as shop:
        await shop.order("A1", "m1", "500.00")
        await shop.settle()
        yield shop


async def earn(shop: Shop, order_id: str, member: str, total: str) -> None:
    await shop.order(order_id, member, total)
    await shop.settle()


async def test_the_answer_of_a_read_comes_at_once_and_whenever_it_changes(shop: Shop) -> None:
    async def read() -> Any:
        return (await shop.ask("GET", "/loyalty/m1?top=3&around=1", member="m1")).json()

    async with listening(shop, "/loyalty/m1/live?top=3&around=1", shop.token(member="m1")) as listener:
        first = await listener.event()
        assert first == Event((await read())["as_of"], await read())
        await earn(shop, "A2", "m2", "700.00")
        second = await listener.event()
        assert second == Event((await read())["as_of"], await read())
        assert (second.data["me"]["rank"], second.data["ranked"]) == (2, 2)


async def test_a_board_is_followed_by_everyone_signed_in(shop: Shop) -> None:
    for token in (shop.token(member="m9"), shop.token(scope="")):
        async with listening(shop, "/leaderboard/all-time/live?top=1", token, Last_Event_ID="1.0-1") as listener:
            assert (await listener.event()).data["top"][0]["points"] == 50


async def test_what_did_not_change_is_not_sent_again(shop: Shop) -> None:
    await earn(shop, "A2", "m2", "700.00")
    async with listening(shop, "/leaderboard/all-time/live?top=1", shop.token(scope="")) as listener:
        assert (await listener.event()).data["top"][0]["points"] == 70
        before = (await shop.ask("GET", "/leaderboard/all-time?top=1")).json()["as_of"]
        await earn(shop, "A3", "m1", "10.00")  # moves the version, and nothing that is shown here
        await asyncio.sleep(2 * live.LEAST_S)  # time enough to send what must not be sent
        await earn(shop, "A4", "m2", "10.00")
        event = await listener.event()
        assert event.data["top"][0]["points"] == 71
        assert int(event.id.rpartition("-")[2]) > int(before.rpartition("-")[2]) + 1


async def test_many_changes_are_four_a_second_and_the_newest_comes_last(shop: Shop) -> None:
    async with listening(shop, "/loyalty/m1/live", shop.token(member="m1")) as listener:
        await listener.event()
        started, seen = clock.elapsed(), 0
        changing = asyncio.create_task(_earn_often(shop, 60))
        points = 0
        while points != 50 + 60:
            points = (await listener.event()).data["me"]["points"]
            seen += 1
        await changing
        assert seen <= 1 + (clock.elapsed() - started) / live.LEAST_S


async def _earn_often(shop: Shop, orders: int) -> None:
    for n in range(orders):
        await earn(shop, f"B{n}", "m1", "10.00")


async def test_stale_and_fresh_again_are_changes(tmp_path: Path) -> None:
    async with open_shop(tmp_path, leaderboard_stale_after_ms=1500) as shop:
        await earn(shop, "A1", "m1", "500.00")
        async with listening(shop, "/loyalty/m1/live", shop.token(member="m1")) as listener:
            while not (event := await listener.event()).data["stale"]:
                continue
            await shop.services.projector.catch_up()
            assert event.data | {"stale": False} == (await listener.event()).data
            assert (await listener.event()).data["stale"]


async def test_silence_is_broken_by_a_comment(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "QUIET_S", 0.5)
    async with listening(shop, "/loyalty/m1/live", shop.token(member="m1")) as listener:
        await listener.event()
        for _ in range(3):
            assert await listener.frame() == [": still here"]


async def test_the_stream_ends_with_the_token(shop: Shop) -> None:
    token = sign_token(shop.services.settings, subject="m1", scope=None, ttl_s=2)
    async with listening(shop, "/loyalty/m1/live", token) as listener:
        await listener.event()
        with pytest.raises(EOFError):
            await listener.frame()
    check_problem(await shop.ask("GET", "/loyalty/m1/live", token=token), 401, "not-signed-in")


async def test_what_is_refused_is_refused_before_the_stream(shop: Shop) -> None:
    refused: list[tuple[str, dict[str, Any], int, str]] = [
        ("/loyalty/m2/live", {"member": "m1"}, 404, "not-found"),
        ("/loyalty/nobody/live", {"scope": "members:read"}, 404, "not-found"),
        ("/loyalty/m1/live", {"scope": "orders:write"}, 403, "not-allowed"),
        ("/loyalty/m1/live?board=week", {"member": "m1"}, 404, "not-found"),
        ("/loyalty/m1/live?top=101", {"member": "m1"}, 422, "invalid-input"),
        ("/loyalty/m1/live?min_version=1.0-1", {"member": "m1"}, 422, "invalid-input"),
        ("/leaderboard/week/live", {"member": "m1"}, 404, "not-found"),
    ]
    for target, who, status, slug in refused:
        check_problem(await shop.ask("GET", target, **who), status, slug)


async def test_a_stream_begins_with_nothing_older_than_what_its_listener_saw(shop: Shop) -> None:
    async def refused(seen: str) -> httpx.Response:
        return await shop.ask("GET", "/loyalty/m1/live", member="m1", headers={"Last-Event-ID": seen})

    async with listening(shop, "/loyalty/m1/live", shop.token(member="m1")) as listener:
        now = (await listener.event()).id
    seal = shop.services.dashboards.versions.seal
    version = seal.open(now, "id")
    ahead = seal.token(Version(version.epoch, {0: version.positions[0] + 1}))
    problem = check_problem(await refused(ahead), 409, "version-not-reached")
    assert (problem["requested"], problem["current"]) == (ahead, now)
    assert fields_at_fault(await refused("yesterday")) == ["Last-Event-ID"]
    await shop.order("A2", "m1", "10.00")
    await shop.settle()
    for seen in (now, ahead):
        async with listening(shop, "/loyalty/m1/live", shop.token(member="m1"), Last_Event_ID=seen) as listener:
            event = await listener.event()
            assert (event.id, event.data["me"]["points"]) == (ahead, 51)


async def test_one_watcher_serves_all_and_leaves_with_the_last(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    waited = shop.services.leaderboard.wait_for_change

    async def counted(*arguments: Any) -> None:
        nonlocal asked
        asked += 1
        await waited(*arguments)

    monkeypatch.setattr(shop.services.leaderboard, "wait_for_change", counted)
    before = await settled_tasks()
    async with asyncio.TaskGroup() as tasks:
        heard = asyncio.Barrier(51)
        for _ in range(50):
            tasks.create_task(_hear_one_change(shop, heard))
        await heard.wait()
        await earn(shop, "A2", "m1", "10.00")
    assert asked < 10
    assert await settled_tasks(before) == before


async def _hear_one_change(shop: Shop, heard: asyncio.Barrier) -> None:
    token = shop.token(scope="members:read")  # a service: members have a few streams each
    async with listening(shop, "/loyalty/m1/live", token) as listener:
        await listener.event()
        await heard.wait()
        assert (await listener.event()).data["me"]["points"] == 51


async def test_a_member_has_a_few_streams_open_at_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STREAMS", 2)
    token = shop.token(member="m1")
    before = await settled_tasks()
    async with listening(shop, "/loyalty/m1/live", token) as one, listening(shop, "/leaderboard/month/live", token):
        await one.event()
        refused = await shop.ask("GET", "/loyalty/m1/live", token=token)
        check_problem(refused, 429, "too-many-requests")
        assert refused.headers["Retry-After"] == "10"
        async with listening(shop, "/loyalty/m1/live", shop.token(scope="members:read")) as service:
            await service.event()
    assert await settled_tasks(before) == before
    async with listening(shop, "/loyalty/m1/live", token) as again:
        await again.event()


@pytest.mark.slow
async def test_a_thousand_who_come_and_go_leave_nothing(shop: Shop) -> None:
    token = shop.token(scope="members:read")  # a service: members have a quota
    before = await settled_tasks()
    for _ in range(20):
        async with asyncio.TaskGroup() as tasks:
            for n in range(50):
                tasks.create_task(_come_and_go(shop, token, politely=n % 2 == 0))
    assert await settled_tasks(before) == before
    gc.collect()
    assert not shop.services.live._waiting
    assert not shop.services.live._stops


async def _come_and_go(shop: Shop, token: str, *, politely: bool) -> None:
    async with listening(shop, "/loyalty/m1/live", token) as listener:
        await listener.event()
        if not politely:
            listener.writer.transport.abort()


async def settled_tasks(expected: int | None = None) -> int:
    """How many tasks there are, once nothing that has ended is still on its way out (or it is clear that it stays)."""
    deadline = clock.elapsed() + PATIENCE_S
    while expected is not None and len(asyncio.all_tasks()) != expected and clock.elapsed() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return len(asyncio.all_tasks())


class SlowClient:
    """A client that reads when it is told to: as the server's `send` sees it, which waits until there is room."""

    def __init__(self) -> None:
        self.room = asyncio.Event()
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def listen(self, shop: Shop, target: str, token: str) -> None:
        scope: Any = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": target,
            "raw_path": target.encode(),
            "query_string": b"",
            "headers": [(b"host", b"shop"), (b"authorization", b"Bearer " + token.encode())],
        }
        await create_app(shop.services, open_auth(shop.services.settings))(scope, self.receive, self.send)

    async def receive(self) -> Any:
        await asyncio.Future()

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            self.frames.put_nowait(message)
            await self.room.wait()

    async def points(self) -> int:
        frame = await self.frames.get()
        points: int = msgspec.json.decode(frame["body"].split(b"data: ")[1])["me"]["points"]
        return points


async def test_one_who_does_not_read_holds_nobody_up_and_ends_with_the_newest(shop: Shop) -> None:
    slow, token = SlowClient(), shop.token(member="m1")
    task = asyncio.create_task(slow.listen(shop, "/loyalty/m1/live", token))
    assert await slow.points() == 50
    async with listening(shop, "/loyalty/m1/live", token) as listener:
        await listener.event()
        for n in range(4):
            await earn(shop, f"A{n + 2}", "m1", "10.00")
            assert (await listener.event()).data["me"]["points"] == 51 + n
    assert slow.frames.empty()
    slow.room.set()
    assert await slow.points() == 54, "what lay between is left out, the last is not"
    slow.room.clear()
    await earn(shop, "A9", "m1", "10.00")
    assert await slow.points() == 55
    shop.services.live.close()
    async with asyncio.timeout(PATIENCE_S):
        await task


async def test_the_server_stops_though_some_still_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laurels.http.serving.server.FINISH_WITHIN_S", 600)
    async with open_shop(tmp_path, leaderboard_stale_after_ms=3_600_000) as shop:
        await earn(shop, "A1", "m1", "10.00")
        token = shop.token(member="m1")
        stack = [listening(shop, "/loyalty/m1/live", token) for _ in range(20)]
        listeners = [await one.__aenter__() for one in stack]
        for listener in listeners:
            await listener.event()
        started = clock.elapsed()
    assert clock.elapsed() - started < 300, "they are not waited for as requests in flight are"
    for listener, one in zip(listeners, stack, strict=True):
        with pytest.raises(EOFError):
            await listener.frame()
        await one.__aexit__(None, None, None)
