"""Does a board say what the ledger says? Adds the whole feed up anew, sorts, and compares place by place."""

from contextlib import suppress

from laurels.errors import FeedDiverged
from laurels.leaderboard.boards import ALL_TIME, Boards
from laurels.leaderboard.changes import Change, Erased, Hidden, Joined, Scored, Shown, changes_of
from laurels.leaderboard.port import Leaderboard
from laurels.leaderboard.projector import CHUNK, Progress
from laurels.ledger import Finding, Ledger
from laurels.model import Mark, Version
from laurels.model.entries import within_points

MOST_LOOKS = 20
"""How often a board that moves on meanwhile is looked at again."""


async def compare(
    ledger: Ledger, leaderboard: Leaderboard, boards: Boards, progress: Progress | None = None
) -> list[Finding]:
    """What a leaderboard shows differently from the ledger up to the leaderboard's own version; empty when nothing.

    Costs a pass over the feed, and memory for every member's scores. Where another process moves the leaderboard on
    meanwhile, what came is added and the boards are looked at again; raises `FeedDiverged` where that never ends.
    """
    sums = _Sums()
    for _ in range(MOST_LOOKS):
        version = await _served(leaderboard)
        if not version.includes(sums.version):  # rebuilt meanwhile, and maybe from another ledger
            sums = _Sums()
        await sums.take_up_to(version, ledger, boards, progress)
        with suppress(FeedDiverged):
            findings = [
                finding
                for board in sorted(sums.scores)
                for finding in await _differences(leaderboard, board, sums.ranked(board))
            ]
            if await _served(leaderboard) == version:
                return findings
    raise FeedDiverged("The board changes faster than it can be compared. Try again when there is less to do.")


async def _served(leaderboard: Leaderboard) -> Version:
    return (await leaderboard.read(ALL_TIME, None, top=0, around=0)).version


class _Sums:
    """Scores by board and member number, and who is shown under which id."""

    def __init__(self) -> None:
        self.scores: dict[str, dict[int, int]] = {}
        self._marks: dict[int, Mark] = {}
        self._epoch = 0
        self._ids: dict[int, str] = {}
        self._hidden: set[int] = set()

    @property
    def version(self) -> Version:
        """How far the feed was taken."""
        return Version(self._epoch, {shard: mark.position for shard, mark in self._marks.items()})

    async def take_up_to(
        self, version: Version, ledger: Ledger, boards: Boards, progress: Progress | None = None
    ) -> None:
        """Take what comes after the last version, up to this one."""
        self._epoch = version.epoch
        done, total = sum(self.version.positions.values()), sum(version.positions.values())
        for shard, position in sorted(version.positions.items()):
            mark = self._marks.get(shard, Mark())
            while mark.position < position:
                entries = await ledger.feed(shard, mark, min(CHUNK, position - mark.position))
                for entry in entries:
                    for change in changes_of(entry, boards):
                        self.take(change)
                mark = self._marks[shard] = Mark(entries[-1].position, entries[-1].hash)
                done += len(entries)
                if progress is not None:
                    progress(done, total)

    def take(self, change: Change) -> None:
        match change:
            case Scored(member, board, points):
                scores = self.scores.setdefault(board, {})
                scores[member] = scores.get(member, 0) + points
            case Joined(member, str(member_id), _):  # without an id: erased since
                self._ids[member] = member_id
            case Hidden(member):
                self._hidden.add(member)
            case Shown(member):
                self._hidden.discard(member)
            case Erased(member):
                self._ids.pop(member, None)

    def ranked(self, board: str) -> list[tuple[str, int]]:
        """(member_id, points) in board order."""
        keys = sorted((-within_points(points), member) for member, points in self.scores[board].items() if points >= 1)
        return [(self._ids[member], -key) for key, member in keys if member in self._ids and member not in self._hidden]


async def _differences(leaderboard: Leaderboard, board: str, expected: list[tuple[str, int]]) -> list[Finding]:
    findings = []
    place = 0
    rank = 0
    async for chunk in leaderboard.standings(board):
        for member_id, points, shown_rank, position in chunk:
            place += 1
            if place > len(expected):
                continue
            if place == 1 or points != expected[place - 2][1]:
                rank = place
            wanted = (*expected[place - 1], rank, place)
            if (member_id, points, shown_rank, position) != wanted:
                findings.append(
                    Finding(
                        f"board {board}, place {place}",
                        f"shows {(member_id, points, shown_rank, position)}, the ledger says {wanted}",
                    )
                )
    if place != len(expected):
        findings.append(Finding(f"board {board}", f"has {place} places, the ledger says {len(expected)}"))
    return findings
