"""What one `POST /order/{id}` costs inside the process, part by part, in microseconds of processor time.

    python bench/micro/accept_parts.py [--orders 4000] [--rounds 7]

Layer by layer, each with all below it, over a transport that is no socket: the connection with an application that
answers at once; the middleware around it; the whole route, whose intake answers at once; the same with its ledger (a
file of SQLite where TMPDIR is, with its commits). The layers take turns; the best round of each counts. Then single
parts of the route, called again and again. Orders have three lines; twenty connections ask at a time.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn

sys.path.insert(0, str(Path(__file__).parents[1] / "load"))
from servers import NoLedger

from laurels.http.admission.auth import open_auth
from laurels.http.admission.tokens import sign_token
from laurels.http.api.orders import Accepted, place_order
from laurels.http.app import create_application
from laurels.http.asgi import ASGIApp
from laurels.http.middleware import Middleware
from laurels.http.requests.bodies import expected_bytes
from laurels.http.routes import Headers, Response
from laurels.http.serving.capacity import Capacity
from laurels.http.serving.connections import Connection
from laurels.intake import Intake, OrderForm, decode
from laurels.runtime.process import run
from laurels.settings import HttpSettings, Settings
from laurels.wiring import build

AT_ONCE = 20
LINES = [{"sku": f"8512{n}A", "quantity": n + 1, "unit_price": f"{n + 2}.55"} for n in range(3)]
BODY = json.dumps({"member_id": "17850", "currency": "GBP", "lines": LINES, "email": "ann@example.com"}).encode()
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"37"),
]
ANSWER = b'{"order_id":"A1","status":"accepted"}'


async def bare(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - ASGI's arguments
    """Answer at once."""
    await send({"type": "http.response.start", "status": 202, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER, "more_body": False})


class NoSocket(asyncio.Transport):
    """A transport that keeps nothing, and calls when an answer is written."""

    def __init__(self, answered: Callable[["NoSocket"], None]) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self._answered = answered
        self.protocol: Any = None

    def write(self, data: Any) -> None:
        """An answer's end is in the same write as its beginning, or follows it."""
        if b"}" in bytes(data):
            asyncio.get_running_loop().call_soon(self._answered, self)

    def is_closing(self) -> bool:
        """It is not."""
        return False

    def get_write_buffer_size(self) -> int:
        """All is taken."""
        return 0

    def pause_reading(self) -> None:
        """Nothing comes by itself."""

    def resume_reading(self) -> None:
        """Nothing comes by itself."""

    def close(self) -> None:
        """There is nothing to close."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""


class Load:
    """Twenty connections to one application."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        config = uvicorn.Config(
            app, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False, proxy_headers=False
        )
        config.load()
        state = uvicorn.server.ServerState()
        self._token = token
        self._left = 0
        self._numbers: Iterator[int] = iter(())
        self._done = asyncio.Event()
        self._lines = [NoSocket(self._ask) for _ in range(AT_ONCE)]
        for line in self._lines:
            line.protocol = Connection(Capacity(), config=config, server_state=state, app_state={})
            line.protocol.connection_made(line)

    async def round(self, first: int, orders: int) -> float:
        """Microseconds of processor time for each of so many orders, numbered from `first`."""
        self._numbers = iter(range(first, first + orders))
        self._left = orders
        self._done.clear()
        began = time.process_time()
        for line in self._lines:
            self._send(line)
        await self._done.wait()
        return (time.process_time() - began) / orders * 1e6

    def close(self) -> None:
        """Let go of the connections."""
        for line in self._lines:
            line.protocol.connection_lost(None)

    def _ask(self, line: NoSocket) -> None:
        self._left -= 1
        if self._left == 0:
            self._done.set()
        self._send(line)

    def _send(self, line: NoSocket) -> None:
        number = next(self._numbers, None)
        if number is None:
            return
        head = (
            f"POST /order/A{number} HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
        )
        line.protocol.data_received(head.encode() + BODY)


async def layers(state: Path, orders: int, rounds: int) -> None:
    """Print what each layer costs with all below it, and the parts of the route."""
    settings = Settings(state=state, http=HttpSettings(port=0, edge="off"))
    token = sign_token(settings, subject="till", scope="orders:write", ttl_s=86_400)
    async with build(settings) as services:
        await services.projector.catch_up()
        auth = open_auth(settings, services.now)
        no_ledger = create_application(replace(services, intake=Intake(NoLedger())), auth)  # type: ignore[arg-type]
        loads = {
            "connection": Load(bare, token),
            "middleware": Load(Middleware(bare), token),
            "route": Load(no_ledger.asgi, token),
            "ledger": Load(create_application(services, auth).asgi, token),
        }
        best = dict.fromkeys(loads, float("inf"))
        for turn in range(rounds + 1):
            for name, load in loads.items():
                took = await load.round(turn * orders, orders)
                if turn:
                    best[name] = min(best[name], took)
        below = 0.0
        for name, took in best.items():
            print(f"{name:<12} {took:7.1f} us, of its own {took - below:6.1f}")
            below = took
        for name, part in _parts(no_ledger, token).items():
            print(f"  {name:<22} {_each(part):6.2f} us")
        for load in loads.values():
            load.close()


def _parts(app: Any, token: str) -> dict[str, Callable[[], object]]:
    """Parts of the route, to be called again and again."""
    headers = Headers(
        [
            (b"host", b"shop.example"),
            (b"authorization", f"Bearer {token}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(BODY)).encode()),
        ]
    )
    dispatcher = app.dispatcher
    form = decode(OrderForm, BODY)
    order = form.order("A1", dispatcher.services.now())
    meter = dispatcher.meters["POST", "/order/{order_id}"]
    scope = {"headers": headers.pairs, "state": {}, "client": ("127.0.0.1", 1)}

    def admit() -> None:
        try:
            dispatcher.admission.caller(scope).send(None)
        except StopIteration:
            return

    return {
        "router": lambda: dispatcher._router.find("/order/A1"),
        "admission": admit,
        "what of a body to read": lambda: expected_bytes(place_order, headers),
        "decode": lambda: decode(OrderForm, BODY),
        "check": lambda: form.order("A1", dispatcher.services.now()),
        "warnings": form.warnings,
        "document": lambda: order.document(BODY, "till"),
        "answer": lambda: Response(202, Accepted("A1", "accepted")).encoded,  # type: ignore[arg-type]
        "count and time": lambda: meter.count(202, 0.001),
    }


def _each(part: Callable[[], object], times: int = 5000) -> float:
    best = float("inf")
    for _ in range(7):
        began = time.process_time()
        for _ in range(times):
            part()
        best = min(best, time.process_time() - began)
    return best / times * 1e6


def main() -> None:
    """Measure in a folder that goes afterwards."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="laurels-bench-") as folder:
        run(layers(Path(folder), arguments.orders, arguments.rounds))


if __name__ == "__main__":
    main()
