"""What the contract asks a leaderboard, in the words of its tests."""

from collections.abc import Sequence
from random import Random

import pytest

from laurels.errors import BoardNotReady
from laurels.leaderboard import ALL_TIME, BoardRow, Leaderboard, View
from laurels.model import Standing, Version
from laurels.testing.leaderboard_feeds import BOARDS, member_id
from laurels.testing.naive_board import NaiveLeaderboard, Reading


async def members_of(engine: Leaderboard, board: str = ALL_TIME) -> list[int]:
    """The first hundred member numbers of a board."""
    return [place.member for place in (await engine.read(board, None, top=100, around=0)).top]


async def points_of(engine: Leaderboard, board: str = ALL_TIME) -> list[int]:
    """Their points."""
    return [place.points for place in (await engine.read(board, None, top=100, around=0)).top]


async def rows_of(engine: Leaderboard, board: str = ALL_TIME) -> list[BoardRow]:
    """The whole board."""
    return [row async for rows in engine.standings(board) for row in rows]


def ranked(member: int, points: int, *, rank: int, position: int, tied: int) -> Standing:
    """The standing of a member that joined by `join`."""
    return Standing(member, 1_000 + member, points, hidden=False, rank=rank, position=position, tied=tied)


def unranked(member: int, points: int, *, hidden: bool = False) -> Standing:
    """The standing of a member that joined by `join` and is on no board."""
    return Standing(member, 1_000 + member, points, hidden, rank=None, position=None, tied=0)


def reading(view: View) -> Reading:
    """What a view shows, whatever its version."""
    return view.ranked, list(view.top), view.me, list(view.around)


async def readings(engine: Leaderboard, members: int) -> list[Reading]:
    """What each of the first so many members sees on each board."""
    return [
        reading(await engine.read(board, member_id(member), top=10, around=2))
        for board in BOARDS
        for member in range(members)
    ]


def assert_agrees(view: View, expected: Reading) -> None:
    """Fail where a view shows anything else."""
    assert reading(view) == expected


async def agree(engine: Leaderboard, naive: NaiveLeaderboard, members: Sequence[int], rng: Random) -> None:
    """Fail where these members, or a whole board, are seen otherwise than by the naive board."""
    for board in BOARDS:
        assert await rows_of(engine, board) == naive.standings(board)
        for member in members:
            top, around = rng.randint(0, 12), rng.randint(0, 5)
            view = await engine.read(board, member_id(member), top=top, around=around)
            assert_agrees(view, naive.read(board, member_id(member), top=top, around=around))


async def assert_not_ready(engine: Leaderboard) -> None:
    """Fail where a board is served."""
    with pytest.raises(BoardNotReady):
        await engine.read(ALL_TIME, None, top=10, around=2)


async def wait_until_not(engine: Leaderboard, known: Version, timeout_s: float) -> Version:
    """Wait for a version other than this one, and give it."""
    while (version := (await engine.read(ALL_TIME, None, top=0, around=0)).version) == known:
        await engine.wait_for_change(known, timeout_s)
    return version
