"""Orders that the edge has read are answered, also where Laurels itself is at fault or stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_lines import Connect, connect
from tests.integration.test_http_edge_orders import ORDER, Till, hold, open_till

from laurels.http import problems
from laurels.http.serving import orders

__all__ = ["connect"]

pytestmark = pytest.mark.anyio
pytest.importorskip("laurels_core", reason="the edge is part of the native core, which is built where there is a cargo")


@pytest.fixture
async def till(tmp_path: Path) -> AsyncIterator[Till]:
    async with AsyncExitStack() as stack:
        yield await open_till(stack, tmp_path)


@pytest.mark.parametrize("in_one_piece", [True, False])
async def test_what_is_whole_behind_an_order_is_answered_by_a_server_that_stops(
    tmp_path: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch, *, in_one_piece: bool
) -> None:
    """Whether the edge has read it, or it lies with the system."""
    async with AsyncExitStack() as stack:
        till = await open_till(stack, tmp_path)
        gate, line = hold(till, monkeypatch), await connect(till.shop)
        line.writer.write(till.post("/order/A0", ORDER) + (till.post("/order/A1", ORDER) if in_one_piece else b""))
        await gate.until_held(1)
        if not in_one_piece:
            line.writer.write(till.post("/order/A1", ORDER))
            await line.writer.drain()
        stopping = asyncio.create_task(stack.aclose())
        asyncio.get_running_loop().call_later(0.2, gate.open.set)
        assert (await line.answer()).startswith(b"HTTP/1.1 202 ")
        assert (await line.answer()).startswith(b"HTTP/1.1 202 ")
        assert await line.reader.read() == b""
        await stopping


@pytest.mark.parametrize(("breaks", "neighbours"), [("accepted", b"202"), ("_answered", b"500"), ("must_log", b"202")])
async def test_a_fault_in_answering_leaves_no_order_without_an_answer(
    till: Till, connect: Connect, monkeypatch: pytest.MonkeyPatch, breaks: str, neighbours: bytes
) -> None:
    """The order that it is about is told so; its neighbours get their own answers, where these can be made."""
    made, told = getattr(orders, breaks), []

    def broken(*arguments: Any) -> Any:
        if breaks == "must_log" or "A3" in repr(arguments):
            raise ZeroDivisionError
        return made(*arguments)

    monkeypatch.setattr(orders, breaks, broken)
    monkeypatch.setattr(problems, "log_fault", lambda *arguments: told.append(arguments))
    monkeypatch.setattr(orders, "log_fault", lambda *arguments: told.append(arguments))
    gate, lines = hold(till, monkeypatch), [await connect(till.shop) for _ in range(7)]
    for n, line in enumerate(lines):
        line.writer.write(till.post(f"/order/A{n}", ORDER))
    await gate.until_held(len(lines))
    gate.open.set()
    answers = [(await line.answer())[9:12] for line in lines]
    faulty = neighbours if breaks == "must_log" else b"500"
    assert answers[3] == faulty
    assert set(answers) - {faulty} <= {b"202", neighbours}
    if faulty != neighbours:
        assert answers.count(faulty) == 1
    assert told
