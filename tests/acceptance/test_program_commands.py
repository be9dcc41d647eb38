"""Programs are put in force by an act: a draft, an approval, and never by reading."""

import json
from pathlib import Path

import pytest
from tests.acceptance.command_line import laurels, laurels_here
from tests.settings import settings_with

from laurels import clock
from laurels.http.admission.person_tokens import PersonTokens, console_key
from laurels.program import DEFAULT_PROGRAM

DOUBLED = DEFAULT_PROGRAM.replace("version = 1", "version = 2").replace("points = 1 ", "points = 2 ")
ORDERS = "order_id,member_id,currency,total\nA1,ann,GBP,25.00\n"


@pytest.mark.long
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


def test_where_no_program_is_named_that_of_the_ledger_holds(tmp_path: Path) -> None:
    state, file, orders = tmp_path / "state", tmp_path / "program.toml", tmp_path / "orders.csv"
    file.write_text(DEFAULT_PROGRAM.replace("points = 1 ", "points = 2 "))
    orders.write_text(ORDERS)
    began = laurels_here("import", orders, "--state", state, LAURELS_PROGRAM_FILE=str(file))
    assert began.returncode == 0, began.stderr
    orders.write_text(ORDERS.replace("A1", "A2"))
    went_on = laurels_here("import", orders, "--state", state)
    assert (went_on.returncode, went_on.stderr) == (0, "")
    told = laurels_here("explain", "A2", "--state", state)
    assert told.stdout.endswith("+5  in all\n")
    file.write_text(DEFAULT_PROGRAM)
    refused = laurels_here("import", orders, "--state", state, LAURELS_PROGRAM_FILE=str(file))
    assert (refused.returncode, refused.stderr.partition(":")[2].partition(":")[0]) == (1, " program.file")
    assert "published with other rules" in refused.stderr


@pytest.mark.long
def test_a_program_is_checked_with_what_it_may_not_mean(tmp_path: Path) -> None:
    file = tmp_path / "program.toml"
    file.write_text(DOUBLED + '[[campaigns]]\nname = "none"\nmultiply = "1"\n', "utf-8-sig")
    checked = laurels("program", "check", file)
    assert (checked.returncode, "version 2 is sound" in checked.stdout) == (0, True)
    assert checked.stderr == 'warning: campaigns[0].multiply (none): "1" is what everybody has; it gives nothing\n'
    file.write_text(DOUBLED, "utf-16")
    refused = laurels("program", "check", file)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "is not a text in UTF-8" in refused.stderr


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


@pytest.mark.long
def test_two_people_at_the_command_line(tmp_path: Path) -> None:
    """With `approval.required` a login does not do: who decides is known by a person's token, and names a rehearsal."""
    state, file, orders, config = (tmp_path / name for name in ("state", "program.toml", "orders.csv", "laurels.toml"))
    file.write_text(DOUBLED)
    orders.write_text(ORDERS)
    config.write_text("approval.required = true\n")
    where = ("--state", state, "--config", config)
    assert laurels("import", orders, *where).returncode == 0
    refused = laurels("program", "submit", file, *where)
    assert (refused.returncode, "LAURELS_TOKEN" in refused.stderr) == (1, True)
    ann, bob = (_token(state, sub) for sub in ("ann", "bob"))
    told = laurels("program", "rehearse", file, *where).stdout
    assert "not kept" in told
    digest = laurels("program", "submit", file, *where, LAURELS_TOKEN=ann).stdout.split()[-1]
    told = laurels("program", "rehearse", file, *where).stdout
    assert "points: 3 -> 5 (+2)" in told
    rehearsal = told.splitlines()[-1].split()[1]
    approve = ("program", "approve", digest, "--rehearsal", rehearsal[:10], *where)
    for token, says in ((ann, "same person"), ("nonsense", "not valid")):
        refused = laurels(*approve, LAURELS_TOKEN=token)
        assert (refused.returncode, says in refused.stderr) == (1, True), refused.stderr
    refused = laurels("program", "approve", digest, *where, LAURELS_TOKEN=bob)
    assert (refused.returncode, "names the rehearsal" in refused.stderr) == (1, True), refused.stderr
    assert "version 2 is published" in laurels(*approve, LAURELS_TOKEN=bob).stdout
    refused = laurels("program", "stop", "double", "--why", "no", *where)
    assert (refused.returncode, "no campaign double" in refused.stderr) == (1, True)
    assert laurels("verify", *where).returncode == 0


def _token(state: Path, sub: str) -> str:
    """What a console signs for a person."""
    settings = settings_with(state=state)
    return PersonTokens(console_key(settings), clock.now).sign(sub, sub, ["program", "approver"])
