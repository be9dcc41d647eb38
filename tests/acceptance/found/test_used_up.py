"""What one client or one fault could use up: memory, descriptors, logs, the ledger, everybody's answers.

These are short forms, on one `laurels serve` that real clients reach. In full: `tests/security/test_one_client.py`
(memory and descriptors under each attack), `tests/fault/test_roles_apart.py` (an error in each role's loop),
`tests/integration/test_http_limits.py` (every quota), and `bench/attacks.py` (`/healthz` meanwhile, a quiet machine).
"""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from tests.security.attacks import AttackedServer, flood, hang_ups, pouring, request, served, until

from laurels.http.admission import limits
from laurels.http.admission.limits import APPEARANCES_PER_DAY, CHECKS_PER_MINUTE, Limits
from laurels.http.admission.tokens import sign_token

SHORT = (
    "connections.TAKEN_WITHIN_S = 1.0",
    "connections.HEAD_WITHIN_S = 1.0",
    "edge.TAKEN_WITHIN_S = 1.0",
    "edge.HEAD_WITHIN_S = 1.0",
    "server.LOOK_EVERY_S = 0.1",
    "limits.STREAMS_IN_ALL = 5",
)
FEW = 10
"""Descriptors that come and go by themselves."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackedServer]:
    with served(tmp_path_factory.mktemp("used-up"), *SHORT, http_keep_alive_s="1") as server:
        flood(server, [request("/loyalty/ann", bearer(server, "ann"), "Connection: close")] * 2)
        yield server


@pytest.fixture(autouse=True)
def unharmed(server: AttackedServer) -> Iterator[None]:
    """Memory within 50 MB, descriptors free again, and it answers."""
    memory, descriptors = server.memory_mb(), server.descriptors()
    yield
    until(lambda: server.descriptors() <= descriptors + FEW)
    assert server.memory_mb() < memory + 50
    server.health_s()


def bearer(server: AttackedServer, member: str) -> str:
    return f"Authorization: Bearer {server.token(member)}"


def test_eight_thousand_requests_and_no_answer_read(server: AttackedServer) -> None:
    memory = server.memory_mb()
    with pouring(server, 5, request("/loyalty/ann", bearer(server, "ann")) * 8000):
        assert server.memory_mb() < memory + 50
        server.health_s()
        until(lambda: server.figure("laurels_connections") <= 1)


def test_answers_that_nobody_reads_and_connections_on_which_nothing_comes(server: AttackedServer) -> None:
    """Cut off, each after its time, with their descriptors."""
    before = server.descriptors()
    with ExitStack() as stack:
        for begun in (request("/openapi.json"), b"", b"GET / HT", request("/healthz")) * 10:
            stack.enter_context(server.connect(little_room=True)).sendall(begun)
        until(lambda: server.figure("laurels_connections") <= 1)
        assert server.descriptors() <= before + FEW


# That descriptors which run out are refused and said, with LimitNOFILE: test_one_client.py::test_descriptors_that_…


def test_noise_and_upgrades_are_hardly_logged_and_hanging_up_is_no_fault(server: AttackedServer) -> None:
    before = len(server.logged())
    upgrade = request("/healthz", "Connection: upgrade, close", "Upgrade: websocket")
    flood(server, [b"\x16\x03\x01\x02", b"GET / HTTP/1.1\r\nA b: c\r\n\r\n", upgrade] * 100)
    assert len(server.logged()) - before < 10_000
    before = len(server.logged())
    hang_ups(server, server.token("cyd"))
    until(lambda: server.figure("laurels_connections") <= 1)
    assert server.logged()[before:] == ""


def test_streams_have_a_bound_over_all(server: AttackedServer) -> None:
    with ExitStack() as stack:
        told = []
        for n in range(7):
            client = stack.enter_context(server.connect())
            client.sendall(request("/leaderboard/all-time/live", bearer(server, f"m{n}")))
            told.append(int(client.recv(4096).split()[1]))
        assert told == [200] * 5 + [429] * 2
    until(lambda: server.figure("laurels_streams") == 0)


def test_hiding_has_a_quota_of_its_own_and_writes_nothing_where_nothing_changes(server: AttackedServer) -> None:
    service = sign_token(server.settings, subject="till", scope="members:write status:read", ttl_s=600)
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:

        def ask(method: str, path: str, token: str) -> httpx.Response:
            return client.request(method, path, headers={"Authorization": f"Bearer {token}"})

        def head() -> str:
            return str(ask("GET", "/readyz", service).json()["heads"])

        assert ask("POST", "/members/eve/hide", service).status_code == 404, "nobody yet"
        enrolled = client.post("/members", headers={"Authorization": f"Bearer {service}"}, json=[{"member_id": "eve"}])
        assert enrolled.status_code == 200, enrolled.text
        assert ask("POST", "/members/eve/hide", service).status_code == 200
        before = head()
        for _ in range(5):
            assert ask("POST", "/members/eve/hide", service).status_code == 200
        assert head() == before
        told = [
            ask("POST", f"/members/eve/{('show', 'hide')[n % 2]}", server.token("eve")).status_code
            for n in range(APPEARANCES_PER_DAY + 2)
        ]
        assert told == [200] * APPEARANCES_PER_DAY + [429] * 2


def test_a_forged_token_is_counted_before_it_is_looked_at() -> None:
    """That beyond the quota nothing of it is read: `test_http_limits.py::test_forged_tokens_are_counted_…`."""
    quotas = Limits(240, lambda: 0)  # a clock that stands: with time there is room for another one
    waits = [quotas.check("192.0.2.1").wait for _ in range(CHECKS_PER_MINUTE + 1)]
    assert waits[0] == 0
    assert waits[-1] > 0


def test_listing_what_lies_in_quarantine_reads_no_content(server: AttackedServer) -> None:
    """Five documents of 900 kB each, padded with blanks, which are kept as received; what is listed is short."""
    scopes = "orders:write quarantine:write status:read"
    headers = {"Authorization": f"Bearer {sign_token(server.settings, subject='till', scope=scopes, ttl_s=600)}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=60) as client:
        order = b'{"member_id": "fay", "currency": "JPY", "total": "2500"' + b" " * 900_000 + b"}"
        for n in range(5):
            assert client.post(f"/order/Q{n}", content=order).status_code == 202
        until(lambda: client.get("/order/Q4").json()["status"] == "quarantined")
        listed = client.get("/quarantine?limit=10")
        assert len(listed.json()["documents"]) == 5
        assert len(listed.content) < 20_000
        assert "JPY" in client.get("/order/Q4").json()["reason"]


@pytest.mark.parametrize("per_minute", [0, 1, 60_000_000, 60_000_001, 10**9, limits.MOST_IN_CORE, 10**15])
def test_any_quota_a_minute_is_one(per_minute: int) -> None:
    """0 is none, and none is too large to divide by."""
    quotas = Limits(per_minute)
    first, second = quotas.member("ann"), quotas.member("ann")
    assert (first.wait, second.wait > 0) == (0, per_minute == 1)
    assert (first.header == b"") is (per_minute == 0)


# One unforeseen error in a worker's loop, in each: tests/fault/test_roles_apart.py, whose trees take a while.
