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


_FILLED = """
import os, resource, sys
from pathlib import Path
from laurels import clock
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import LaurelsError

folder = Path(sys.argv[1])
SqliteLedger.open(folder / "laurels.db", clock.now, 1)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
free = int(sys.argv[2])
opened = []
try:
    while True:
        opened.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    for each in opened[:free]:
        os.close(each)
try:
    SqliteLedger.open(folder / "laurels.db", clock.now, 1)
except LaurelsError as error:
    print(error.message)
"""


@pytest.mark.parametrize("free", [0, 1, 2])
def test_a_ledger_that_cannot_be_opened_for_want_of_descriptors_says_so(tmp_path: Path, free: int) -> None:
    """SQLite says of its file that it cannot be opened, and not why: neither its path nor its rights are wrong."""
    done = subprocess.run(
        [sys.executable, "-c", _FILLED, tmp_path, str(free)], capture_output=True, text=True, timeout=120, check=False
    )
    assert "No more files can be opened: raise the limit (ulimit -n, LimitNOFILE)" in done.stdout, done.stderr
