"""A full disk under the native board: what is on the board stays right, and with room it goes on where it was."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.engines import native_leaderboard, needs_native

from laurels.errors import BoardUnavailable
from laurels.leaderboard import ALL_TIME, Change
from laurels.model import Mark
from laurels.testing.leaderboard_feeds import FOLLOWED, join, mark, member_id, score
from laurels.testing.naive_board import NaiveLeaderboard

if TYPE_CHECKING:
    from laurels.engines.native import NativeLeaderboard

pytestmark = [pytest.mark.anyio, needs_native]

SPACE_KIB = 4096
BATCH = 1_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SPACE_KIB}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.call(mount, stderr=subprocess.DEVNULL):
        pytest.skip("a file system of its own may be mounted by root alone")
    yield folder
    subprocess.check_call(["umount", str(folder)])


async def test_a_full_disk_leaves_the_board_right_and_it_goes_on_with_room(small_disk: Path) -> None:
    board, naive = native_leaderboard(small_disk / "board"), NaiveLeaderboard()
    await board.reset(FOLLOWED)
    await board.confirm(1)
    number = 0
    while await _is_applied(board, number):
        naive.apply(0, *_batch(number))
        number += 1
    changes, upto = _batch(number)
    reached = (await board.read(ALL_TIME, None, top=0, around=0)).version.positions[0]
    assert 2 * BATCH * number <= reached < 2 * BATCH * (number + 1)
    naive.apply(0, [each for each in changes if each[0] <= reached], mark(reached))
    await _agrees(board, naive, reached)
    await board.confirm(2)
    _give_room(small_disk)
    await board.apply(0, changes, upto)
    naive.apply(0, changes, upto)
    board._check()
    await _agrees(board, naive, upto.position)
    await board.close()


async def _is_applied(board: "NativeLeaderboard", number: int) -> bool:
    try:
        await board.apply(0, *_batch(number))
    except BoardUnavailable:
        return False
    return True


def _batch(number: int) -> tuple[list[tuple[int, Change]], Mark]:
    """The enrolments of some members, and their points."""
    members = range(number * BATCH, (number + 1) * BATCH)
    changes: list[Change] = [*join(*members), *score({member: 1 + member % 89 for member in members})]
    first = number * len(changes) + 1
    return list(enumerate(changes, first)), mark(first + len(changes) - 1)


def _give_room(folder: Path) -> None:
    subprocess.check_call(["mount", "-o", f"remount,size={4 * SPACE_KIB}k", str(folder)])


async def _agrees(board: "NativeLeaderboard", naive: NaiveLeaderboard, position: int) -> None:
    for who in (member_id(0), member_id(BATCH - 1), None):
        view = await board.read(ALL_TIME, who, top=100, around=50)
        assert view.version.positions == {0: position}
        expected = naive.read(ALL_TIME, who, top=100, around=50)
        assert (view.ranked, list(view.top), view.me, list(view.around)) == expected
    assert [row async for rows in board.standings(ALL_TIME) for row in rows] == naive.standings(ALL_TIME)
