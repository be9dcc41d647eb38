"""A state directory with the board of another ledger: refused at the start, in one line, before anybody is shown its
members. `laurels rebuild` hands the board over, but not while somebody keeps it up to date for the other one.
"""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from tests.acceptance.command_line import laurels, laurels_here, served
from tests.engines import needs_native
from tests.postgres_server import Databases

pytestmark = needs_native

WRONG_USE = 2
_made = count()
AN_ORDER = "order_id,member_id,currency,total\nA1,{},GBP,50.00\n"


@pytest.fixture(params=["sqlite", "postgres"])
def ledgers(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """The URLs of two ledgers; of those in files the second one takes the first one's place."""
    if request.param == "sqlite":
        yield "sqlite", "sqlite"
        return
    databases: Databases = request.getfixturevalue("postgres")
    second = f"second_{next(_made)}"  # not from the template, whose copies are one ledger
    databases.server.sql(f"CREATE DATABASE {second}")
    with databases.new() as first:
        yield first, databases.server.url(second)
    databases.server.sql(f"DROP DATABASE {second} WITH (FORCE)")


def run(state: Path, url: str, command: str) -> tuple[int, str, str]:
    start = laurels if command.startswith("serve") else laurels_here  # which shares memory with its own processes
    done = start(*command.split(), "--state", state, cwd=state, LAURELS_LEDGER_URL=url)
    return done.returncode, done.stdout, done.stderr


def brought_in(state: Path, url: str, member: str) -> None:
    """A ledger with one member on its board."""
    (state / "orders.csv").write_text(AN_ORDER.format(member))
    code, _, said = run(state, url, "import orders.csv")
    assert code == 0, said


@pytest.fixture
def state(tmp_path: Path, ledgers: tuple[str, str]) -> Path:
    """A state directory with the board of the first ledger; the second ledger has another member."""
    elsewhere, state = tmp_path / "elsewhere", tmp_path / "state"
    for folder, url, member in ((elsewhere, ledgers[1], "ben"), (state, ledgers[0], "ann")):
        folder.mkdir()
        brought_in(folder, url, member)
    shutil.copy(state / "names.key", tmp_path / "first.key")
    shutil.copy(elsewhere / "names.key", tmp_path / "second.key")
    shutil.copy(elsewhere / "names.key", state)  # a ledger is opened with its own alone
    if ledgers[1] == "sqlite":
        for file in state.glob("laurels.db*"):
            file.unlink()
        for file in elsewhere.glob("laurels.db*"):
            shutil.copy(file, state)
    return state


def test_every_command_is_refused_until_rebuild(state: Path, ledgers: tuple[str, str]) -> None:
    for command in ("work --once", "top", "verify", "serve --port 0", "project --once"):
        code, _, said = run(state, ledgers[1], command)
        assert (code, len(said.strip().splitlines())) == (WRONG_USE, 1), said
        assert "board of another ledger" in said
        assert "laurels rebuild" in said
    for command in ("rebuild", "verify", "export standings --to shown.csv"):
        code, _, said = run(state, ledgers[1], command)
        assert code == 0, said
    assert (state / "shown.csv").read_text().splitlines() == ["member_id,points,rank,position", "ben,5,1,1"]


@pytest.mark.long
@pytest.mark.parametrize("ledgers", ["postgres"], indirect=True)
def test_not_while_it_is_kept_up_to_date_for_the_other(state: Path, ledgers: tuple[str, str]) -> None:
    config = state / "first.toml"
    config.write_text(f"[ledger]\nurl = '{ledgers[0]}'\n")
    shutil.copy(state.parent / "first.key", state / "names.key")
    with served(state, "--config", str(config)):
        shutil.copy(state.parent / "second.key", state / "names.key")
        code, _, said = run(state, ledgers[1], "rebuild")
        assert code != 0
        assert len(said.strip().splitlines()) == 1, said
