"""The command line as its user meets it: help with examples, wrong use, exit codes, and what goes to which stream."""

import json
from pathlib import Path

import pytest
from tests.acceptance.command_line import laurels as laurels_apart
from tests.acceptance.command_line import laurels_here as laurels

from laurels import __version__
from laurels.cli.app import app

COMMANDS = sorted(
    [command.name or command.callback.__name__.rstrip("_") for command in app.registered_commands if command.callback]
)
GROUPED = [
    f"{group.name} {command.name or (command.callback.__name__ if command.callback else '')}"
    for group in app.registered_groups
    if group.typer_instance
    for command in group.typer_instance.registered_commands
]

ONE_ORDER = "order_id,member_id,currency,total\nA1,ann,GBP,25.00\n"


def test_the_commands_are_those_of_the_wire() -> None:
    assert set(COMMANDS) >= {
        "serve", "work", "project", "notify", "import", "dashboard", "top", "explain", "export", "verify", "rebuild",
        "migrate", "token", "simulate", "bench", "demo",
    }  # fmt: skip
    assert {"members enrol", "members hide", "members show", "members rename", "members erase"} <= set(GROUPED)
    assert {"quarantine list", "quarantine show", "quarantine retry", "quarantine drop"} <= set(GROUPED)


def test_it_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    assert laurels_apart("--version").stdout.strip() == __version__
    laurels("migrate", cwd=tmp_path)
    assert laurels_apart("dashboard", "nobody", cwd=tmp_path).stderr == "laurels: No such member.\n"


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPED])
def test_every_command_helps_with_examples(command: str) -> None:
    done = laurels(*command.split(), "--help")
    assert done.returncode == 0
    assert f"laurels {command}" in done.stdout.split("Examples:")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["dashboard"], 2, "Missing argument"),
        (["dashboard", "nobody"], 1, "No such member"),
        (["explain", "A404"], 1, "There is no order A404"),
        (["top", "-n", "0"], 2, "greater than or equal"),
        (["top", "--board", "week"], 1, "No such board"),
        (["export", "standings", "--to", "x.doc"], 1, ".csv"),
        (["members", "hide", "nobody"], 1, "No such member"),
        (["members", "enrol", "a\u200bb"], 2, "member_id"),
        (["members", "enrol"], 2, "name at least one"),
        (["quarantine", "show", "7"], 1, "no document 7"),
        (["quarantine", "retry", "7"], 1, "no document 7"),
        (["token"], 2, "--member"),
        (["import", "missing.csv"], 1, "missing.csv"),
        (["import", "x.csv", "--preset", "odoo"], 2, "online-retail"),
        (["serve", "--port", "70000"], 2, "http.port"),
        (["dashboard", "ann", "--config", "missing.toml"], 2, "missing.toml"),
    ],
)
def test_wrong_use_is_one_line_and_an_exit_code(arguments: list[str], code: int, said: str, tmp_path: Path) -> None:
    laurels("migrate", cwd=tmp_path)
    done = laurels(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_setting_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "laurels.toml").write_text("[leaderbord]\nengine = 'memory'\n")
    done = laurels("top", cwd=tmp_path)
    assert done.returncode == 2
    assert "leaderbord.engine" in done.stderr
    assert "Did you mean leaderboard.engine?" in done.stderr
    done = laurels("top", cwd=tmp_path / "..", LAURELS_LEDGER_ULR="sqlite")
    assert "Did you mean LAURELS_LEDGER_URL?" in done.stderr


def test_flags_win_over_environment_and_environment_over_file(tmp_path: Path) -> None:
    (tmp_path / "laurels.toml").write_text('state = "from-file"\n')
    laurels("migrate", cwd=tmp_path)
    laurels("migrate", cwd=tmp_path, LAURELS_STATE="from-environment")
    laurels("migrate", "--state", "from-flag", cwd=tmp_path, LAURELS_STATE="from-environment-too")
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"from-file", "from-environment", "from-flag"}


def test_an_engine_that_cannot_run_is_an_error_never_another_one(tmp_path: Path) -> None:
    laurels("migrate", cwd=tmp_path)
    for setting, value in [("LEADERBOARD_ENGINE", "valkey"), ("LEDGER_URL", "mysql://localhost/x")]:
        done = laurels("top", cwd=tmp_path, **{f"LAURELS_{setting}": value})
        assert done.returncode == 2
        assert value.split(":", maxsplit=1)[0] in done.stderr


