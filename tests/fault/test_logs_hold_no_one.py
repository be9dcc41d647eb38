"""Logs hold no member's id, no address and no token, whatever goes well, is refused, or crashes."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from tests.ending import end
from tests.ports import free_port

from laurels.http.admission.tokens import sign_token
from laurels.settings import load

MEMBER, EMAIL, ORDER, CARD = "member-Xq7", "mail-Xq7@example.com", "order-Xq7", "4111111111111111"
TELLTALE = "Xq7"
PATIENCE_S = 60.0

CRASHING = """
import asyncio, sys
from laurels import cli
from laurels.awarding import Awarder
from laurels.dashboard import Dashboards
from laurels.http.api import orders
from laurels.http.serving import connections
from laurels.intake import Intake

class Spiteful(Exception):
    pass

def crash(*arguments, **more):
    what = arguments[1:], more, "member-Xq7"
    def never_awaited():
        raise Spiteful(what)
    loop = asyncio.get_running_loop()
    loop.call_soon(never_awaited)
    loop.create_task(fail(what))
    raise Spiteful(what) from KeyError(what)

async def fail(what):
    raise Spiteful(what)

{patch}
sys.argv = ["laurels", *sys.argv[1:]]
cli.main()
"""
"""`laurels` with a fault in one of its rooms: its error tells all that it was given."""


class Serving:
    """A running `laurels serve`, whose streams go to a file."""

    def __init__(self, folder: Path, patch: str) -> None:
        self.state = folder / "state"
        self.log = folder / "log"
        self.port = free_port()
        with self.log.open("wb") as log:
            command = [sys.executable, "-c", CRASHING.format(patch=patch), "serve", "--only", "http"]
            options = ["--port", str(self.port), "--state", str(self.state)]
            self.process = subprocess.Popen([*command, *options], stdout=log, stderr=log)
        self.until_logged("answers at")
        settings = load({"state": self.state}, environment={})
        self.member = sign_token(settings, subject=MEMBER, scope=None, ttl_s=600)
        scopes = "orders:write members:read members:write points:adjust points:redeem"
        self.service = sign_token(settings, subject="till", scope=scopes, ttl_s=600)

    def logged(self) -> str:
        return self.log.read_text()

    def until_logged(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.logged():
            assert time.monotonic() < deadline, f"{text} was not logged:\n{self.logged()}"
            time.sleep(0.02)

    def ask_everything(self) -> None:
        """As a shop, as a member and as somebody else: right, wrong, and not HTTP at all."""
        order = {"member_id": MEMBER, "currency": "GBP", "total": "25.00", "email": EMAIL}
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60) as client:
            for token in (self.service, self.member, self.member + TELLTALE, None):
                headers = {} if token is None else {"Authorization": f"Bearer {token}"}
                for body in (order, {**order, "total": "1.00"}, {**order, "total": EMAIL}, [order]):
                    client.post(f"/order/{ORDER}", json=body, headers=headers)
                client.post("/orders", json=[{**order, "order_id": ORDER}, {"order_id": EMAIL}], headers=headers)
                client.post("/members", json=[{"member_id": MEMBER, "email": EMAIL}], headers=headers)
                refund = {"refund_id": ORDER, "member_id": MEMBER, "currency": "GBP", "amount": "1.00"}
                client.post(f"/order/{ORDER}/refund", json=refund, headers=headers)
                client.post(f"/loyalty/{MEMBER}", json={"loyalty-points": 1, "reason": CARD}, headers=headers)
                client.post(
                    f"/loyalty/{MEMBER}/redeem", json={"redemption_id": ORDER, "points": 10**6}, headers=headers
                )
                for path in (f"/loyalty/{MEMBER}", f"/order/{ORDER}", f"/loyalty/{EMAIL}", "/leaderboard/all-time"):
                    client.get(path, params={"board": TELLTALE}, headers=headers)
                    client.get(path, headers=headers)
                client.get(f"/{MEMBER}/{EMAIL}?token={token}", headers=headers)
                client.request("PUT", f"/loyalty/{MEMBER}", headers=headers)
                client.post(f"/members/{MEMBER}/rename", headers=headers)
                client.delete(f"/members/{MEMBER}", headers=headers)
        for nonsense in (f"{EMAIL}\r\n\r\n", f"GET /{MEMBER} HTTP/9\r\n\r\n", f"GET / HTTP/1.1\r\n{EMAIL}\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", self.port), 60) as connection:
                connection.sendall(nonsense.encode())
                with contextlib.suppress(ConnectionError):
                    assert connection.recv(100).startswith(b"HTTP/1.1 400")
        upgrade = f"GET /loyalty/{MEMBER} HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: {EMAIL}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), 60) as connection:
            connection.sendall(upgrade.encode())
            connection.recv(100)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        end(self.process, number)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name could not be taken for what must not be told."""
    assert TELLTALE not in str(tmp_path)
    return tmp_path


def check(logged: str, serving: Serving) -> None:
    for secret in (TELLTALE, CARD, serving.member, serving.service, serving.member.split(".")[1]):
        assert secret not in logged, logged


@pytest.mark.parametrize(
    ("patch", "crashes"),
    [
        ("", False),
        ("Dashboards.member = Dashboards.board = crash", True),
        ("Intake.accept = Intake.accept_all = crash", True),
        ("connections.Connection.on_message_complete = crash", False),
    ],
    ids=["nothing fails", "reads fail", "writes fail", "the connection fails"],
)
def test_a_served_shop(folder: Path, patch: str, crashes: bool) -> None:
    serving = Serving(folder, patch)
    try:
        with contextlib.suppress(httpx.HTTPError) if "Connection" in patch else contextlib.nullcontext():
            serving.ask_everything()
    finally:
        serving.end()
    logged = serving.logged()
    check(logged, serving)
    assert ("Spiteful" in logged) == bool(patch), "what failed is told by its kind"
    if crashes:
        assert '"route": "' in logged
        assert '"status": 500' in logged
        assert "asyncio.fault" in logged
    for line in logged.splitlines():
        if line.startswith("{"):
            json.loads(line)


def test_a_worker_that_crashes(folder: Path) -> None:
    serving = Serving(folder, "")
    try:
        serving.ask_everything()
    finally:
        serving.end(signal.SIGKILL)
    command = [
        sys.executable,
        "-c",
        CRASHING.format(patch="Awarder.step = crash"),
        "work",
        "--state",
        str(serving.state),
    ]
    done = subprocess.run([*command, "--once"], capture_output=True, text=True, timeout=200, check=False)
    check(done.stdout + done.stderr, serving)
    assert done.returncode == 1
    assert "A fault in Laurels" in done.stderr
    assert "Spiteful" in done.stderr
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as staying:  # which tries again
        assert staying.stderr is not None
        logged = ""
        while logged.count('"role.failed"') < 2:
            logged += staying.stderr.readline()
        staying.terminate()
        logged += staying.stderr.read()
    check(logged, serving)
    assert staying.returncode == 0
    assert "Spiteful" in logged
