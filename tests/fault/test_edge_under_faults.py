"""The board's writer is killed, stopped and goes on, the board is thrown away, keys are turned: each request through
the edge meanwhile is answered once, in order, and never wrongly.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.engines import needs_native
from tests.fault.edge_load import Load
from tests.fault.test_many_workers import Crew
from tests.fault.test_process_tree import is_alive, until
from tests.integration.identity_provider import IdentityProvider, PrivateKey, identity_provider

pytestmark = [needs_native, pytest.mark.long]

WORKERS = 2
MEMBERS = [f"m{n}" for n in range(12)]
TILL = {"sub": "till", "laurels": "service", "scope": "orders:write members:read"}


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        provider.add("till")
        yield provider


@pytest.fixture
def crew(tmp_path: Path, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    for name, value in {
        "HTTP_WORKERS": str(WORKERS),
        "HTTP_RATE_LIMIT_PER_MINUTE": "0",
        "LEADERBOARD_ENGINE": "native",
        "AUTH_MODE": "jwks",
        "AUTH_JWKS_URL": provider.url,
    }.items():
        monkeypatch.setenv(f"LAURELS_{name}", value)
    crew = Crew(tmp_path / "state")
    crew._token = provider.token("till", **TILL)
    until(lambda: len(crew.pids("serve")) == WORKERS - 1 and crew.is_ready())
    yield crew
    children = [pid for part in ("work", "notify", "project", "serve") for pid in crew.pids(part)]
    crew.process.kill()
    crew.process.wait()
    assert crew.process.stderr is not None
    crew.process.stderr.close()
    until(lambda: not any(map(is_alive, children)))


def has_edge(pid: int) -> bool:
    return any(task.read_text() == "laurels-edge\n" for task in Path(f"/proc/{pid}/task").glob("*/comm"))


def test_each_request_is_answered_once_and_truly(
    crew: Crew, provider: IdentityProvider, tmp_path: Path, seed: int
) -> None:
    until(lambda: all(map(has_edge, {crew.process.pid, *crew.pids("serve")})))
    provider.add("second")
    tokens = {(key, member): provider.token(key, sub=member) for key in ("first", "second") for member in MEMBERS}
    second = provider.keys.pop("second")  # nobody has asked for the keys yet
    port = urlsplit(crew.url).port
    assert port is not None
    with Load(port, seed, tokens, crew._token) as load:
        more(load, 500)
        for fault in (killed, stopped, thrown_away):
            fault(crew, load, tmp_path / "state" / "board")
            more(load, 500)
        turn_keys(provider, load, second)
        more(load, 500)
    assert not load.faults
    print(dict(load.answers))
    until(lambda: points(crew) == {member: load.acknowledged[member] for member in MEMBERS})
    assert load.acknowledged == load.sent, "every order was answered"


def more(load: Load, answers: int) -> None:
    """Wait until there are so many answers more."""
    so_far = load.answers.total()
    until(lambda: load.answers.total() >= so_far + answers or load.is_over)
    assert not load.faults, load.faults


def killed(crew: Crew, load: Load, board: Path) -> None:
    """kill -9 in the middle of its work, three times."""
    del board
    for _ in range(3):
        [writer] = crew.pids("project")
        os.kill(writer, signal.SIGKILL)
        more(load, 100)
        until(lambda writer=writer: bool(crew.pids("project") - {writer}))  # type: ignore[misc]


def stopped(crew: Crew, load: Load, board: Path) -> None:
    """It stands still until the answers say that they are stale, and goes on."""
    del board
    until(lambda: "stale" in crew.call("GET", "/loyalty/m0"))  # the board has heard of her
    [writer] = crew.pids("project")
    os.kill(writer, signal.SIGSTOP)
    until(lambda: bool(crew.call("GET", "/loyalty/m0")["stale"]))
    more(load, 300)
    os.kill(writer, signal.SIGCONT)
    until(lambda: not crew.call("GET", "/loyalty/m0")["stale"])


def thrown_away(crew: Crew, load: Load, board: Path) -> None:
    """A reader reports its files as damaged: it is built anew from the ledger, and what was there serves meanwhile."""
    folder = (board / "current").read_text()
    (board / "damaged").write_text(folder)
    until(lambda: (board / "current").read_text() != folder)
    more(load, 300)
    until(lambda: not crew.call("GET", "/loyalty/m0")["stale"])


def turn_keys(provider: IdentityProvider, load: Load, second: PrivateKey) -> None:
    """The first key is taken back, and another one is there. Every worker hears of it by the second's first token."""
    provider.add("second", second)
    del provider.keys["first"]
    load.key = "second"
    until(lambda: all(customer.has_second for customer in load.customers) or load.is_over)


def points(crew: Crew) -> dict[str, int]:
    return {member: crew.call("GET", f"/loyalty/{member}")["me"]["points"] for member in MEMBERS}
