"""Reports by command, over orders that are easy to add up by hand."""

import asyncio
import csv
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.acceptance.command_line import laurels_here
from tests.ledgers import open_ledger

from laurels.cli.reporting import until_still
from laurels.program import DEFAULT_PROGRAM
from laurels.rollups import RollingUp

PROGRAM = DEFAULT_PROGRAM.replace(
    "[earn]", 'value = { GBP = "0.50", EUR = "0.60" }\nexpected_redeemed = "0.80"\n\n[earn]', 1
).replace('EUR = "10.00"', 'EUR = "5.00"', 1)
ORDERS = """\
order_id,member_id,currency,total
A1,ann,GBP,25.00
A2,bob,EUR,25.00
A3,bob,GBP,4.99
A4,cyd,USD,1.00
"""


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("reports")
    (folder / "program.toml").write_text(PROGRAM)
    (folder / "laurels.toml").write_text(f"program.file = '{folder / 'program.toml'}'\n")
    (folder / "orders.csv").write_text(ORDERS)
    options = "--state", str(folder / "state"), "--config", str(folder / "laurels.toml")
    done = laurels_here("import", folder / "orders.csv", *options)
    assert "3 awarded" in done.stdout, done.stdout + done.stderr
    return options


def test_a_journal_says_what_moved_by_market(where: tuple[str, ...], tmp_path: Path) -> None:
    whole = json.loads(laurels_here("report", "journal", "--json", *where).stdout)
    assert (whole["points"], whole["outstanding"]) == (8, {"EUR": 5, "GBP": 3})
    assert [(line["market"], line["points"], line["value"]) for line in whole["lines"]] == [
        ("EUR", 5, "3.00"),
        ("GBP", 3, "1.50"),
    ]
    rest = json.loads(laurels_here("report", "journal", "--json", "--after", whole["to"], *where).stdout)
    assert (rest["after"], rest["lines"], rest["outstanding"]) == (whole["to"], [], whole["outstanding"])
    for name in ("journal.csv", "journal.parquet"):
        assert "2 rows written" in laurels_here("report", "journal", "--to", tmp_path / name, *where).stderr
    with (tmp_path / "journal.csv").open() as file:
        assert [row["points"] for row in csv.DictReader(file)] == ["5", "3"]
    refused = laurels_here("report", "journal", "--after", "1.0-999", *where)
    assert (refused.returncode, "no place in this ledger" in refused.stderr) == (2, True)


def test_orders_and_statements_are_told_once_they_are_counted(where: tuple[str, ...]) -> None:
    for report in ("orders", "statement"):
        assert "entries are yet to be counted" in laurels_here("report", report, *where).stderr
    asyncio.run(_count(Path(where[1])))
    found = json.loads(laurels_here("report", "orders", "--json", *where).stdout)
    told = [tuple(line.values()) for line in found["lines"]]
    assert (told, found["behind"]) == ([("EUR", 1, "25.00", 5), ("GBP", 2, "29.99", 3)], 0)
    assert laurels_here("report", "orders", "--until", "2020-01-01", *where).stdout == "There are no orders.\n"
    said = laurels_here("report", "statement", *where).stdout.splitlines()
    assert said == [
        "opening: none",
        "earn EUR: +5 points in 1 entry",
        "earn GBP: +3 points in 2 entries",
        "closing: EUR 5, GBP 3",
    ]
    lines = json.loads(laurels_here("report", "statement", "--json", *where).stdout)["lines"]
    assert [(line["period"], line["amount"]) for line in lines] == [(None, "25.00"), (None, "29.99")]
    later = json.loads(laurels_here("report", "statement", "--since", "9000-01-01", "--json", *where).stdout)
    assert (later["lines"], later["opening"]) == ([], {"EUR": 5, "GBP": 3})
    for days in (("--since", "yesterday"), ("--since", "2026-02-01", "--until", "2026-01-01")):
        refused = laurels_here("report", "orders", *days, *where)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)


async def _count(state: Path) -> None:
    ledger = await open_ledger(state / "laurels.db")
    await RollingUp(ledger, ZoneInfo("Europe/London")).reach()
    await ledger.close()


def test_breakage_is_the_programs_until_it_can_be_measured(where: tuple[str, ...], tmp_path: Path) -> None:
    found = json.loads(laurels_here("report", "breakage", "--json", *where).stdout)
    assert (found["measured"], found["redeemed_share"], found["breakage"]) == (False, "0.8000", "0.2000")
    assert [(row["earned"], row["redeemed"]) for row in found["cohorts"]] == [(8, [0])]
    assert "1 row written" in laurels_here("report", "breakage", "--to", tmp_path / "b.parquet", *where).stderr
    assert "fewer than 13 months" in laurels_here("report", "breakage", *where).stdout


def test_a_week(where: tuple[str, ...]) -> None:
    """The orders have no time of their own: they were when they came, in this week."""
    today = json.loads(laurels_here("report", "journal", "--json", *where).stdout)["lines"][0]["day"]
    week = json.loads(laurels_here("report", "week", "--of", today, "--json", *where).stdout)
    assert week["members"] == {"active": 2, "first order": 2, "new": 2}
    assert (week["orders"], week["spend"]) == ({"EUR": 1, "GBP": 2}, {"EUR": 2500, "GBP": 2999})
    assert (week["points"], week["parts"], week["nothing"]) == ({"earn": 8}, {"base": "8"}, 1)
    assert sum(week["quarantined"].values()) == 1
    assert week["programs"] == ["publish version 1 by laurels"]
    assert [move["points"] for move in week["largest"]] == [5, 3, 0]
    assert (week["liability"]["total"], week["liability"]["value"]) == (8, {"GBP": "4.00", "EUR": "4.80"})
    before = laurels_here("report", "week", *where)
    assert "members: active 0" in before.stdout
    assert laurels_here("report", "week", "--of", "soon", *where).returncode in {1, 2}


def test_liability_of_the_past_is_what_it_was(where: tuple[str, ...]) -> None:
    now = json.loads(laurels_here("liability", "--json", *where).stdout)
    assert (now["total"], now["members"]) == (8, 2)
    then = json.loads(laurels_here("liability", "--json", "--at", "2026-01-01T00:00:00Z", *where).stdout)
    assert (then["total"], then["members"]) == (0, 0)


@pytest.mark.parametrize(
    ("figures", "said"), [([], ""), ([0], "0"), ([0, 0, 0], "0 …"), ([5, 5, 7, 7], "5 5 7 …"), ([5, 7], "5 7")]
)
def test_a_row_of_a_triangle_ends_where_nothing_moves_any_more(figures: list[int], said: str) -> None:
    assert until_still(figures) == said
