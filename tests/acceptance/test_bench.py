"""`laurels bench`: the shape of its figures, its books, and that it leaves the shop alone. Not how fast anything is."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.command_line import laurels_here as laurels

from laurels.model import Order
from laurels.settings import Settings
from laurels.wiring import leaderboard_engine
from laurels.workbench.bench.scratch import Scratch

TINY = ("--seconds", "0.05", "--members", "40", "--seed", "9")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_measures_all_four_and_keeps_a_line_for_each(tmp_path: Path) -> None:
    done = laurels("bench", *TINY, "--to", "lines.jsonl", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    figures: list[dict[str, Any]] = json.loads(done.stdout)
    assert sorted(figure["bench"] for figure in figures) == ["accepts", "awards", "dashboards", "freshness"]
    for figure in figures:
        assert figure["count"] >= 1
        assert figure["seconds"] > 0
        assert figure["per_s"] > 0
        assert 0 <= figure["p50_us"] <= figure["p99_us"]
        assert (figure["bound"] is None) == (figure["bound_per_s"] is None)
        assert (figure["ledger"], figure["leaderboard"]) == ("sqlite", leaderboard_engine(Settings()))
        assert (figure["members"], figure["seed"]) == (40, 9)
        assert {"date", "cpu", "cores", "memory_bytes", "kernel", "load", "python", "laurels", "apsw", "commit"} <= set(
            figure
        )
    assert [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()] == figures
    assert {path.name for path in tmp_path.iterdir()} == {"lines.jsonl"}


def test_lines_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    for _ in range(2):
        done = laurels("bench", "dashboards", *TINY, "--to", "lines.jsonl", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "dashboards" in done.stdout
        assert "40 members, seed 9" in done.stdout
    assert len((tmp_path / "lines.jsonl").read_text().splitlines()) == 2


def test_the_shops_own_state_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,member_id,currency,total\nA1,ann,GBP,25.00\n")
    laurels("import", "orders.csv", cwd=tmp_path)
    before = files(tmp_path)
    done = laurels("bench", *TINY, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path) == before


def test_figures_of_work_that_was_not_done_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forget(self: Scratch, order: Order) -> None:
        self.accepted += 1

    monkeypatch.setattr(Scratch, "accept", forget)
    done = laurels("bench", "accepts", *TINY, "--to", "lines.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "not as the bench expects it" in done.stderr
    assert not (tmp_path / "lines.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["holidays"], {}, "holidays"),
        (["--seconds", "0"], {}, "--seconds"),
        (["--members", "0"], {}, "--members"),
        (["--to", "missing/lines.jsonl"], {}, "no such folder"),
        ([], {"LAURELS_LEDGER_URL": "postgresql://127.0.0.1/shop"}, "ledger.url"),
        ([], {"LAURELS_LEADERBOARD_URL": "valkey://127.0.0.1:6379"}, "--overwrite-board"),
    ],
)
def test_wrong_use_says_what_to_do(
    arguments: list[str], environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    done = laurels("bench", *arguments, cwd=tmp_path, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_board_on_a_server_is_measured_where_it_may_be_overwritten(tmp_path: Path, valkey_url: str) -> None:
    board = {"LAURELS_LEADERBOARD_ENGINE": "valkey", "LAURELS_LEADERBOARD_URL": valkey_url}
    assert "--overwrite-board" in laurels("bench", *TINY, cwd=tmp_path, **board).stderr
    done = laurels("bench", *TINY, "--overwrite-board", "--json", cwd=tmp_path, **board)
    assert done.returncode == 0, done.stderr
    assert {figure["leaderboard"] for figure in json.loads(done.stdout)} == {"valkey"}
