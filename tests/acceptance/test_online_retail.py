"""A year of a real shop's orders becomes a board, equal to standings that were computed apart from this project."""

import csv
import json
from pathlib import Path

import pytest
from tests.acceptance.command_line import laurels


@pytest.fixture(scope="module")
def state(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with the year in it."""
    state = tmp_path_factory.mktemp("online-retail")
    done = laurels("import", data_dir / "online_retail.parquet", "--preset", "online-retail", "--state", state)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "18,536 orders, 3,654 refunds: 22,190 new, 0 here before, 0 in conflict\n"
    assert "skipped 135,077 rows" in done.stderr
    return state


def test_the_standings_equal_those_computed_apart(state: Path, data_dir: Path, tmp_path: Path) -> None:
    to = tmp_path / "x.csv"
    assert laurels("export", "standings", "--to", to, "--state", state).returncode == 0
    assert to.read_bytes() == (data_dir / "online_retail_expected.csv").read_bytes()


def test_a_second_import_changes_nothing(state: Path, data_dir: Path, tmp_path: Path) -> None:
    before, after = tmp_path / "before.csv", tmp_path / "after.csv"
    laurels("export", "entries", "--to", before, "--state", state)
    again = laurels("import", data_dir / "online_retail.parquet", "--preset", "online-retail", "--state", state)
    assert again.stdout == "18,536 orders, 3,654 refunds: 0 new, 22,190 here before, 0 in conflict\n"
    laurels("export", "entries", "--to", after, "--state", state)
    assert after.read_bytes() == before.read_bytes()


def test_the_ledger_and_the_board_verify(state: Path) -> None:
    done = laurels("verify", "--state", state)
    assert done.returncode == 0, done.stderr
    assert "26,562 entries verified" in done.stdout


def test_a_dashboard_on_the_command_line_shows_rank_and_neighbours(state: Path, data_dir: Path) -> None:
    with (data_dir / "online_retail_expected.csv").open() as file:
        rows = list(csv.DictReader(file))
    mine = 241
    done = laurels("dashboard", rows[mine]["member_id"], "--json", "--state", state)
    answer = json.loads(done.stdout)
    assert answer["ranked"] == len(rows)
    assert answer["me"]["rank"] == int(rows[mine]["rank"])
    assert answer["me"]["position"] == int(rows[mine]["position"])
    assert [row["points"] for row in answer["around"]] == [int(row["points"]) for row in rows[mine - 2 : mine + 3]]
    assert [row["rank"] for row in answer["around"]] == [int(row["rank"]) for row in rows[mine - 2 : mine + 3]]
    assert [row["points"] for row in answer["top"]] == [int(row["points"]) for row in rows[:10]]


def test_an_order_is_explained(state: Path) -> None:
    done = laurels("explain", "536365", "--state", state)
    assert "139.12 GBP / 10.00 = 13.912 -> 14 (half-up, version 1)" in done.stdout


def test_no_mail_was_made_of_history(state: Path) -> None:
    assert laurels("notify", "--once", "--state", state).stdout == "0 messages tried\n"
    assert not (state / "outbox").exists()


def test_points_add_up_to_the_published_sum(state: Path, tmp_path: Path) -> None:
    to = tmp_path / "entries.csv"
    laurels("export", "entries", "--to", to, "--state", state)
    with to.open() as file:
        assert sum(int(row["points"]) for row in csv.DictReader(file)) == 830_121
