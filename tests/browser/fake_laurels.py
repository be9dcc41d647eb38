"""A fake server, for what a real one cannot be put into on demand: answers that are late, lost or wrong.

It serves the element's own files beside it, and counts what it was asked. Everything else is tested on `laurels serve`.
"""

import json
import queue
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import laurels

WEB = Path(laurels.__file__).parent / "web"
TYPES = {".js": "text/javascript", ".html": "text/html; charset=utf-8", ".css": "text/css"}
STRICT = "default-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
PAGE = """<!doctype html><html lang="en-GB"><meta charset="utf-8"><title>A shop</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="/favicon.ico">
<script type="module" src="{home}/elements/laurels-dashboard.js"></script>
<body><main><h1>My points</h1></main></body></html>"""
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, If-None-Match",
    "Access-Control-Expose-Headers": "ETag, Retry-After",
}

Answer = dict[str, Any]


class FakeLaurels:
    """What is answered to whom; `show` changes it, and the streams hear of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.has_live = True
        self.refusals: list[tuple[int, dict[str, str]]] = []
        self.live_refusals: list[int] = []
        self.seen: list[str | None] = []
        self.tokens: set[str] | None = None
        self.gate = threading.Event()
        self.gate.set()
        self._answers: dict[str, Answer] = {}
        self._streams: dict[str, list[queue.Queue[bytes | None]]] = {}
        self._lock = threading.Lock()

    def show(self, answer: Answer, member: str = "ann", *, lose: bool = False) -> None:
        """Answer this from now on, and say so to every stream, unless the message is to be lost."""
        with self._lock:
            self._answers[member] = answer
        if not lose:
            self.say(b"data: " + json.dumps(answer).encode() + b"\n\n", member)

    def say(self, event: bytes | None, member: str = "ann") -> None:
        """Put raw bytes on the open streams; None ends them."""
        with self._lock:
            for stream in self._streams.get(member, []):
                stream.put(event)

    def forget(self, member: str) -> None:
        """Answer 404 from now on."""
        del self._answers[member]

    def refuse(self, status: int, times: int = 1, headers: dict[str, str] | None = None) -> None:
        """Answer the next requests with this status."""
        self.refusals += [(status, headers or {})] * times

    @contextmanager
    def holding(self) -> Generator[None]:
        """Let answers wait until the block ends."""
        self.gate.clear()
        try:
            yield
        finally:
            self.gate.set()

    def streams(self, member: str = "ann") -> int:
        """How many streams are open."""
        return len(self._streams.get(member, []))

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(asked == path for asked, _ in self.asked)

    def answer(self, member: str) -> Answer | None:
        return self._answers.get(member)

    @contextmanager
    def stream(self, member: str) -> Generator[queue.Queue[bytes | None]]:
        events: queue.Queue[bytes | None] = queue.Queue()
        with self._lock:
            self._streams.setdefault(member, []).append(events)
            events.put(b"data: " + json.dumps(self._answers[member]).encode() + b"\n\n")
        try:
            yield events
        finally:
            with self._lock:
                self._streams[member].remove(events)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeLaurels

    def do_OPTIONS(self) -> None:
        self._send(204, b"", CORS)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        kind, _, rest = path.strip("/").partition("/")
        if kind == "shop":
            page = PAGE.format(home=rest and f"http://{unquote(rest)}").encode()
            self._send(
                200, page, {"Content-Type": TYPES[".html"], **({} if rest else {"Content-Security-Policy": STRICT})}
            )
        elif kind in {"loyalty", "leaderboard"}:
            self._wire(*rest.partition("/")[::2])
        else:
            self._file(path)

    def _file(self, path: str) -> None:
        file = (WEB / path.lstrip("/")).resolve()
        if not (file.is_relative_to(WEB) and file.is_file()):
            self._send(404, b"", {})
            return
        self._send(200, file.read_bytes(), {"Content-Type": TYPES[file.suffix], "Cache-Control": "no-store", **CORS})

    def _wire(self, member: str, call: str) -> None:
        member, fake = unquote(member), self.fake
        parts = urlsplit(self.path)
        fake.asked.append((parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        fake.gate.wait(120)
        if call == "live":
            fake.seen.append(self.headers.get("Last-Event-ID"))
        if fake.live_refusals and call == "live":
            self._problem(fake.live_refusals.pop(0))
        elif fake.refusals and call != "live":
            status, headers = fake.refusals.pop(0)
            self._problem(status, headers)
        elif fake.tokens is not None and token not in fake.tokens:
            self._problem(401)
        elif (answer := fake.answer(member)) is None or (call == "live" and not fake.has_live):
            self._problem(404)
        elif call == "live":
            self._stream(member)
        else:
            body = json.dumps(answer).encode()
            tag = f'"{hash(body)}"'
            if self.headers.get("If-None-Match") == tag:
                self._send(304, b"", {"ETag": tag, **CORS})
            else:
                self._send(200, body, {"ETag": tag, "Content-Type": "application/json", **CORS})

    def _stream(self, member: str) -> None:
        self.close_connection = True
        self.send_response(200)
        for name, value in {"Content-Type": "text/event-stream", "Connection": "close", **CORS}.items():
            self.send_header(name, value)
        self.end_headers()
        with self.fake.stream(member) as events:
            try:
                while (event := events.get(timeout=60)) is not None:
                    self.wfile.write(event)
                    self.wfile.flush()
            except (OSError, queue.Empty):
                return

    def _problem(self, status: int, headers: dict[str, str] | None = None) -> None:
        body = json.dumps({"type": "about:blank", "title": f"Problem {status}", "status": status}).encode()
        self._send(status, body, {"Content-Type": "application/problem+json", **CORS, **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so it is called there
        """Say nothing."""


@contextmanager
def fake_laurels(port: int = 0) -> Generator[FakeLaurels]:
    """A fake on a free port of this machine."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    fake = FakeLaurels(f"http://127.0.0.1:{server.server_address[1]}")
    handler.fake = fake  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        fake.gate.set()
        for member in list(fake._streams):
            fake.say(None, member)
        server.shutdown()
        server.server_close()
        thread.join()
