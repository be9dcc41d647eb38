"""The native board's writer is killed again and again, anywhere inside an update: readers go on with answers that
existed, and the next writer goes on where it was.
"""

import json
import os
import random
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY
from tests.engines import needs_native

KILLS = 15
READERS = 2
PATIENCE_S = 30


@pytest.fixture
def seed() -> int:
    seed = int(os.environ.get("LAURELS_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"LAURELS_TEST_SEED={seed} repeats this")
    return seed


@needs_native
@pytest.mark.slow
def test_readers_see_only_answers_that_existed_while_writers_are_killed(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    with ExitStack() as stack:
        readers = [stack.enter_context(_process("read", tmp_path, seed)) for _ in range(READERS)]
        starts = [_write_until_killed(tmp_path, seed, dice.uniform(0.005, 0.3)) for _ in range(KILLS)]
        starts.append(_write_until_killed(tmp_path, seed, 0.0))
        seen = []
        for reader in readers:
            told, _ = reader.communicate("stop", timeout=PATIENCE_S)
            assert reader.returncode == 0, "a reader saw what never was: its traceback is above"
            seen.append(json.loads(told))
    print(f"the writers began at {starts}; the readers: {seen}")
    assert starts == sorted(starts)
    assert starts[-1] > 0
    for one in seen:
        assert one["answers"] > 100 * KILLS
        assert one["versions"] > KILLS
        assert one["at"] >= starts[-1]


def _write_until_killed(directory: Path, seed: int, seconds: float) -> int:
    """Run a writer for so long after it began to follow the feed; where it began."""
    with _process("write", directory, seed) as writer:
        assert writer.stdout is not None
        start = writer.stdout.readline()
        assert start, "the writer ended by itself: its traceback is above"
        time.sleep(seconds)
        assert writer.poll() is None, "the writer ended by itself: its traceback is above"
        writer.kill()
    return int(start)


def _process(role: str, directory: Path, seed: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.fault.native_process", role, str(directory), str(seed)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
