"""A whole state directory that version 0.1 wrote is taken over: ledger, keys, board, tokens (of_0_1/README.md)."""

import json
import re
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.ending import end

from laurels.engines.sqlite.schema import LATEST

KEPT = Path(__file__).with_name("of_0_1")
SCHEMA = 3
"""The newest that version 0.1 knows."""

HEAD, MISSED = "1.0-84", "1.0-85"
"""Where its feed ends, by its own token, and what never was."""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory as 0.1 left it."""
    return _unpacked(tmp_path_factory.mktemp("of_0_1"))


@pytest.mark.parametrize(
    "command",
    [
        ("serve", "--port", "0"),
        ("work",),
        ("notify",),
        ("project",),
        ("console", "--port", "0"),
        ("consume", "amqp://127.0.0.1/orders"),
        ("events", "amqp://127.0.0.1/entries"),
        ("verify",),
    ],
    ids=lambda command: command[0],
)
def test_whatever_is_started_on_it_says_what_to_do_and_no_more(tmp_path: Path, command: tuple[str, ...]) -> None:
    """One line, and nothing else is told: no address of what does not run."""
    state = _unpacked(tmp_path)
    before = (state / "laurels.db").read_bytes()
    refused = _laurels(state, *command)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "laurels migrate" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert (state / "laurels.db").read_bytes() == before


def test_where_there_is_no_room_for_the_copy_nothing_is_left_of_it(tmp_path: Path) -> None:
    """Whoever runs on that disk needs what room there is."""
    state = _unpacked(tmp_path)
    before = {path: path.read_bytes() for path in state.iterdir() if path.is_file()}
    limited = ["sh", "-c", 'ulimit -f 200 && exec "$@"', "sh", sys.executable, "-m", "laurels", "migrate"]
    done = subprocess.run([*limited, "--state", str(state)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert {path: path.read_bytes() for path in state.iterdir() if path.is_file()} == before


@pytest.fixture(scope="module")
def before(unpacked: Path) -> list[tuple[Any, ...]]:
    """The entries, as 0.1 wrote them."""
    return _query(unpacked / "laurels.db", "SELECT * FROM entry ORDER BY position")


@pytest.fixture(scope="module")
def state(unpacked: Path, before: list[tuple[Any, ...]]) -> Path:
    """The same after `laurels migrate`."""
    assert before
    refused = _laurels(unpacked, "top")
    assert refused.returncode == 2
    assert "laurels migrate" in refused.stderr
    migrated = _laurels(unpacked, "migrate")
    assert f"schema {SCHEMA} -> {LATEST}" in migrated.stdout + migrated.stderr
    return unpacked


def test_it_verifies(state: Path) -> None:
    assert f"84 entries verified as of {HEAD}" in _done(state, "verify")


@pytest.mark.parametrize(
    ("kept", "command"),
    [
        ("all-time.csv", ("export", "standings")),
        ("month-2026-11.csv", ("export", "standings", "--board", "month:2026-11")),
        ("entries.csv", ("export", "entries")),
    ],
)
def test_standings_and_entries_are_what_0_1_said(
    state: Path, tmp_path: Path, kept: str, command: tuple[str, ...]
) -> None:
    """Byte for byte: reasons too."""
    _done(state, *command, "--to", str(tmp_path / kept))
    assert (tmp_path / kept).read_bytes() == (KEPT / kept).read_bytes()


def test_a_dashboard_and_its_proxy_names_are_what_0_1_said(state: Path) -> None:
    """The version may be written another way."""
    shown, said = json.loads(_done(state, "dashboard", "ann", "--json")), json.loads((KEPT / "ann.json").read_text())
    assert {**shown, "as_of": said["as_of"]} == said


def test_a_copy_of_the_ledger_lies_beside_it(state: Path, before: list[tuple[Any, ...]]) -> None:
    copy = state / f"laurels.db.schema-{SCHEMA}"
    assert _query(copy, "SELECT * FROM entry ORDER BY position") == before
    assert _query(copy, "PRAGMA user_version") == [(SCHEMA,)]


def test_0_1_refuses_it_by_its_schema(state: Path) -> None:
    """That is what it looks at before all else, and says so in one line."""
    [[version]] = _query(state / "laurels.db", "PRAGMA user_version")
    assert version == LATEST > SCHEMA


@pytest.fixture(scope="module")
def address(state: Path) -> Iterator[str]:
    """It is served."""
    command = [sys.executable, "-m", "laurels", "serve", "--port", "0", "--state", str(state)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as serving:
        assert serving.stderr is not None
        answers = next(found for line in serving.stderr if (found := re.search(r"answers at (http://\S+)/", line)))
        yield answers[1]
        end(serving)


def test_its_tokens_are_answered_honestly(address: str, state: Path) -> None:
    """A member's own, and versions: what 0.1 gave is reached; what never was is not answered with less."""
    desk = _done(state, "token", "--service", "--scope", "members:read").strip()
    ann = (KEPT / "ann.token").read_text().strip()
    status, shown = _get(f"{address}/loyalty/ann?min_version={HEAD}", ann)
    assert (status, shown["me"]["points"]) == (HTTPStatus.OK, 120)
    assert _get(f"{address}/loyalty/ann?min_version={HEAD}", desk)[0] == HTTPStatus.OK
    status, _ = _get(f"{address}/loyalty/ann?min_version={MISSED}", desk)
    assert status in {HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE}
    assert _get(f"{address}/loyalty/bob", ann)[0] == HTTPStatus.NOT_FOUND


def test_its_orders_are_known(address: str, state: Path) -> None:
    """The same content again is the same order, whatever keys the fingerprints now; other content is a conflict."""
    till = _done(state, "token", "--service", "--scope", "orders:write").strip()
    order = {"member_id": "ann", "currency": "GBP", "total": "1200.00"}
    status, answer = _get(f"{address}/order/B1", till, order)
    assert (status, answer["status"]) == (HTTPStatus.OK, "awarded")
    assert _get(f"{address}/order/B1", till, order | {"total": "1.00"})[0] == HTTPStatus.CONFLICT
    assert _get(f"{address}/order/B1", till)[1]["points"] == 120


def _unpacked(folder: Path) -> Path:
    state = folder / "state"
    with tarfile.open(KEPT / "state.tar.gz") as archive:
        archive.extractall(state, filter="data")
    state.chmod(0o700)
    return state


def _get(url: str, token: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(url, data, headers)  # noqa: S310 - of the server that the test started
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def _query(path: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return connection.execute(statement).fetchall()


def _done(state: Path, *arguments: str) -> str:
    done = _laurels(state, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _laurels(state: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "laurels", *arguments, "--state", str(state)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
