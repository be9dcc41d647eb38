"""A process that may open few files says so, whichever it cannot open: it is no fault of Laurels to be reported."""

import subprocess
import sys
from pathlib import Path

import pytest

WRONG_USE = 2


@pytest.mark.parametrize("most", [8, 9])
def test_few_files_are_named(tmp_path: Path, most: int) -> None:
    limited = ["sh", "-c", f'ulimit -n {most} && exec "$@"', "sh", sys.executable, "-m", "laurels", "work", "--once"]
    done = subprocess.run(
        [*limited, "--state", tmp_path / "state"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == WRONG_USE, done.stderr
    assert "laurels: No more files can be opened" in done.stderr
    assert "report this" not in done.stderr
    assert "never awaited" not in done.stderr
