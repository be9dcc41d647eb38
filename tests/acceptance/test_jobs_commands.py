"""`laurels jobs`: what takes long, and what waits for a second person, at a terminal."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.acceptance.command_line import laurels_here as laurels
from tests.settings import settings_with

from laurels.ledger.jobs import NewJob
from laurels.wiring import build


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A ledger with a job that waits for its turn, and one that waits for approval."""

    async def made() -> None:
        async with build(settings_with(state=tmp_path / "state")) as services:
            for digest, proposed in (("a" * 64, False), ("b" * 64, True)):
                job = NewJob(kind="verify", actor="person:niamh", digest=digest, about=b"{}", proposed=proposed)
                await services.ledger.add_job(job)

    asyncio.run(made())
    return tmp_path / "state"


def test_jobs_are_listed_shown_and_stopped(state: Path) -> None:
    listed = json.loads(laurels("jobs", "list", "--json", "--state", state).stdout)
    assert [(each["number"], each["state"], each["actor"]) for each in listed] == [
        (2, "proposed", "person:niamh"),
        (1, "ready", "person:niamh"),
    ]
    assert "proposed" in laurels("jobs", "list", "--in", "proposed", "--state", state).stdout
    assert "There are no such jobs." in laurels("jobs", "list", "--in", "done", "--state", state).stdout
    for kind, is_there in (("verify", True), ("week", False)):
        assert ("proposed" in laurels("jobs", "list", "--kind", kind, "--state", state).stdout) is is_there
    assert "digest: " + "a" * 64 in laurels("jobs", "show", "1", "--state", state).stdout
    stopped = laurels("jobs", "stop", "1", "--state", state)
    assert (stopped.returncode, stopped.stdout) == (0, "It is stopped.\n")
    assert json.loads(laurels("jobs", "show", "1", "--json", "--state", state).stdout)["state"] == "stopped"
    for command in ("show", "stop"):
        missing = laurels("jobs", command, "99", "--state", state)
        assert (missing.returncode, len(missing.stderr.splitlines())) == (1, 1)
