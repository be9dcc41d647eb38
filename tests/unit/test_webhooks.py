"""Webhooks: signed, to public addresses alone, and never led elsewhere."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from random import Random
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from tests.webhook_receiver import Receiver, receiving

from laurels import clock
from laurels.clock import SECOND
from laurels.engines.sinks import webhooks
from laurels.engines.sinks.public_addresses import is_public
from laurels.engines.sinks.webhooks import WebhookSink, asked_wait_s, secret_of
from laurels.errors import SettingsError
from laurels.events import Event, SinkClosed, SinkUnavailable
from laurels.model.times import to_datetime

pytestmark = pytest.mark.anyio

KEY = bytes(range(32))
URL = "https://crm.shop.example/points?shop=1"
NOW = 1_793_527_200_000_000
"""2026-11-01T10:00:00Z."""
PUBLIC = "93.184.215.14"
EVENT = Event(
    id="0-1",
    epoch=1,
    kind="earn",
    member_id="Zoë ☘",
    points=3,
    occurred_at="2026-11-01T10:00:00Z",
    recorded_at="2026-11-01T10:00:00Z",
)


def sink_to(receiver: Receiver) -> WebhookSink:
    sink = WebhookSink(receiver.url, KEY, clock.now, ["127.0.0.1"])
    receiver.secret = sink.secret
    return sink


async def test_an_event_is_signed_and_says_all() -> None:
    with receiving() as receiver:
        sink = sink_to(receiver)
        await sink.send([EVENT, EVENT])
        await sink.close()
    assert receiver.unsigned == []
    assert [each["id"] for each in receiver.events] == ["0-1", "0-1"]
    assert receiver.events[0]["member_id"] == "Zoë ☘"


async def test_what_is_not_taken_is_tried_again_and_led_nowhere() -> None:
    with receiving() as receiver:
        sink = sink_to(receiver)
        for status in (0, 301, 302, 307, 308, 400, 404, 429, 500, 503):
            receiver.requests = 0
            receiver.behave = partial(_first_alone, status)
            with pytest.raises(SinkUnavailable) as raised:
                await sink.send([EVENT, EVENT, EVENT])
            assert (raised.value.sent, receiver.requests) == (1, 2)
        await sink.close()


@pytest.mark.parametrize("status", [429, 503])
async def test_a_receiver_says_when_to_come_again(status: int) -> None:
    """In seconds, or by a date."""
    now = clock.now() // SECOND * SECOND
    date = format_datetime(to_datetime(now + 150 * SECOND), usegmt=True)
    with receiving() as receiver:
        receiver.behave = lambda _: status
        sink = WebhookSink(receiver.url, KEY, lambda: now, ["127.0.0.1"])
        receiver.secret = sink.secret
        for said, wait_s in (("120", 120), (date, 150), ("soon", 0)):
            receiver.headers["retry-after"] = said
            with pytest.raises(SinkUnavailable) as raised:
                await sink.send([EVENT])
            assert (raised.value.sent, raised.value.wait_s) == (0, wait_s)
        await sink.close()
    assert (receiver.unsigned, receiver.events) == ([], [])


def test_whatever_retry_after_says_is_no_fault_of_ours(rng: Random) -> None:
    """It is a time to wait, never a negative one, or nothing."""
    alphabet = "0123456789 ,:+-.GMTSunNovDec\xe9\u0663\x00"
    said = ["", " ", "-1", "1e9", "9" * 400, "Fri, 31 Dec 9999 23:59:59 -2359", "Sun, 01 Nov 1026 10:00:00 GMT"]
    said += ["".join(rng.choices(alphabet, k=rng.randrange(40))) for _ in range(2000)]
    said += ["Sun, 01 Nov 2026 10:02:30 GMT"[: rng.randrange(30)] + rng.choice(said) for _ in range(2000)]
    assert all(asked_wait_s(text, NOW) >= 0 for text in said)
    assert asked_wait_s("Sun, 01 Nov 2026 10:00:07 -0000", NOW) == 7


async def test_gone_is_for_good() -> None:
    with receiving() as receiver:
        receiver.behave = lambda _: 410
        sink = sink_to(receiver)
        with pytest.raises(SinkClosed) as raised:
            await sink.send([EVENT])
        await sink.close()
    assert raised.value.sent == 0


async def test_a_dead_receiver_is_unavailable() -> None:
    with receiving() as receiver:
        pass
    sink = sink_to(receiver)
    with pytest.raises(SinkUnavailable):
        await sink.send([EVENT])
    await sink.close()


@pytest.mark.parametrize(
    ("behaves", "scheme", "said"),
    [
        ("nothing", "http", r"127.0.0.1 cannot be reached at port \d+ \(Connection refused\)."),
        ("leaves", "http", "127.0.0.1 closed the connection, or what it answered is no HTTP"),
        ("leaves", "https", "127.0.0.1 broke off while the encrypted connection was made"),
        ("babbles", "http", "127.0.0.1 closed the connection, or what it answered is no HTTP"),
        ("babbles", "https", r"127.0.0.1 does not speak TLS at port \d+"),
        ("waits", "http", "127.0.0.1 did not answer in time: a receiver answers 2xx at once"),
    ],
)
async def test_why_nothing_was_taken_is_said_in_words(
    behaves: str, scheme: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 1.0)
    done, handling = asyncio.Event(), list[Any]()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handling.append(asyncio.current_task())
        if behaves == "waits":
            await done.wait()
        else:
            await reader.read(65536)
        if behaves == "babbles":
            writer.write(b"220 shop.example ESMTP\r\n\r\n")
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(behave, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if behaves == "nothing":
        server.close()
        await server.wait_closed()
    sink = WebhookSink(f"{scheme}://127.0.0.1:{port}/hook", KEY, clock.now, ["127.0.0.1"])
    with pytest.raises(SinkUnavailable, match=said):
        await sink.send([EVENT])
    if scheme == "https" or behaves == "nothing":
        with pytest.raises(SinkUnavailable, match=r"^127.0.0.1 [a-z ]+"):
            await sink.look()
    else:
        await sink.look()
    await sink.close()
    done.set()
    server.close()
    await asyncio.gather(*handling)


@pytest.mark.parametrize(
    ("status", "said"),
    [(302, "redirects are not followed"), (401, "events ADDRESS --secret"), (404, "is the path"), (500, "500.$")],
)
async def test_what_a_receiver_answers_is_said_with_what_to_do(status: int, said: str) -> None:
    with receiving() as receiver:
        receiver.behave = lambda _: status
        sink = sink_to(receiver)
        with pytest.raises(SinkUnavailable, match=said):
            await sink.send([EVENT])
        await sink.close()


async def test_a_look_sends_nothing_and_refuses_a_host_inside() -> None:
    with receiving() as receiver:
        sink = sink_to(receiver)
        await sink.look()
        await sink.close()
        assert receiver.requests == 0
    inside = WebhookSink("https://127.0.0.1/hook", KEY, clock.now)
    with pytest.raises(SettingsError, match="private_hosts"):
        await inside.look()
    await inside.close()


def _first_alone(status: int, before: int) -> int:
    return 204 if before == 0 else status


def test_flipped_bits_old_times_and_other_receivers_secrets_show(rng: Random) -> None:
    """What the receiver's library refuses of a request that was rightly signed."""
    at = datetime.now(UTC)
    secret = secret_of(KEY, URL)
    body = b'{"type":"points.earn","data":{"points":3}}'

    def headers(when: datetime, signed: bytes = body) -> dict[str, str]:
        signature = Webhook(secret).sign("1.0-1", when, signed.decode())
        return {
            "webhook-id": "1.0-1",
            "webhook-timestamp": str(int(when.timestamp())),
            "webhook-signature": signature,
        }

    assert Webhook(secret).verify(body, headers(at))
    for _ in range(200):
        flipped = bytearray(body)
        flipped[rng.randrange(len(body))] ^= 1 << rng.randrange(7)
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(bytes(flipped), headers(at))
    for _ in range(200):
        flipped_headers = headers(at)
        name = rng.choice(sorted(flipped_headers))
        place = rng.randrange(len(flipped_headers[name]))
        letters = list(flipped_headers[name])
        letters[place] = chr(ord(letters[place]) ^ 1 << rng.randrange(6))
        flipped_headers[name] = "".join(letters)
        if name == "webhook-signature" and place == len(letters) - 2:
            continue  # of the last letter of 32 bytes in base64 two bits say nothing
        with pytest.raises((WebhookVerificationError, ValueError)):  # the second for what is no signature at all
            Webhook(secret).verify(body, flipped_headers)
    for late in (timedelta(minutes=-6), timedelta(minutes=6)):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers(at + late))
    for other in (secret_of(KEY, URL + "2"), secret_of(KEY[::-1], URL)):
        with pytest.raises(WebhookVerificationError):
            Webhook(other).verify(body, headers(at))
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32


