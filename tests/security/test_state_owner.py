"""Root does not work in another user's state directory: that user's `laurels serve` could not open what it made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from laurels.errors import SettingsError
from laurels.wiring.owner import check_owner

SOMEBODY = 12_345

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")


def run(*command: str, state: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "laurels", *command, "--state", str(state)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@needs_root
def test_root_is_refused_in_one_line_and_makes_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    run("migrate", state=state)
    run("members", "enrol", "ann", state=state)
    for path in (state, *state.rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY)
    before = {path: path.stat() for path in state.rglob("*")}
    for command in ("rebuild", "top", "verify", "work --once", "serve --port 0", "migrate", "token --member ann"):
        ended = run(*command.split(), state=state)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert f"belongs to the user #{SOMEBODY}" in ended.stderr
        assert f"sudo -u '#{SOMEBODY}' laurels" in ended.stderr
        assert ended.stderr.count("\n") == 1
    assert {path: path.stat() for path in state.rglob("*")} == before


def test_others_work_where_they_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_owner(tmp_path / "nowhere")
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
    check_owner(tmp_path)


def test_root_works_in_its_own_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    owner = tmp_path.stat().st_uid
    if owner == 0:
        check_owner(tmp_path)
    else:
        with pytest.raises(SettingsError, match="sudo -u"):
            check_owner(tmp_path)
