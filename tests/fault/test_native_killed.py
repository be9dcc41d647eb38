"""The native board's writer is killed again and again, anywhere inside an update: readers go on with answers that
existed, and the next writer goes on where it was.
"""

import json
import random
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY
from tests.engines import needs_native

KILLS = 20
"""In one round; `make soak` goes on with new rounds for minutes."""
READERS = 2
PATIENCE_S = 200


@needs_native
@pytest.mark.slow
def test_readers_see_only_answers_that_existed_while_writers_are_killed(tmp_path: Path, seed: int) -> None:
    kill_writers(tmp_path, seed)


def kill_writers(folder: Path, seed: int) -> None:
    """One round over an empty folder."""
    rng = random.Random(seed)
    with ExitStack() as stack:
        writers = stack.enter_context(_process("write", folder, seed))
        readers = [stack.enter_context(_process("read", folder, seed)) for _ in range(READERS)]
        told, _ = writers.communicate("".join(f"{rng.uniform(0, 0.2)}\n" for _ in range(KILLS)), timeout=PATIENCE_S)
        assert writers.returncode == 0, "a writer ended by itself: its traceback is above"
        starts = [int(start) for start in told.split()]
        seen = []
        for reader in readers:
            told, _ = reader.communicate("stop", timeout=PATIENCE_S)
            assert reader.returncode == 0, "a reader saw what never was: its traceback is above"
            seen.append(json.loads(told.splitlines()[-1]))  # before it: what was logged
    print(f"the writers began at {starts}; the readers: {seen}")
    assert len(starts) == KILLS
    assert starts == sorted(starts)
    for one in seen:
        assert one["answers"] > 0, "nothing was tried; how often is the machine's pace"
        assert one["versions"] > 0
        assert starts[-1] > 0
        assert one["at"] >= starts[-1] or not one["is_ready"], "all that the last writer found was seen"


def _process(role: str, directory: Path, seed: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.fault.native_process", role, str(directory), str(seed)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
