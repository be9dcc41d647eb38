"""What people put right at a terminal: points by hand, two members who are one; and slips that change nothing."""

import json
from pathlib import Path

import pytest
from tests.acceptance.command_line import laurels_here as laurels


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A ledger with two members: ann has 100 points, bob has 5."""
    file = tmp_path / "orders.csv"
    file.write_text("order_id,member_id,total,currency\nA1,ann,1000.00,GBP\nB1,bob,50.00,GBP\n")
    assert laurels("import", file, "--state", tmp_path / "state").returncode == 0
    return tmp_path / "state"


def points(state: Path, member: str) -> int:
    shown = json.loads(laurels("dashboard", member, "--json", "--state", state).stdout)
    return int(shown["me"]["points"])


def test_points_are_corrected_up_and_down_once_for_each_id(state: Path) -> None:
    done = laurels("adjust", "ann", "25", "--reason", "parcel came late", "--state", state)
    assert (done.returncode, "the balance is 125" in done.stdout) == (0, True), done.stderr
    for was_here in (False, True):
        done = laurels("adjust", "ann", "-5", "--id", "J1", "--json", "--state", state)
        told = json.loads(done.stdout)
        assert (told["repeated"], told["balance"]) == (was_here, 120)
    done = laurels("adjust", "ann", "-6", "--id", "J1", "--state", state)
    assert (done.returncode, "points" in done.stderr) == (1, True)
    done = laurels("adjust", "ann", "7", "--no-board", "--state", state)
    assert "the balance is 127" in done.stdout
    assert points(state, "ann") == 120
    file = state.parent / "entries.csv"
    assert laurels("export", "entries", "--to", file, "--kind", "adjust", "--state", state).returncode == 0
    assert file.read_text().count("\n") == 4
    assert "parcel came late" in file.read_text()


def test_slips_change_nothing(state: Path) -> None:
    """In a correction an unknown member is one, and no new customer; in an export it is no empty file."""
    before = laurels("verify", "--state", state).stdout
    file = state.parent / "out.csv"
    for command, said in (
        (["adjust", "anne", "5"], "no such member"),
        (["adjust", "ann", "5", "--reasn", "x"], "No such option: --reasn"),
        (["adjust", "ann", "5", "--reason", "two\nlines"], "must be one line"),
        (["adjust", "ann", "5", "--note", "4242 4242 4242 4242"], "card number"),
        (["adjust", "ann", "5", "--source", "member:1"], "source"),
        (["export", "entries", "--to", file, "--member", "ann", "--member", "anne"], "no member anne"),
        (["export", "standings", "--to", file, "--member", "anne"], "no member anne"),
    ):
        done = laurels(*command, "--state", state)
        assert done.returncode in {1, 2}, done.stdout
        assert said in done.stderr, done.stderr
    assert laurels("verify", "--state", state).stdout == before
    assert not file.exists()


def test_two_members_become_one_when_it_is_confirmed(state: Path) -> None:
    asked = laurels("merge", "ann", "bob", "--state", state)
    assert (asked.returncode, points(state, "bob")) == (1, 5)
    done = laurels("merge", "ann", "bob", "--yes", "--state", state)
    assert done.returncode == 0, done.stderr
    assert points(state, "ann") == points(state, "bob") == 105
    assert laurels("merge", "ann", "bob", "--yes", "--state", state).returncode == 0
    for pair, said in ((("bob", "ann"), "cannot become itself"), (("cy", "bob"), "No such member")):
        refused = laurels("merge", *pair, "--yes", "--state", state)
        assert (refused.returncode, said in refused.stderr) == (1, True), refused.stderr
