"""How commands end where something else ends first: a reader, the room on a disk, a person's patience."""

import contextlib
import resource
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from tests.acceptance.command_line import LAURELS, laurels

ROWS = 12_000


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ends")
    (folder / "a.csv").write_text("order_id,member_id,currency,total\nA1,ann,GBP,25.00\n")
    assert laurels("import", folder / "a.csv", "--state", folder / "state").returncode == 0
    return folder / "state"


@pytest.mark.parametrize("command", [["top", "--json"], ["export", "entries", "--to", "-"]])
def test_no_room_for_what_is_printed_is_said_in_one_line(state: Path, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [LAURELS, *command, "--state", state],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=200,
            check=False,
        )
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert "no space left on device" in ended.stderr


@pytest.mark.parametrize("command", [["verify"], ["--help"]])
def test_a_reader_that_has_enough_meets_no_traceback(state: Path, command: list[str]) -> None:
    where = [] if command == ["--help"] else ["--state", str(state)]
    with subprocess.Popen([LAURELS, *command, *where], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.close()
        assert running.stderr is not None
        said = running.stderr.read().decode()
    assert running.returncode in {0, 1}
    assert ("Traceback" in said, "fault in Laurels" in said, said.count("\n") <= 1) == (False, False, True), said


BREAKS = """
import sys
from contextlib import asynccontextmanager
from laurels import cli
from laurels.runtime import serving

@asynccontextmanager
async def broken(*_, **__):
    raise BrokenPipeError(32, "Broken pipe")
    yield

serving.build = broken
sys.argv = ["laurels", *sys.argv[1:]]
cli.main()
"""


@pytest.mark.parametrize("command", [["work", "--once"], ["work"], ["serve", "--port", "0"]])
def test_a_connection_that_breaks_is_told(state: Path, command: list[str]) -> None:
    """Whoever runs the command, people or a server: it was taken for a reader that has enough, and nothing was said."""
    ended = subprocess.run(
        [sys.executable, "-c", BREAKS, *command, "--state", state],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert "A fault in Laurels" in ended.stderr
    assert "BrokenPipeError" in ended.stderr


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


def big_file(folder: Path) -> Path:
    rows = "".join(f"A{n},m{n % 997},GBP,25.00\n" for n in range(ROWS))
    (folder / "a.csv").write_text("order_id,member_id,currency,total\n" + rows)
    return folder / "a.csv"


def imported_at_last(file: Path, state: Path) -> None:
    again = laurels("import", file, "--state", state)
    assert (again.returncode, "0 in conflict" in again.stdout) == (0, True), again.stderr
    verified = laurels("verify", "--state", state)
    assert verified.returncode == 0, verified.stdout
    with apsw.Connection(str(state / "laurels.db")) as ledger:
        assert list(ledger.execute("SELECT total(points), count(*) FROM entry WHERE kind = 'earn'")) == [
            (3.0 * ROWS, ROWS)
        ]


@pytest.mark.long
def test_an_import_without_room_is_gone_on_with(tmp_path: Path) -> None:
    file, state = big_file(tmp_path), tmp_path / "state"
    ended = subprocess.run(
        [LAURELS, "import", file, "--state", state],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        preexec_fn=limited,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    imported_at_last(file, state)


@pytest.mark.long
def test_an_import_that_is_interrupted_is_gone_on_with(tmp_path: Path) -> None:
    file, state = big_file(tmp_path), tmp_path / "state"
    with subprocess.Popen([LAURELS, "import", file, "--state", state], stderr=subprocess.PIPE, text=True) as running:
        while not taken(state):
            assert running.poll() is None, "it is a large file"
        running.send_signal(signal.SIGINT)
        assert running.stderr is not None
        said = running.stderr.read()
    assert (running.returncode, "Interrupted. What was acknowledged is kept" in said) == (130, True), said
    imported_at_last(file, state)


def taken(state: Path) -> int:
    """How many documents the ledger has; 0 while it is being made."""
    count = 0
    with (
        contextlib.suppress(apsw.Error),
        apsw.Connection(str(state / "laurels.db"), apsw.SQLITE_OPEN_READONLY) as ledger,
    ):
        count = sum(int(str(row[0])) for row in ledger.execute("SELECT count(*) FROM accepted"))
    return count


@pytest.mark.parametrize(
    ("setting", "address"),
    [
        ("LAURELS_CONSUME_URL", "hunter2"),
        ("LAURELS_CONSUME_URL", "amqp://shop:hunter2@127.0.0.1:99999/v?queue=orders"),
        ("LAURELS_EVENTS_URLS", "kafka://shop:hunter2@/points"),
        ("LAURELS_EVENTS_URLS", "https://receiver.example/a,https://receiver.example:0/hunter2"),
    ],
)
def test_serve_does_not_begin_with_an_address_that_no_child_could_use(state: Path, setting: str, address: str) -> None:
    """A child would die of it again and again, beside a shop that seems to be well."""
    ended = laurels("serve", "--port", "0", "--state", state, cwd=state, **{setting: address})
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert setting.removeprefix("LAURELS_").replace("_", ".", 1).lower() in ended.stderr
    assert "hunter2" not in ended.stderr


INTERRUPTED_AT = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == WHERE:
            os.kill(os.getpid(), signal.SIGINT)

WHERE = sys.argv.pop(1)
sys.meta_path.insert(0, Interrupting())
from laurels.cli import main
main()
"""


@pytest.mark.parametrize(
    "where", ["importlib.metadata", "laurels.model.ids", "structlog.stdlib", "laurels.cli.app", "rich.console"]
)
def test_an_interrupt_while_it_loads_ends_it_without_a_word(state: Path, where: str) -> None:
    command = ["verify"] if "cli" in where or "rich" in where else ["work", "--once"]
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT, where, *command, "--state", state],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")
