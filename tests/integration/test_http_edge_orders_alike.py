"""An order gets the same answer, byte for byte, whether the edge reads it or Python alone: generated orders to two
shops, of which one has no edge.
"""

import json
import random
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_lines import Connect, Line, connect
from tests.integration.test_http_edge import Seen, seen
from tests.integration.test_http_edge_orders import ORDER, open_till

from laurels.errors import LedgerUnavailable

__all__ = ["connect", "seen"]

pytestmark = pytest.mark.anyio
pytest.importorskip("laurels_core", reason="the edge is part of the native core, which is built where there is a cargo")


def made_up(rng: random.Random, n: int) -> tuple[str, bytes, int, dict[str, str]]:
    """A target, a body, which token, and headers: most of them plain, some wrong or for Python in one way."""
    of_order = rng.choice((n, n, n, n - min(n, rng.randrange(8))))
    target = rng.choice(
        (f"/order/A{of_order}",) * 12
        + (f"/order/%41{of_order}", f"/order/A%2F{of_order}", "/order/%zz", "/order/" + "a" * 256, "/order/A1?x=1")
        + ("/order/A1?", "/order/A1/", "//order/A1", "/order/A\u00e9", "/order/" + "a" * 2100, "/order/A1/refund", "/o")
    )
    fields: dict[str, Callable[[], Any]] = {
        "total": lambda: rng.choice(("11.00", "12.00", "10.001", "-1", 5, "", "9" * 30)),
        "currency": lambda: rng.choice(("GBP", "EUR", "XXX", "", None)),
        "member_id": lambda: rng.choice(("m2", "", "Zo\u00eb", "a" * 256, 1)),
        "email": lambda: rng.choice(("ann@example.com", "4111111111111111", " a@b.example ")),
        "occurred_at": lambda: rng.choice(("2026-11-01T10:00:00Z", "2026-11-01", "2999-01-01T00:00:00Z", "x")),
        "source": lambda: rng.choice(("shop", "b1", "laurels", "")),
        "lines": lambda: rng.choice(([], [{"quantity": 1, "unit_price": "10.00"}], [{"quantity": "x"}], "x")),
        "store": lambda: rng.choice(("Leeds 4", "4111 1111 1111 1111", "\n")),
        "unknown": lambda: 1,
    }
    order = ORDER | {name: fields[name]() for name in rng.sample([*fields], rng.choice((0, 0, 1, 1, 1, 2)))}
    body = json.dumps(order, ensure_ascii=rng.random() < 0.5).encode()
    if rng.random() < 0.15:
        body = rng.choice(
            (
                *(b"", b" ", b"{", b"[]", b"null", b"\xff", b"\xef\xbb\xbf" + body, body + b" ", body + b"x"),
                *(b'{"total":"1","total":"2"}', b"[" * 5000, body[:-1] + b',"total":"10.00"}', b" " * 70_000 + body),
            )
        )
    headers = {
        "Content_Type": rng.choice(("", "application/json; charset=utf-8", "APPLICATION/json", "text/plain", "a;b")),
        "Content_Encoding": rng.choice(("identity", "gzip")),
        "Origin": rng.choice(("null", "https://shop.example")),
        "X_Request_Id": rng.choice(("r2", "a" * 128, "a/b=c+d")),
        "Accept": rng.choice(("*/*", "caf\u00e9", " x", "x ")),
        "Connection": rng.choice(("keep-alive", "Keep-Alive")),
        "Host": rng.choice(("a.b:80", "a b", "[::1]")),
        "Authorization": rng.choice(("Bearer x", "")),
        "Expect": "100-continue",
        "Cookie": "a" * rng.choice((31_000, 33_000, 60_000)),
    }
    some = rng.sample([*headers], rng.choice((0, 0, 0, 1, 1, 2)))
    return target, body, rng.choice((0, 0, 0, 0, 0, 0, 1, 2)), {name: headers[name] for name in some}


@pytest.mark.parametrize("shared", [(), ("*",), ("https://shop.example", "https://other.example")])
async def test_the_same_answers_byte_for_byte(
    tmp_path: Path, connect: Connect, seen: Seen, shared: tuple[str, ...], rng: random.Random
) -> None:
    """The same requests to two shops, one of which has no edge."""
    statuses: set[bytes] = set()
    by_edge = 0
    async with AsyncExitStack() as stack:
        python = await open_till(stack, tmp_path / "python", http_edge="off", http_cors_origins=shared)
        edge = await open_till(stack, tmp_path / "edge", http_cors_origins=shared)
        used: list[tuple[str, bytes, int, dict[str, str]]] = [
            ("/order/used", json.dumps(ORDER | {"total": total}).encode(), 0, {}) for total in ("1.00", "1.00", "2.00")
        ] + [("/order/plain", json.dumps(ORDER).encode(), 0, {"Content_Type": "text/plain"})]
        for target, body, token, headers in used + [made_up(rng, n) for n in range(400)]:
            answers, handed = [], 0
            for till in (python, edge):
                handed, line = seen.handed, await connect(till.shop)
                line.writer.write(till.post(target, body, (till.orders, till.reads, till.person)[token], **headers))
                answers.append(await the_answer(line))
                line.writer.close()
            assert answers[1] == answers[0], (target, body, headers)
            statuses.add(answers[0][9:12])
            by_edge += seen.handed == handed
    assert {b"202", b"200", b"409", b"422", b"403", b"415", b"401", b"431"} <= statuses, statuses
    assert by_edge > 100, "else little was compared"


async def the_answer(line: Line) -> bytes:
    """The next answer, behind any that says to go on; ids that were made up are left out."""
    answer = await line.answer()
    while answer.startswith(b"HTTP/1.1 100 "):
        answer = await line.answer()
    return re.sub(rb"x-request-id: [0-9a-f]{32}\r", b"x-request-id: -\r", answer)


async def test_a_ledger_that_is_away_is_told_alike(
    tmp_path: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what nobody foresaw, too."""
    async with AsyncExitStack() as stack:
        tills = [await open_till(stack, tmp_path / edge, http_edge=edge) for edge in ("off", "auto")]
        for error, status in ((LedgerUnavailable(), b"503"), (KeyError("not to be told"), b"500")):
            answers = []
            for till in tills:
                monkeypatch.setattr(till.shop.services.intake._ledger, "accept", raising(error))
                answers.append(await (await connect(till.shop)).ask(till.post("/order/A1", ORDER)))
            assert answers[0] == answers[1]
            assert answers[0][9:12] == status
            assert (b"\r\nretry-after: 1\r\n" in answers[1]) == (status == b"503")


def raising(error: Exception) -> Callable[..., Any]:
    async def accept(_: Any) -> None:
        raise error

    return accept
