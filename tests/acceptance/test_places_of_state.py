"""A state folder that cannot be one: whatever command is given it ends with a line that says so."""

from pathlib import Path

import pytest
from tests.acceptance.command_line import laurels, laurels_here
from tests.acceptance.test_every_command import COMMANDS

LEFT_OUT = {("console",), ("bench",), ("keys", "show")}
"""They look at their state when somebody comes, work beside it, or say that nothing is there."""

ROLES = {"serve", "demo"}
"""Take signals: they are processes of their own here."""

TAKE_STATE = [
    pytest.param(
        names, sum(each.param_type_name == "argument" and each.required for each in command.params), id=" ".join(names)
    )
    for names, command in COMMANDS.items()
    if names not in LEFT_OUT and any("--state" in each.opts for each in command.params)
]


@pytest.mark.long
@pytest.mark.parametrize(("names", "arguments"), TAKE_STATE)
def test_a_place_that_can_be_no_folder(names: tuple[str, ...], arguments: int, tmp_path: Path) -> None:
    agreed = ["--yes"] if any("--yes" in each.opts for each in COMMANDS[names].params) else []
    a_file = tmp_path / "file"
    a_file.write_text("not a folder")
    for state in (a_file, a_file / "below", tmp_path / ("long" * 100), Path("/proc/none")):
        run = laurels if names[0] in ROLES else laurels_here
        done = run(*names, *["7"] * arguments, *agreed, "--state", state, cwd=tmp_path)
        assert done.returncode in {1, 2}, (done.stdout, done.stderr)
        assert "A fault in Laurels" not in done.stderr
        assert "Traceback" not in done.stderr
    assert a_file.read_text() == "not a folder"
