"""Where there is no ledger, few commands make one: a wrong folder is told, not filled."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from tests.acceptance.command_line import laurels_here

from laurels.cli.app import app
from laurels.program import DEFAULT_PROGRAM

MAKES = {"serve", "work", "import", "migrate", "demo", "consume", "restore"}
NEEDS_NONE = {"token", "simulate", "bench", "keys show", "program check"}
"""These ask a server, or have a ledger of their own, or look at a file alone."""

ARGUMENTS = {
    "dashboard": ["ann"],
    "explain": ["A1"],
    "export": ["entries", "--to", "e.csv"],
    "backup": ["b.db"],
    "events": ["https://shop.example/events"],
    "program approve": ["2"],
    "program diff": ["1", "2"],
    "program extend": ["2027-01-31", "2027-02-28", "--until", "2027-06-30"],
    "program show": ["1"],
    "program stop": ["double", "--why", "wrong"],
    "program submit": ["p.toml"],
    "program rehearse": ["p.toml"],
    "members erase": ["ann", "--yes"],
    "merge": ["ann", "bob", "--yes"],
    "adjust": ["ann", "5"],
    "quarantine list": [],
    "quarantine retry": ["1"],
    "quarantine show": ["1"],
    "quarantine drop": ["1", "--yes"],
    "jobs show": ["1"],
    "jobs stop": ["1"],
    "messages list": [],
    "messages show": ["x"],
    "messages retry": ["x"],
    "members": ["ann"],
    "keys change": ["names", "--yes"],
}


def commands() -> Iterator[str]:
    """Every command by its words."""
    root = typer.main.get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        under = getattr(command, "commands", None)
        yield from [name] if under is None else (f"{name} {each}" for each in under)


@pytest.mark.parametrize("command", sorted(set(commands()) - MAKES - NEEDS_NONE))
def test_a_command_that_reads_makes_nothing(tmp_path: Path, command: str) -> None:
    (tmp_path / "p.toml").write_text(DEFAULT_PROGRAM)
    group = command.partition(" ")[0]
    given = ARGUMENTS.get(command, ARGUMENTS.get(group, []))
    done = laurels_here(*command.split(), *given, "--state", "nowhere", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "There is no ledger in nowhere" in done.stderr
    assert not (tmp_path / "nowhere").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"p.toml"}


@pytest.mark.parametrize("command", ["verify", "dashboard ann", "backup b.db", "export entries --to e.csv"])
def test_an_empty_file_is_no_ledger(tmp_path: Path, command: str) -> None:
    """Of one that nothing was ever written into, `verify` would say that all of it agrees."""
    ledger = tmp_path / "state" / "laurels.db"
    ledger.parent.mkdir(mode=0o700)
    ledger.touch(mode=0o600)
    done = laurels_here(*command.split(), "--state", "state", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "There is no ledger in state" in done.stderr
    assert (ledger.stat().st_size, [path.name for path in ledger.parent.iterdir()]) == (0, ["laurels.db"])
