"""Sending an answer as ASGI has it: a whole body, or events as they come."""

import asyncio
from contextlib import aclosing
from functools import cache
from http import HTTPStatus

from laurels.http.admission.cors import Pairs
from laurels.http.asgi import Receive, Send
from laurels.http.routes import Events, Response

NOT_KEPT = (b"cache-control", b"no-store")
"""For every answer that does not say how it may be kept."""

_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


async def send_response(response: Response, receive: Receive, send: Send) -> None:
    """Send an answer. One of events ends with the events, when the client goes away, or with what makes them stop."""
    is_whole = not isinstance(response.body, Events)
    body = response.encoded if is_whole else b""
    headers = headers_of(response)
    if is_whole and response.status not in _WITHOUT_BODY:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if is_whole:
        await send({"type": "http.response.body", "body": body, "more_body": False})
        return
    with response.body.counted:
        await _send_frames(response.body, receive, send)


def headers_of(response: Response) -> Pairs:
    """The headers of an answer, but for its length and what every answer carries."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    if "Cache-Control" not in response.headers:
        headers.append(NOT_KEPT)
    if response.status not in _WITHOUT_BODY:
        headers.append((b"content-type", _content_type(response.media_type)))
    return headers


@cache  # of the few that the routes declare
def _content_type(media_type: str) -> bytes:
    is_text = media_type.startswith("text/") and "charset" not in media_type
    return f"{media_type}; charset=utf-8".encode("ascii") if is_text else media_type.encode("ascii")


async def _send_frames(events: Events, receive: Receive, send: Send) -> None:
    """Send frames until there is a reason to stop; then end the body, unless the client has stopped reading."""
    gone = asyncio.create_task(_client_gone(receive))
    sending = False
    try:
        async with events.live.listening(events.until) as stop, aclosing(events.frames) as frames:
            gone.add_done_callback(lambda _: stop())
            async for frame in frames:
                sending = True
                await send({"type": "http.response.body", "body": frame, "more_body": True})
                sending = False
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        if not sending:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        gone.cancel()


async def _client_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
