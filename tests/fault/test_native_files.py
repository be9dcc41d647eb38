"""The native board's files truncated, altered, foreign: refused and rebuilt from the ledger, or at the least no process
dies of them.
"""

import asyncio
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY
from tests.engines import native_leaderboard, needs_native

from laurels.errors import BoardMoved, BoardNotReady
from laurels.leaderboard import ALL_TIME, Change
from laurels.testing.leaderboard_feeds import FOLLOWED, ScriptedFeed, join, mark, member_id, score

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
    return subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, timeout=200)


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
    rng = random.Random(seed)
    whole = tmp_path / "whole"
    await _fill(whole)
    for number in range(FLIPS):
        harmed = tmp_path / "harmed" / str(number)
        shutil.copytree(whole, harmed)
        for file in _files(harmed):
            content = bytearray(file.read_bytes())
            for _ in range(rng.choice((1, 100, 10_000))):
                content[rng.randrange(len(content))] = rng.randrange(256)
            file.write_bytes(content)
    reading = _read_everything(tmp_path / "harmed")
    assert reading.returncode == 0, f"at {reading.stdout.split()[-1:]}: {reading.stderr.decode()}"


OVERWRITTEN = ["board-0", "members", "slots", "control"]


def _overwrite(directory: Path, name: str, rng: random.Random) -> None:
    [path] = directory.rglob(name)
    with path.open("r+b") as file:
        file.seek(
            1_000 if name == "control" else 64
        )  # behind what is looked at when it is opened, and before each read
        file.write(rng.randbytes(min(path.stat().st_size - file.tell(), 60_000)))


@pytest.mark.parametrize("name", OVERWRITTEN)
async def test_random_bytes_under_a_running_board_are_noticed_said_and_mended(
    tmp_path: Path, seed: int, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """No answer under them says that it is fresh and is wrong for long: a reader, or the writer by itself, comes across
    what cannot be, logs it, and the board is built again from the feed.
    """
    rng = random.Random(seed)
    await _fill(tmp_path)
    writer, reader = native_leaderboard(tmp_path), native_leaderboard(tmp_path)
    assert (await writer.followed()).identity == FOLLOWED.identity
    _overwrite(tmp_path, name, rng)
    for at in range(2, 10_000):
        with suppress(BoardNotReady):
            await reader.read(ALL_TIME, member_id(rng.randrange(MEMBERS)), top=10, around=2)
        try:
            await writer.confirm(at)
        except BoardMoved:
            break
    else:
        pytest.fail("nobody noticed")
    assert "leaderboard.damaged" in "".join(capfd.readouterr())
    with suppress(BoardNotReady):
        assert (await reader.read(ALL_TIME, None, top=0, around=0)).confirmed_at == 0, "it is as stale as can be"
    assert (await writer.followed()).identity is None
    await writer.reset(FOLLOWED)
    scores = {member: 1 + member % 97 for member in range(MEMBERS)}
    changes: list[Change] = [*join(*range(MEMBERS)), *score(scores)]
    await writer.apply(0, list(enumerate(changes, 1)), mark(len(changes)))
    await writer.confirm(7)
    view = await reader.read(ALL_TIME, member_id(96), top=1, around=0)
    assert (view.ranked, view.confirmed_at) == (MEMBERS, 7)
    assert view.me is not None
    assert (view.me.rank, view.me.points) == (1, 97)
    await writer.confirm(8)
    writer._check()
    await reader.close()
    await writer.close()


async def test_a_board_that_was_found_damaged_is_not_taken_up_again(tmp_path: Path) -> None:
    """The writer ended before it was built anew: the next one begins from nothing too."""
    await _fill(tmp_path)
    first = native_leaderboard(tmp_path)
    await first.followed()
    folder = (tmp_path / "current").read_text()
    (tmp_path / "damaged").write_text(folder)  # as a reader reports it
    with pytest.raises(BoardMoved):
        await first.confirm(2)
    await first.close()
    second = native_leaderboard(tmp_path)
    assert (await second.followed()).identity is None
    await second.close()


async def test_a_report_about_an_earlier_folder_is_nothing(tmp_path: Path) -> None:
    await _fill(tmp_path)
    board = native_leaderboard(tmp_path)
    await board.followed()
    (tmp_path / "damaged").write_text("g999")
    await board.confirm(2)
    assert (await board.read(ALL_TIME, None, top=0, around=0)).confirmed_at == 2
    assert not (tmp_path / "damaged").exists()
    await board.close()


WITHOUT_DESCRIPTORS = """
import asyncio, os, resource, sys
from pathlib import Path
from tests.engines import native_leaderboard
from laurels.testing.leaderboard_feeds import member_id

async def read(board, ranked):
    view = await board.read("all-time", member_id(ranked - 1), top=3, around=1)
    print(view.ranked, view.me.points, flush=True)

async def main(board):
    await read(board, int(input()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    taken = []
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    while ranked := int(input()):
        await read(board, ranked)

asyncio.run(main(native_leaderboard(Path(sys.argv[1]))))
"""


async def test_a_reader_without_descriptors_goes_on_when_files_are_replaced(tmp_path: Path) -> None:
    """Files grow, again and again, and a whole board is built anew."""
    board = native_leaderboard(tmp_path)
    feed = ScriptedFeed(board)
    await feed.begin(*join(*range(10)), *score(dict.fromkeys(range(10), 1)))
    command = [sys.executable, "-c", WITHOUT_DESCRIPTORS, str(tmp_path)]
    with subprocess.Popen(  # noqa: ASYNC220 - starting it blocks, and nothing else runs here
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None

        async def expect(ranked: int, points: int) -> None:
            assert reader.stdin is not None
            assert reader.stdout is not None
            print(ranked, file=reader.stdin, flush=True)
            assert (await asyncio.to_thread(reader.stdout.readline)).split() == [str(ranked), str(points)]

        await expect(10, 1)
        for ranked in (2_000, 8_000, 20_000):
            new = range((await board.read(ALL_TIME, None, top=0, around=0)).ranked, ranked)
            await feed.add(*join(*new), *score(dict.fromkeys(new, 2)))
            await expect(ranked, 2)
        await feed.begin(*join(0), *score({0: 9}))
        await expect(1, 9)
        print(0, file=reader.stdin, flush=True)
        assert reader.wait(timeout=60) == 0
    await board.close()


async def test_one_board_too_many_is_that_boards_fault_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The others go on; who asks for it is told, in the answer and in the log."""
    import laurels_core  # noqa: PLC0415 - may not be there

    board = native_leaderboard(tmp_path)
    names = [f"b-{number}" for number in range(laurels_core.MOST_BOARDS - 1)]
    scored = [change for name in names for change in score({0: 1}, name)]
    feed = ScriptedFeed(board)
    await feed.begin(*join(0, 1), *score({0: 5}), *scored)
    await feed.add(*score({0: 1}, "one-more"), *score({0: 2, 1: 1}))
    await board.confirm(2)
    assert (await board.read(ALL_TIME, member_id(0), top=1, around=0)).top[0].points == 7
    with pytest.raises(BoardNotReady, match="one-more is none of them"):
        await board.read("one-more", member_id(0), top=1, around=0)
    assert "leaderboard.too_many_boards" in "".join(capfd.readouterr())
    await board.close()
