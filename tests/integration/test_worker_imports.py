"""What a worker loads: nothing of the command line, of files or of mail, which cost memory in every process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from laurels.engines.sqlite import SqliteLedger

UNWANTED = ("polars", "rich", "jinja2", "typer", "litestar", "uvicorn")

RUN = """
import json, sys
from laurels.cli import main
sys.argv = ["laurels", *sys.argv[1:]]
try:
    main()
finally:
    sys.stderr.write(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("command", ["work", "project", "notify"])
def test_a_worker_loads_only_what_it_needs(command: str, tmp_path: Path) -> None:
    SqliteLedger.open(tmp_path / "state" / "laurels.db")
    ended = subprocess.run(
        [sys.executable, "-c", RUN, command, "--once", "--state", str(tmp_path / "state")],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = json.loads(ended.stderr.splitlines()[-1])
    assert "laurels.runtime.serving" in loaded, "it ran"
    assert ended.stdout.strip(), "and said what it did"
    assert [name for name in loaded if name.partition(".")[0] in UNWANTED] == []


def test_what_is_wrong_with_a_command_is_said_by_the_command_line(tmp_path: Path) -> None:
    for arguments, said in (
        (["work", "--twice"], "No such option"),
        (["work", "--state"], "requires an argument"),
        (["project", "--help"], "Keep the leaderboard up to date"),
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "laurels", *arguments], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert said in ended.stdout + ended.stderr
        assert ended.returncode == (0 if "--help" in arguments else 2)
