"""Never: let one client use up the server. Each attack on a real `laurels serve`, which is looked at from outside:
memory within 50 MB of idle, descriptors freed, logs bounded, `/healthz` answered meanwhile.
"""

import contextlib
import select
import time
import urllib.error
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path

import pytest
from tests.security.attacks import AttackedServer, answered, flood, hang_ups, pouring, request, served, until

from laurels.http.admission.limits import FAILURES_PER_MINUTE
from laurels.http.admission.tokens import sign_token

pytestmark = pytest.mark.slow

MOST_MB = 50
SHORT = (
    "connections.TAKEN_WITHIN_S = 3.0",
    "connections.HEAD_WITHIN_S = 3.0",
    "edge.TAKEN_WITHIN_S = 3.0",
    "edge.HEAD_WITHIN_S = 3.0",
    "server.LOOK_EVERY_S = 0.2",
    "limits.STREAMS_IN_ALL = 30",
)
MOST_LOG_BYTES = 30_000
FEW = 10
"""Descriptors that come and go without an attack: of files, and of the processes beside."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackedServer]:
    """One server for all attacks; it has answered before, so its memory is what it is when idle."""
    with served(tmp_path_factory.mktemp("served"), *SHORT, http_keep_alive_s="2") as server:
        for target in ("/healthz", "/openapi.json", "/docs", "/leaderboard/all-time", "/metrics"):
            flood(server, [request(target, f"Authorization: Bearer {server.token('ann')}", "Connection: close")] * 20)
        yield server


@pytest.fixture(autouse=True)
def unharmed(server: AttackedServer) -> Iterator[None]:
    """After each attack memory is what it was, but for 50 MB, and every descriptor is free again."""
    memory, descriptors = server.memory_mb(), server.descriptors()
    yield
    until(lambda: server.descriptors() <= descriptors + FEW)
    assert server.memory_mb() < memory + MOST_MB
    until(lambda: server.figure("laurels_connections") <= 1)
    server.health_s()  # it answers; `bench/attacks.py` shows how soon on a quiet machine


PIPELINES = {
    "open to all": request("/healthz"),
    "the hot read": request("/loyalty/ann", "Authorization: Bearer TOKEN"),
    "with the longest answer": request("/openapi.json"),
    "with bodies": request("/order/A1", "Content-Length: 2", method="POST", body="{}"),
    "with chunks": request("/order/A1", "Transfer-Encoding: chunked", method="POST", body="2\r\n{}\r\n0\r\n\r\n"),
    "not even answered": request("/leaderboard/all-time/live", "Authorization: Bearer TOKEN"),
    "upgrades": request("/healthz", "Connection: upgrade", "Upgrade: websocket"),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_pipelines_that_are_never_read(server: AttackedServer, name: str) -> None:
    one = PIPELINES[name].replace(b"TOKEN", server.token("ann").encode())
    memory, refused = server.memory_mb(), cut_off(server)
    with pouring(server, 50, one * 8000) as clients:
        assert server.memory_mb() < memory + MOST_MB
        server.health_s()
        if name != "not even answered":
            until(lambda: server.figure("laurels_connections") <= 1)
            assert all(is_cut_off(client) for client in clients)
            assert cut_off(server) > refused


def cut_off(server: AttackedServer) -> float:
    """How many were cut off since they do not read, or sent too many requests behind one."""
    return sum(server.figure("laurels_refused_total", reason=why) for why in ("not-read", "too-many-queued"))


ENDLESS = {
    "trailers": (b"2\r\n{}\r\n0\r\n", b"X-A: " + b"y" * 1000 + b"\r\n"),
    "one trailer": (b"2\r\n{}\r\n0\r\nX-A: ", b"y" * 1000),
    "a chunk's extension": (b"2;a=", b"y" * 1000),
    "a chunk's size": (b"", b"0" * 1000),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_is_between_chunks_and_behind_them_has_an_end(server: AttackedServer, name: str) -> None:
    begun, again = ENDLESS[name]
    head = request("/order/A1", "Transfer-Encoding: chunked", method="POST")
    memory = server.memory_mb()
    with pouring(server, 20, head + begun + again * 5000) as clients:
        assert server.memory_mb() < memory + MOST_MB
        assert all(is_cut_off(client) for client in clients)


def test_a_long_body_of_small_chunks_is_read(server: AttackedServer) -> None:
    """Whatever extends them; and a trailer is none of the headers."""
    token = f"Authorization: Bearer {server.token('eve')}"
    head = request("/order/A1", "Transfer-Encoding: chunked", token, "X-Request-Id: r1", method="POST")
    chunks = b"1\r\n{\r\n" + b"1;a=b\r\n \r\n" * 20_000 + b"1\r\n}\r\n0\r\nX-Request-Id: r2\r\n\r\n"
    with server.connect() as client:
        client.sendall(head + chunks)
        answer = client.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert b"x-request-id: r1\r\n" in answer


def withheld(token: str, target: str, size: int) -> bytes:
    """A request with all of its body but the last byte."""
    head = request(target, f"Authorization: Bearer {token}", f"Content-Length: {size}", method="POST")
    return head + b" " * (size - 1)


def test_large_bodies_that_never_end(server: AttackedServer) -> None:
    """A customer's are refused beyond a few; a service's are not read before there is room, and then they are."""
    with pouring(server, 20, withheld(server.token("fay"), "/order/A1", 1_000_000)) as clients:
        until(lambda: len(select.select(clients, [], [], 0)[0]) == 18)
        assert server.figure("laurels_body_bytes") == 2_000_000
    until(lambda: server.figure("laurels_body_bytes") == 0)
    memory, bulk = server.memory_mb(), 15_000_000
    token = sign_token(server.settings, subject="till", scope="orders:write", ttl_s=3600)
    with pouring(server, 8, withheld(token, "/orders", bulk)) as clients:
        assert server.figure("laurels_body_bytes") == 2 * bulk
        assert server.memory_mb() < memory + MOST_MB
        order = request("/order/A1", f"Authorization: Bearer {token}", "Content-Length: 2", method="POST", body="{}")
        assert flood(server, [order]) == [b"HTTP/1.1 422 Unprocessable Entity"], "a till does not wait"
        for client in clients:
            client.close()
    until(lambda: server.figure("laurels_body_bytes") == 0)


def is_cut_off(client: object) -> bool:
    """Whether a connection ends: with a reset, or after what was sent before."""
    client.settimeout(60)  # type: ignore[attr-defined]
    with contextlib.suppress(ConnectionError):
        while client.recv(1 << 20):  # type: ignore[attr-defined]
            pass
    return True


def test_pipelines_that_are_read_are_answered_whole_and_in_order(server: AttackedServer) -> None:
    """What is paused goes on: every request gets its answer, whatever lies between."""
    token = server.token("bob")
    one = [
        request("/loyalty/bob", f"Authorization: Bearer {token}", f"X-Request-Id: r{n}")
        if n % 3
        else request("/order/A1", f"X-Request-Id: r{n}", "Content-Length: 5000", method="POST", body="\r\n\r\n" * 1250)
        for n in range(300)
    ]
    with server.connect() as client:
        client.sendall(b"".join(one))
        answers = b""
        while answers.count(b"x-request-id: ") < len(one):
            received = client.recv(1 << 16)
            assert received, "closed too early"
            answers += received
    told = [int(piece.partition(b"\r\n")[0]) for piece in answers.split(b"x-request-id: r")[1:]]
    assert told == list(range(300))


def test_answers_that_are_never_read(server: AttackedServer) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(server.connect(little_room=True)) for _ in range(200)]
        for client in clients:
            client.sendall(request("/openapi.json"))
        until(lambda: server.figure("laurels_connections") <= 1)
        assert all(map(is_cut_off, clients))


@pytest.mark.parametrize("begun", [b"", b"GET / HT", request("/healthz")], ids=["silent", "half a head", "kept"])
def test_connections_on_which_nothing_comes(server: AttackedServer, begun: bytes) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(200)]
        for client in clients:
            client.sendall(begun)
        assert all(map(is_cut_off, clients))
        until(lambda: server.figure("laurels_connections") <= 1)


NOISE = {
    "not HTTP": b"\x16\x03\x01\x02",
    "a wrong head": b"GET / HTTP/1.1\r\nA b: c\r\n\r\n",
    "an upgrade": request("/healthz", "Connection: upgrade, close", "Upgrade: websocket"),
    "an upgrade of another kind": request("/healthz", "Connection: upgrade, close", "Upgrade: h2c"),
    "no host": b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
    "a large head": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000,
    "two lengths": request("/", "Content-Length: 1", "Content-Length: 2"),
    "a method of its own": request("/healthz", "Connection: close", method="BREW"),
}


@pytest.mark.parametrize("name", NOISE)
def test_noise_does_not_fill_the_logs(server: AttackedServer, name: str) -> None:
    before = len(server.logged())
    flood(server, [NOISE[name]] * 500)
    assert len(server.logged()) - before < MOST_LOG_BYTES


def test_a_client_that_hangs_up_is_no_fault(server: AttackedServer) -> None:
    before = server.logged()
    for _ in range(5):
        hang_ups(server, server.token("cyd"))
    until(lambda: server.figure("laurels_connections") <= 1)
    assert server.logged()[len(before) :] == ""


def test_streams_have_a_bound_over_all(server: AttackedServer) -> None:
    with ExitStack() as stack:
        told = []
        for n in range(40):
            client = stack.enter_context(server.connect())
            client.sendall(request("/leaderboard/all-time/live", f"Authorization: Bearer {server.token(f'm{n}')}"))
            told.append(int(client.recv(4096).split()[1]))
        assert told == [200] * 30 + [429] * 10
        assert server.figure("laurels_streams") == 30
    until(lambda: server.figure("laurels_streams") == 0)


def test_forged_tokens_of_8_kb_cost_little(server: AttackedServer) -> None:
    """Told to wait after a few; a token that was checked before gets in meanwhile. That most of them are not even
    looked at: `test_http_limits.py`.
    """
    good = request("/loyalty/dan", f"Authorization: Bearer {server.token('dan')}")
    assert flood(server, [good]) == [b"HTTP/1.1 200 OK"]
    head, _, signature = server.token("dan").split(".")
    began, told = time.monotonic(), []
    with server.connect() as client:
        for n in range(2000):
            forged = f"{head}.{'e' * 7900}{n:05}.{signature}"
            client.sendall(request("/loyalty/dan", f"Authorization: Bearer {forged}"))
            told.append(answered(client))
    assert {*told} == {401, 429}
    assert told.count(401) <= FAILURES_PER_MINUTE + (time.monotonic() - began) * FAILURES_PER_MINUTE / 60 + 1
    assert flood(server, [good]) == [b"HTTP/1.1 200 OK"]


def test_descriptors_that_run_out_are_said(tmp_path: Path) -> None:
    """Those that stand go on; who comes is refused; what happened is logged once, not each time; then all is well."""
    with served(tmp_path, *SHORT, descriptors=160, http_keep_alive_s="60") as server, server.connect() as standing:
        with ExitStack() as stack:
            clients = [stack.enter_context(server.connect()) for _ in range(300)]
            standing.sendall(request("/healthz"))
            assert standing.recv(4096).startswith(b"HTTP/1.1 200 OK")
            refused = 0
            for client in clients[-50:]:
                with contextlib.suppress(ConnectionError):
                    refused += client.recv(4096).startswith(b"HTTP/1.1 503")
            assert refused > 25
            assert server.logged().count("http.full") <= 30
            assert "LimitNOFILE" in server.logged()
            assert server.descriptors() < 160
        until(lambda: server.descriptors() < 100 and is_let_in(server))
        assert server.figure("laurels_refused_total", reason="busy") >= refused


def is_let_in(server: AttackedServer) -> bool:
    """Whether one more connection is taken: the last that went may not be noted yet."""
    with server.connect() as client:
        client.sendall(request("/healthz"))
        return client.recv(4096).startswith(b"HTTP/1.1 200")


def crowded(server: AttackedServer) -> float:
    """How many were refused since there was no room; 0 where there is none for who asks."""
    try:
        return server.figure("laurels_refused_total", reason="crowded")
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        return 0.0


def test_idle_connections_make_room(tmp_path: Path) -> None:
    with served(tmp_path, *SHORT, descriptors=160, http_keep_alive_s="3600") as server, ExitStack() as stack:
        began = time.monotonic()
        answered = 0
        while answered < 400:
            client = server.connect()
            with contextlib.suppress(ConnectionError):
                client.sendall(request("/healthz"))
                if client.recv(4096).startswith(b"HTTP/1.1 200"):
                    answered += 1
                    stack.enter_context(client)  # and stays
                else:
                    client.close()
            assert time.monotonic() - began < 600
        until(lambda: crowded(server) > 0)
