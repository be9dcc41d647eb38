"""What the tests of the example shops share: a Laurels that can be killed and started again, and a road to it on which
answers can get lost.

Laurels trusts the shop's own key, as the examples tell their readers to set it up, and one of the test's.
"""

import http.client
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

PATIENCE_S = 60.0
Documents = Iterable[tuple[str, int, int]]
PrivateKey = Ed25519PrivateKey | RSAPrivateKey


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that another process brings about; fail when it does not come."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def points_of(orders: Documents) -> dict[str, int]:
    """The points of each member that follow from a shop's own books: (member, total, refunded), the money in pence.

    One point for every 10.00, half-up, of what is left of each order; members without points are left out.
    """
    points: Counter[str] = Counter()
    for member, total, refunded in orders:
        points[member] += (total - refunded + 500) // 1000
    return {member: count for member, count in points.items() if count}


def private_pem(key: PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public_pem(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class LiveLaurels:
    """`laurels serve` as a tree of processes over one state in `folder`, that may be killed and started again."""

    def __init__(self, folder: Path, shop_key: PrivateKey) -> None:
        own_key = Ed25519PrivateKey.generate()
        keys_file = folder / "signing-keys.pem"
        keys_file.write_text(_public_pem(shop_key) + _public_pem(own_key))
        self._state = folder / "laurels"
        self._environment = {
            **os.environ,
            "LAURELS_AUTH_MODE": "keys",
            "LAURELS_AUTH_KEYS_FILE": str(keys_file),
            "LAURELS_AUTH_ISSUER": "shop",
            "LAURELS_AUTH_AUDIENCE": "laurels",
        }
        claims = {"sub": "test", "laurels": "service", "scope": "orders:write members:read"}
        claims |= {"iss": "shop", "aud": "laurels"}
        self._token = jwt.encode({**claims, "exp": int(time.time()) + 600}, own_key, "EdDSA")
        self._process: subprocess.Popen[str] | None = None
        self.address: tuple[str, int] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "laurels", "serve", "--port", "0", "--state", str(self._state)]
        self._process = subprocess.Popen(command, env=self._environment, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        found = None
        while found is None:
            line = self._process.stderr.readline()
            assert line, "serve ended before it answered"
            found = re.search(r"answers at http://(\S+):(\d+)/", line)
        self.address = found[1], int(found[2])

    def kill(self) -> None:
        """Kill -9, as a power cut does to the process that answers. Its helpers notice and leave."""
        if self._process is not None and self._process.stderr is not None:
            self._process.kill()
            self._process.stderr.read()  # ends when the last of the tree has left
            self._process.stderr.close()
            self._process.wait()
        self._process = self.address = None

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        """The status and the content of an answer."""
        assert self.address is not None
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        headers = {"Authorization": f"Bearer {token or self._token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.load(answer)
        finally:
            connection.close()

    def points(self, members: Iterable[str]) -> dict[str, int]:
        """The balances of members; those without points are left out."""
        answers = {member: self.ask("GET", f"/loyalty/{quote(member, safe='')}/balance") for member in members}
        return {
            member: body["balance"] for member, (status, body) in answers.items() if status == 200 and body["balance"]
        }

    def entries(self, members: Iterable[str]) -> Counter[tuple[str, str]]:
        """How many entries there are of each kind for each order; a member has 100 at most."""
        found: Counter[tuple[str, str]] = Counter()
        for member in members:
            status, body = self.ask("GET", f"/loyalty/{member}/entries?limit=100")
            assert status == 404 or (status == 200 and body["next"] is None), body
            found.update((one["kind"], one["order_id"]) for one in body.get("entries", ()))
        return found


class Road:
    """Leads to a Laurels by one address that stays. While `laurels` is down, whoever comes is turned away.

    `before_answer` is called with each answer's path and status when Laurels has given it and the shop has not got it.
    """

    def __init__(self, laurels: LiveLaurels) -> None:
        road = self
        self.before_answer: Callable[[str, int], None] = lambda path, status: None
        self.answers: list[tuple[str, int]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                address = laurels.address
                if address is None:
                    self.close_connection = True
                    return
                status, headers, answer = _forward(address, self.path, self.headers, body)
                road.answers.append((self.path, status))
                road.before_answer(self.path, status)
                if laurels.address is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name in ("Content-Type", "Retry-After"):
                    if name in headers:
                        self.send_header(name, headers[name])
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments: object) -> None:
                """Keep the test's output clean."""

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """A shop that was killed does not read its answer."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _forward(address: tuple[str, int], path: str, headers: Message, body: bytes) -> tuple[int, Message, bytes]:
    connection = http.client.HTTPConnection(*address, timeout=60)
    kept = {name: headers[name] for name in ("Authorization", "Content-Type")}
    try:
        connection.request("POST", path, body, kept)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()
