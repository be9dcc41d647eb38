"""Programs are put in force by an act: a draft, an approval, and never by reading."""

import json
from pathlib import Path

import pytest
from tests.acceptance.command_line import laurels

from laurels.program import DEFAULT_PROGRAM

DOUBLED = DEFAULT_PROGRAM.replace("version = 1", "version = 2").replace("points = 1 ", "points = 2 ")
ORDERS = "order_id,member_id,currency,total\nA1,ann,GBP,25.00\n"


def test_a_program_goes_from_draft_to_force(tmp_path: Path) -> None:
    state, file, orders = tmp_path / "state", tmp_path / "program.toml", tmp_path / "orders.csv"
    file.write_text(DOUBLED)
    orders.write_text(ORDERS)
    assert "version 2 is sound" in laurels("program", "check", file).stdout
    assert laurels("import", orders, "--state", state).returncode == 0
    told = laurels("program", "submit", file, "--state", state).stdout
    digest = told.split()[-1]
    assert laurels("program", "diff", "1", file, "--state", state).stdout.count("\n+") >= 2
    assert "draft" in laurels("program", "list", "--state", state).stdout
    orders.write_text(ORDERS.replace("A1", "A2"))
    assert laurels("import", orders, "--state", state).returncode == 0  # a draft changes nothing
    assert "published" in laurels("program", "approve", digest, "--state", state).stdout
    orders.write_text(ORDERS.replace("A1", "A3"))
    assert laurels("import", orders, "--state", state).returncode == 0
    [_, _, newest] = [
        line
        for line in laurels("export", "entries", "--to", "-", "--state", state).stdout.splitlines()
        if ",earn," in line
    ]
    assert ",5," in newest
    listed = json.loads(laurels("program", "list", "--json", "--state", state).stdout)
    assert [each["version"] for each in listed["published"]] == [1, 2]
    assert listed["published"][1]["actor"].startswith("cli:")
    assert laurels("program", "show", "2", "--state", state).stdout.strip() == DOUBLED.strip()
    file.write_text(DOUBLED + "# other bytes\n")
    told = laurels("program", "submit", file, "--state", state).stdout
    refused = laurels("program", "approve", told.split()[-1], "--state", state)
    assert (refused.returncode, "published with other rules" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    "command",
    [
        ("verify",),
        ("top",),
        ("dashboard", "ann"),
        ("explain", "A1"),
        ("export", "standings", "--to", "-"),
        ("quarantine", "list"),
        ("program", "list"),
        ("members", "hide", "ann"),
        ("rebuild",),
    ],
    ids=" ".join,
)
def test_what_reads_makes_no_ledger(tmp_path: Path, command: tuple[str, ...]) -> None:
    answer = laurels(*command, "--state", tmp_path / "nowhere")
    assert answer.returncode == 1
    assert "There is no ledger" in answer.stderr
    assert not (tmp_path / "nowhere").exists()
