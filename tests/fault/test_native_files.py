"""The native board's files truncated, altered, foreign: refused and rebuilt from the ledger, or at the least no process
dies of them.
"""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY
from tests.engines import native_leaderboard, needs_native

from laurels.errors import BoardNotReady
from laurels.leaderboard import ALL_TIME, Change
from laurels.testing.leaderboard_feeds import FOLLOWED, join, mark, member_id, score

pytestmark = [pytest.mark.anyio, needs_native]

MEMBERS = 2_000
FLIPS = 40

READ_EVERYTHING = """
import asyncio, sys
from pathlib import Path
from tests.engines import native_leaderboard
from laurels.errors import BoardNotReady, FeedDiverged
from laurels.testing.leaderboard_feeds import member_id

async def read(directory):
    board = native_leaderboard(directory)
    for member in range(0, 2_100, 7):
        try:
            await board.read("all-time", member_id(member), top=100, around=50)
            board.render("all-time", member_id(member), top=100, around=50, now=2, stale_after=1)
        except BoardNotReady:
            pass
    try:
        async for rows in board.standings("all-time"):
            pass
    except (BoardNotReady, FeedDiverged):
        pass

for directory in sorted(Path(sys.argv[1]).iterdir()):
    print(directory.name, flush=True)
    asyncio.run(read(directory))
"""


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _overwrite_head(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"SQLite format 3\x00" * 16)


def _flip_in_head(path: Path) -> None:
    with path.open("r+b") as file:
        head = bytearray(file.read(64))
        head[len(head) // 2] ^= 0xFF
        file.seek(0)
        file.write(head)


@pytest.fixture
def seed() -> int:
    seed = int(os.environ.get("LAURELS_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"LAURELS_TEST_SEED={seed} repeats this")
    return seed


async def _fill(directory: Path) -> None:
    board = native_leaderboard(directory)
    await board.reset(FOLLOWED)
    scores = {member: 1 + member % 97 for member in range(MEMBERS)}
    changes: list[Change] = [*join(*range(MEMBERS)), *score(scores)]
    await board.apply(0, list(enumerate(changes, 1)), mark(len(changes)))
    await board.confirm(1)
    await board.close()


def _read_everything(directory: Path) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-c", READ_EVERYTHING, str(directory)]
    return subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, timeout=60)


def _files(directory: Path) -> list[Path]:
    """The files that hold something."""
    return sorted(path for path in directory.rglob("*") if path.is_file() and path.stat().st_size)


@pytest.mark.parametrize("harm", [_truncate, _empty, _overwrite_head, _flip_in_head])
async def test_what_is_refused_is_rebuilt_and_the_rest_is_right(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    """Each file in turn. Refused, it begins anew: the projector sees a board that follows nothing, and rebuilds."""
    whole = tmp_path / "whole"
    await _fill(whole)
    refused = 0
    for file in _files(whole):
        harmed = tmp_path / "harmed"
        shutil.copytree(whole, harmed)
        harm(harmed / file.relative_to(whole))
        board = native_leaderboard(harmed)
        if (await board.followed()).identity is None:
            refused += 1
            with pytest.raises(BoardNotReady):
                await board.read(ALL_TIME, None, top=1, around=0)
            await board.reset(FOLLOWED)
            changes: list[Change] = [*join(0), *score({0: 5})]
            await board.apply(0, list(enumerate(changes, 1)), mark(2))
            await board.confirm(2)
            assert (await board.read(ALL_TIME, member_id(0), top=1, around=0)).ranked == 1
        else:
            board._check()
            assert (await board.read(ALL_TIME, None, top=1, around=0)).ranked == MEMBERS
        await board.close()
        shutil.rmtree(harmed)
    assert refused


async def test_a_reader_of_a_refused_file_is_told_that_the_board_is_not_ready(tmp_path: Path) -> None:
    await _fill(tmp_path)
    for file in _files(tmp_path):
        _overwrite_head(file)
    with pytest.raises(BoardNotReady):
        await native_leaderboard(tmp_path).read(ALL_TIME, None, top=1, around=0)


async def test_no_altered_byte_ends_a_process(tmp_path: Path, seed: int) -> None:
    """Whatever the files hold, every index is checked before it is followed."""
    dice = random.Random(seed)
    whole = tmp_path / "whole"
    await _fill(whole)
    for number in range(FLIPS):
        harmed = tmp_path / "harmed" / str(number)
        shutil.copytree(whole, harmed)
        for file in _files(harmed):
            content = bytearray(file.read_bytes())
            for _ in range(dice.choice((1, 100, 10_000))):
                content[dice.randrange(len(content))] = dice.randrange(256)
            file.write_bytes(content)
    reading = _read_everything(tmp_path / "harmed")
    assert reading.returncode == 0, f"at {reading.stdout.split()[-1:]}: {reading.stderr.decode()}"
