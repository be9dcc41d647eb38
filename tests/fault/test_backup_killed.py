"""A backup that is killed leaves a copy of all members behind: the next one in that folder throws it away, and nothing
that another one is still writing.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.acceptance.command_line import laurels_here

from laurels.engines.sqlite.copying import DRAFTS, drafts_in

TRIES = 10
AT_ONCE, TIMES = 8, 300


def test_what_a_killed_backup_left_goes_with_the_next(tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    assert laurels_here("work", "--once", cwd=tmp_path).returncode == 0
    drafts: list[Path] = []
    for tried in range(TRIES):
        _begin_and_kill(tmp_path, backups, f"{tried}.db")
        if drafts := [*backups.glob(f"{DRAFTS}*/*.db")]:
            break
    assert drafts, "one was killed as it wrote"
    with drafts_in(backups) as another:
        assert [*backups.glob(f"{DRAFTS}*")] == [another], "nobody was at the one that was left"
        assert laurels_here("backup", backups / "whole.db", cwd=tmp_path).returncode == 0
        assert another.is_dir(), "somebody is at it"
    assert [path.name for path in backups.iterdir() if not path.name.removesuffix(".db").isdecimal()] == ["whole.db"]


def test_backups_that_begin_at_one_moment_leave_each_others_drafts(tmp_path: Path) -> None:
    """Such as those of several shops, at three at night."""

    def begin(_: int) -> None:
        with drafts_in(tmp_path) as folder:
            (folder / "copy.db").write_bytes(b"whole")
            assert (folder / "copy.db").read_bytes() == b"whole"

    with ThreadPoolExecutor(AT_ONCE) as many:
        assert list(many.map(begin, range(AT_ONCE * TIMES)))
    assert not [*tmp_path.iterdir()]


def _begin_and_kill(folder: Path, backups: Path, name: str) -> None:
    command = [sys.executable, "-m", "laurels", "backup", str(backups / name)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not [*backups.glob(f"{DRAFTS}*/*.db")]:
            time.sleep(0.001)
        process.kill()