def test_json_alone_is_on_standard_output(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ONE_ORDER)
    assert laurels("import", "orders.csv", cwd=tmp_path).returncode == 0
    for arguments in (["top", "--json"], ["dashboard", "ann", "--json"], ["explain", "A1", "--json"]):
        done = laurels(*arguments, cwd=tmp_path)
        json.loads(done.stdout)
    assert json.loads(laurels("explain", "A1", "--json", cwd=tmp_path).stdout)["points"] == 3


def test_a_member_is_hidden_renamed_shown_and_erased(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ONE_ORDER)
    laurels("import", "orders.csv", cwd=tmp_path)

    def name() -> str:
        return str(json.loads(laurels("dashboard", "ann", "--json", cwd=tmp_path).stdout)["me"]["name"])

    first = name()
    assert laurels("members", "hide", "ann", cwd=tmp_path).returncode == 0
    assert json.loads(laurels("top", "--json", cwd=tmp_path).stdout)["top"] == []
    assert "hidden from the boards" in laurels("dashboard", "ann", cwd=tmp_path).stdout
    laurels("members", "rename", "ann", cwd=tmp_path)
    assert name() != first
    laurels("members", "show", "ann", cwd=tmp_path)
    assert len(json.loads(laurels("top", "--json", cwd=tmp_path).stdout)["top"]) == 1
    laurels("members", "erase", "ann", "--yes", cwd=tmp_path)
    assert laurels("dashboard", "ann", cwd=tmp_path).returncode == 1
    assert laurels("verify", cwd=tmp_path).returncode == 0


def test_what_cannot_be_awarded_is_listed_and_tried_again_by_the_rules_of_its_day(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,member_id,currency,total\nA1,ann,GBP,25.00\nA2,ann,USD,30.00\n")
    done = laurels("import", "orders.csv", cwd=tmp_path)
    assert (done.returncode, "1 in quarantine" in done.stdout) == (1, True), "not all of it was awarded"
    [document] = json.loads(laurels("quarantine", "list", "--json", cwd=tmp_path).stdout)
    assert document["id"] == "A2"
    assert "USD" in document["reason"]
    (tmp_path / "program.toml").write_text('version = 2\n[earn]\npoints = 1\nper = { GBP = "10.00", USD = "12.00" }\n')
    digest = laurels("program", "submit", "program.toml", cwd=tmp_path).stdout.split()[-1]
    assert laurels("program", "approve", digest, cwd=tmp_path).returncode == 0
    assert laurels("quarantine", "retry", str(document["number"]), cwd=tmp_path).returncode == 0
    laurels("work", "--once", cwd=tmp_path)
    assert "(version 1) gives no points for USD" in laurels("explain", "A2", cwd=tmp_path).stdout
    (tmp_path / "orders.csv").write_text("order_id,member_id,currency,total\nA3,ann,USD,30.00\n")
    assert laurels("import", "orders.csv", cwd=tmp_path).returncode == 0
    assert "30.00 USD / 12.00 = 2.5 -> 3 (half-up, version 2)" in laurels("explain", "A3", cwd=tmp_path).stdout
    [document] = json.loads(laurels("quarantine", "list", "--json", cwd=tmp_path).stdout)
    assert laurels("quarantine", "drop", str(document["number"]), "--yes", cwd=tmp_path).returncode == 0
    assert laurels("quarantine", "list", cwd=tmp_path).stdout.strip() == "The quarantine is empty."


def test_a_program_changed_under_its_version_is_refused(tmp_path: Path) -> None:
    laurels("work", "--once", cwd=tmp_path)
    (tmp_path / "program.toml").write_text('version = 1\n[earn]\npoints = 2\nper = { GBP = "10.00" }\n')
    done = laurels("top", cwd=tmp_path, LAURELS_PROGRAM_FILE="program.toml")
    assert done.returncode == 1
    assert "Give the changed program a new version" in done.stderr


def test_migrating_says_what_it_did(tmp_path: Path) -> None:
    assert "schema 0 ->" in laurels("migrate", cwd=tmp_path).stdout
    assert "nothing to do" in laurels("migrate", cwd=tmp_path).stdout
