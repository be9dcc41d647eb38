"""A board that follows a ledger, and the question whether it says what a rebuilt one says."""

from contextlib import suppress

from laurels.engines.memory import MemoryLeaderboard
from laurels.leaderboard import BoardRow, Boards, Leaderboard, Projector
from laurels.leaderboard.comparison import compare
from laurels.ledger import Heads, Ledger
from laurels.model import Mark
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import TurnedClock

PROGRAM = parse_program(DEFAULT_PROGRAM)

"""Member id, points, rank, position."""


class Board:
    """A leaderboard in memory, and the projector that keeps it."""

    def __init__(self, ledger: Ledger, now: TurnedClock) -> None:
        self._now = now
        self.leaderboard = MemoryLeaderboard()
        self.follow(ledger)

    def follow(self, ledger: Ledger) -> None:
        """From now on the feed comes from here; the board stays as it is until it is caught up."""
        self._ledger = ledger
        self._projector = Projector(ledger, self.leaderboard, Boards(PROGRAM.zone), PROGRAM.time_zone, self._now)

    async def catch_up(self) -> Heads:
        return await self._projector.catch_up()

    async def begin(self, *, replaying: bool = False) -> None:
        """Begin to catch up, or to replay, and break off after the first chunk."""

        def stop(*_: int) -> None:
            raise InterruptedError

        with suppress(InterruptedError):
            await (self._projector.replay(stop) if replaying else self._projector.catch_up(stop))

    async def standings(self, board: str = "all-time") -> list[BoardRow]:
        return await standings(self.leaderboard, board)

    async def check(self, *boards: str) -> None:
        """Fail where it lags behind, or shows another thing than the ledger or a board that is built anew."""
        await check_board(self._ledger, self.leaderboard, self._now, boards)


async def standings(leaderboard: Leaderboard, board: str = "all-time") -> list[BoardRow]:
    return [row async for chunk in leaderboard.standings(board) for row in chunk]


async def check_board(ledger: Ledger, leaderboard: Leaderboard, now: TurnedClock, boards: tuple[str, ...] = ()) -> None:
    """Fail where a board that was just caught up differs from the ledger, or from one that is built anew."""
    reached = _begun((await leaderboard.followed()).marks)
    assert reached == _begun((await ledger.heads()).marks)
    assert await compare(ledger, leaderboard, Boards(PROGRAM.zone)) == []
    anew = Board(ledger, now)
    await anew.catch_up()
    assert _begun((await anew.leaderboard.followed()).marks) == reached
    for board in ("all-time", *boards):
        shown = await standings(leaderboard, board)
        assert shown == await anew.standings(board)
        for member_id, *_ in shown:
            assert await ledger.member(member_id), "who was erased is on a board"


def _begun(marks: dict[int, Mark]) -> dict[int, Mark]:
    """Without the shards that have no entry: whether a board names them depends on how it was built."""
    return {shard: mark for shard, mark in marks.items() if mark.position}