async def test_a_name_is_looked_at_each_time() -> None:
    """It resolves to a public address the first time, and to this machine the second: nothing goes there."""
    answers = iter([[PUBLIC], ["127.0.0.1"], [PUBLIC, "10.0.0.1"], []])
    asked: list[httpx.Request] = []

    async def how(host: str, port: int) -> Sequence[str]:
        return next(answers)

    async def nothing() -> AsyncIterator[bytes]:
        yield b""

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(204, content=nothing())

    sink = WebhookSink(URL, KEY, clock.now, [], how)
    await sink._client.aclose()
    sink._client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    await sink.send([EVENT])
    for _ in range(3):
        with pytest.raises(SinkUnavailable):
            await sink.send([EVENT])
    await sink.close()
    [request] = asked
    assert request.url == f"https://{PUBLIC}/points?shop=1"
    assert request.headers["host"] == "crm.shop.example"
    assert request.extensions["sni_hostname"] == "crm.shop.example"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "",
        "localhost",
    ],
)
def test_addresses_inside_are_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_outside_are_known(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.shop.example/points",
        "https://",
        "https://user:secret@crm.shop.example/",
        "https://crm.shop.example/#there",
        "https://crm.shop.example:port/",
    ],
)
def test_addresses_that_no_webhook_goes_to_are_refused_in_one_line(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        WebhookSink(url, KEY, clock.now)
    assert "\n" not in raised.value.message
    assert "secret" not in raised.value.message
