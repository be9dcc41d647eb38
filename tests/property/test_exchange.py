"""What Laurels sends of an answer is what uvicorn sends of it, byte for byte, and it is refused where that is."""

import asyncio
from typing import Any

import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from laurels.http.serving.exchange import Exchange, Signal

NAMES = [
    b"content-length",
    b"Content-Length",
    b"transfer-encoding",
    b"connection",
    b"x-a",
    b"X-A",
    b"date",
    b"a b",
    b"a:",
]
VALUES = [b"0", b"5", b"chunked", b"CHUNKED", b"close", b"keep-alive, Close", b"", b"\xc3\xa9", b"a\tb", b"a\r\nb: c"]
VALUES += [b"a\nb", b"a\rb", b"\x7f", b"\x00"]
BODIES = [b"", b"hello", b"hell", b"x" * 70_000]

starts = st.builds(
    lambda status, headers: {"type": "http.response.start", "status": status, "headers": headers},
    st.sampled_from([200, 202, 204, 304, 404, 503]),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=4),
)
lengths = st.sampled_from(BODIES).map(
    lambda body: [
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]},
        {"type": "http.response.body", "body": body, "more_body": False},
    ]
)
pieces = st.builds(
    lambda body, more: {"type": "http.response.body", "body": body, "more_body": more},
    st.sampled_from(BODIES),
    st.booleans(),
)
messages = lengths | st.builds(lambda start, rest: [start, *rest], starts, st.lists(pieces, max_size=3))
messages |= st.lists(starts | pieces | st.just({"type": "http.response.push"}), max_size=4)


class Kept(asyncio.Transport):
    """Keeps what is done to it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """Nothing comes."""

    def resume_reading(self) -> None:
        """Nothing comes."""


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    """An application that is never called."""


async def said(sent: list[dict[str, Any]], method: str, *, keep_alive: bool, ours: bool) -> tuple[Any, ...]:
    """What becomes of these messages: bytes, the connection, how often it was told that all is sent, a refusal."""
    config = uvicorn.Config(_nothing, ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    told: list[None] = []
    connection = HttpToolsProtocol(config, uvicorn.server.ServerState(), {})
    connection.server_state.default_headers = [(b"date", b"today")]
    connection.on_response_complete = lambda: told.append(None)  # type: ignore[method-assign]
    transport = Kept()
    connection.connection_made(transport)
    connection.scope = {"method": method}  # type: ignore[typeddict-item]
    cycle: RequestResponseCycle
    if ours:
        cycle = Exchange(connection, keep_alive=keep_alive)
    else:
        cycle = RequestResponseCycle(
            connection.scope,
            transport,
            connection.flow,
            connection.logger,
            connection.access_logger,
            False,
            connection.server_state.default_headers,
            asyncio.Event(),
            False,
            keep_alive,
            connection.on_response_complete,
        )
    refused = False
    for message in sent:
        try:
            await cycle.send(dict(message))  # type: ignore[arg-type]  # some of them are none
        except (
            RuntimeError,
            ValueError,
        ):  # with two faults, either
            refused = True
            break
    if refused:
        return refused, transport.written, transport.closed, len(told)
    return refused, transport.written, transport.closed, len(told), cycle.response_complete, cycle.keep_alive


@settings(deadline=None)
@given(sent=messages, method=st.sampled_from(["GET", "HEAD", "POST"]), keep_alive=st.booleans())
def test_an_answer_is_sent_as_uvicorn_sends_it(sent: list[dict[str, Any]], method: str, *, keep_alive: bool) -> None:
    async def both() -> tuple[Any, Any]:
        theirs = await said(sent, method, keep_alive=keep_alive, ours=False)
        return theirs, await said(sent, method, keep_alive=keep_alive, ours=True)

    theirs, ours = asyncio.run(both())
    assert ours == theirs


async def _wait_twice(signal: Signal) -> list[bool]:
    waiting = [asyncio.create_task(signal.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    before = [task.done() for task in waiting]
    signal.set()
    await asyncio.gather(*waiting)
    signal.clear()
    late = asyncio.create_task(signal.wait())
    await asyncio.sleep(0)
    before.append(late.done())
    signal.set()
    await late
    return [*before, signal.is_set()]


def test_who_waits_for_a_signal_is_let_go_when_it_is_set() -> None:
    assert asyncio.run(_wait_twice(Signal())) == [False, False, False, True]
