"""A receiver of webhooks for tests: checks signatures as a shop's would, and can be slow, broken or gone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from standardwebhooks import Webhook

Behave = Callable[[int], int]
"""Given how many requests came before, the status to answer with; 0: cut the connection."""


class Receiver:
    """What came in. `events` are those that were signed and taken, in order; `unsigned` were not signed rightly."""

    def __init__(self) -> None:
        self.secret = ""
        self.behave: Behave = lambda _: 204
        self.headers: dict[str, str] = {}
        """What else is answered."""
        self.events: list[dict[str, Any]] = []
        self.unsigned: list[bytes] = []
        self.requests = 0
        self.url = ""
        self._lock = threading.Lock()

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        """Judge one request; the status to answer with."""
        with self._lock:
            before, self.requests = self.requests, self.requests + 1
        status = self.behave(before)
        try:
            Webhook(self.secret).verify(body, headers)
        except Exception:  # noqa: BLE001 - whatever is wrong with it
            self.unsigned.append(body)
            return 400
        if status and status < 300:
            with self._lock:
                self.events.append(msgspec.json.decode(body)["data"])
        return status


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver at a loopback port, for the length of a block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:  # the sender was killed meanwhile: nothing was sent
                self.close_connection = True
                return
            status = receiver.take(body, {name.lower(): value for name, value in self.headers.items()})
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            if status in {301, 302, 307, 308}:
                self.send_header("location", f"{receiver.url}/elsewhere")
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
