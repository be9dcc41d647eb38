"""The two roads to the API: whatever a page asks, Laurels is asked the same, in this process and at an address."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.settings import settings_with

from laurels.console.client import Api, ApiAway, ApiUncertain
from laurels.console.sign_in import Person
from laurels.console.transports import AppTransport, HttpTransport, Transport
from laurels.http import serve_pages

ANN = Person("ann", "Ann", ("lead",))
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
ASKED = st.tuples(
    st.sampled_from(("get", "post")),
    st.lists(WORDS.filter(lambda part: part not in {".", ".."}), min_size=1, max_size=3),
    st.dictionaries(WORDS, WORDS, max_size=2),
    st.none() | st.dictionaries(WORDS, WORDS | st.integers(-(2**53), 2**53), max_size=2),
)
SENT = (b"authorization", b"content-type", b"content-length")


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers what it was asked."""
    message = await receive()
    headers = dict(scope["headers"])
    heard = {
        "method": scope["method"],
        "path": scope["path"],
        "raw_path": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "headers": {name.decode(): headers[name].decode() for name in SENT if name in headers},
        "has_host": b"host" in headers,
        "body": message.get("body", b"").decode(),
    }
    kind = [(b"content-type", b"application/json"), (b"x-request-id", b"r1")]
    await send({"type": "http.response.start", "status": 200, "headers": kind})
    await send({"type": "http.response.body", "body": json.dumps(heard).encode(), "more_body": False})


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """The same at an address."""
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve_pages(settings_with(), echo, stop, port.set_result, host="127.0.0.1", port=0))
    try:
        yield f"http://127.0.0.1:{await port}"
    finally:
        stop.set()
        await serving


@settings(max_examples=10)  # each begins a server
@given(st.lists(ASKED, min_size=1, max_size=40))
def test_laurels_is_asked_the_same_on_both_roads(asked: list[Any]) -> None:
    async def ask(transport: Transport, one: Any) -> Any:
        how, parts, query, body = one
        path = "".join(f"/{quote(part, safe='')}" for part in parts)
        asking = Api(transport, lambda _: "token").for_page(ANN)
        if how == "get":
            return await asking._ask("GET", path, query, None, {})
        return await asking._ask("POST", path, query, body, {"Idempotency-Key": "k"})

    async def both() -> None:
        async with served() as address, HttpTransport(address, 10) as there, AppTransport(echo) as here:
            for one in asked:
                heard = await ask(here, one)
                assert heard == await ask(there, one)
                assert heard["raw_path"] == "".join(f"/{quote(part, safe='')}" for part in one[1])
                assert heard["query"] == urlencode(one[2], quote_via=quote)

    asyncio.run(both())


@pytest.mark.anyio
async def test_an_application_that_fails_has_answered_nothing() -> None:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("nobody foresaw this")

    asking = Api(AppTransport(fail), lambda _: "token").for_page(ANN)
    with pytest.raises(ApiAway):
        await asking.get("/members/ann")
    with pytest.raises(ApiUncertain):
        await asking.post("/members/ann/hide")
