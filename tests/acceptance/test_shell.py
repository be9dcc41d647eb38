"""What a shell offers beside the commands: `-h`, completion, and how much is logged in which form."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.engines import needs_native

COMMAND = [str(Path(sys.executable).parent / "laurels")]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
        env={**os.environ, "COLUMNS": "120", **environment},
    )


@pytest.mark.parametrize(
    "command",
    [[], *(pytest.param(each, marks=pytest.mark.long) for each in (["serve"], ["work"], ["members", "enrol"]))],
)
def test_h_is_help(command: list[str]) -> None:
    assert run(*command, "-h").stdout == run(*command, "--help").stdout


def test_a_command_is_completed() -> None:
    completed = run(_LAURELS_COMPLETE="complete_bash", COMP_WORDS="laurels qua", COMP_CWORD="1")
    assert completed.stdout.split() == ["quarantine"]
    shown = run("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "complete_bash" in shown.stdout


def rebuild_warning(tmp_path: Path, **environment: str) -> str:
    """What is logged where a board is thrown away: one warning."""
    state = ["--state", str(tmp_path / "state")]
    run("migrate", *state)
    run("members", "enrol", "ann", *state)
    run("project", "--once", *state)
    return run("rebuild", *state, **environment).stderr


@needs_native
@pytest.mark.parametrize("form", [{}, {"LAURELS_LOG_FORMAT": "json"}, {"LAURELS_LOG_FORMAT": "auto"}])
def test_elsewhere_than_on_a_terminal_the_log_is_json(tmp_path: Path, form: dict[str, str]) -> None:
    [line] = rebuild_warning(tmp_path, **form).splitlines()
    assert json.loads(line)["event"] == "leaderboard.rebuild"


@needs_native
def test_the_log_is_text_where_that_is_asked_for(tmp_path: Path) -> None:
    [line] = rebuild_warning(tmp_path, LAURELS_LOG_FORMAT="text").splitlines()
    assert "[warning" in line
    assert "leaderboard.rebuild" in line


@needs_native
def test_less_is_logged_where_that_is_asked_for(tmp_path: Path) -> None:
    assert rebuild_warning(tmp_path, LAURELS_LOG_LEVEL="error") == ""
