"""Does a board say what the ledger says? Adds the whole feed up anew, sorts, and compares place by place."""

from collections.abc import AsyncIterator

from laurels.leaderboard.boards import ALL_TIME, Boards
from laurels.leaderboard.changes import Change, Erased, Hidden, Joined, Merged, Scored, Unhidden, changes_of
from laurels.leaderboard.port import BoardRow, Leaderboard
from laurels.leaderboard.projector import CHUNK
from laurels.ledger import Finding, Ledger, Progress
from laurels.model import Mark, Version
from laurels.model.entries import within_points

MOST_TRIES = 100
"""How often a board that changes while it is being looked at is looked at again."""


async def compare(
    ledger: Ledger, leaderboard: Leaderboard, boards: Boards, progress: Progress | None = None, *, since: int = 0
) -> list[Finding]:
    """What a leaderboard shows differently from the ledger up to the leaderboard's own version; empty when nothing.
    Months before `since` (202611) are not looked at.

    Another process may keep the leaderboard up to date meanwhile. Costs a pass over the feed, and memory for every
    member's scores.
    """
    sums = _Sums(ledger, boards, since)
    await sums.follow(await _version(leaderboard), progress)
    findings: list[Finding] = []
    for board in sorted(sums.scores):
        findings.extend(await _compare_board(leaderboard, board, sums))
    return findings


async def _compare_board(leaderboard: Leaderboard, board: str, sums: "_Sums") -> list[Finding]:
    """Compare at a version that the board had both before and after its standings began."""
    for _ in range(MOST_TRIES):
        version = await _version(leaderboard)
        await sums.follow(version)
        chunks = leaderboard.standings(board)
        first: list[BoardRow] = await anext(chunks, [])
        if await _version(leaderboard) == version:
            return await _differences(board, first, chunks, sums.ranked(board))
    return [Finding(f"board {board}", "changes too often to be compared: verify in a quieter moment")]


async def _version(leaderboard: Leaderboard) -> Version:
    return (await leaderboard.read(ALL_TIME, None, top=0, around=0)).version


class _Sums:
    """What the feed adds up to so far: scores by board and member number, and who is shown under which id."""

    def __init__(self, ledger: Ledger, boards: Boards, since: int) -> None:
        self.scores: dict[str, dict[int, int]] = {}
        self._ledger = ledger
        self._boards = boards
        self._since = since
        self._marks: dict[int, Mark] = {}
        self._ids: dict[int, str] = {}
        self._hidden: set[int] = set()
        self._into: dict[int, int] = {}

    async def follow(self, version: Version, progress: Progress | None = None) -> None:
        """Take the entries up to a version."""
        done, total = 0, sum(version.positions.values())
        for shard, upto in sorted(version.positions.items()):
            mark = self._marks.get(shard, Mark())
            while mark.position < upto:
                entries, mark = await self._ledger.board_entries(shard, mark, min(CHUNK, upto - mark.position))
                for _, change in changes_of(entries, self._boards, self._since):
                    self.take(change)
                self._marks[shard] = mark
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
            case Unhidden(member):
                self._hidden.discard(member)
            case Erased(member):
                self._ids.pop(member, None)
            case Merged(member, into):
                self._into.setdefault(member, into)

    def ranked(self, board: str) -> list[tuple[str, int]]:
        """(member_id, points) in board order."""
        sums: dict[int, int] = {}
        for member, points in self.scores[board].items():
            root = self._root(member)
            sums[root] = sums.get(root, 0) + points
        keys = sorted((-within_points(points), member) for member, points in sums.items() if points >= 1)
        return [(self._ids[member], -key) for key, member in keys if member in self._ids and member not in self._hidden]

    def _root(self, member: int) -> int:
        """The member that a number stands for, after all merges."""
        while member in self._into:
            member = self._into[member]
        return member


async def _differences(
    board: str, first: list[BoardRow], others: AsyncIterator[list[BoardRow]], expected: list[tuple[str, int]]
) -> list[Finding]:
    findings = []
    place = 0
    rank = 0
    chunk: list[BoardRow] | None = first
    while chunk:
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
        chunk = await anext(others, None)
    if place != len(expected):
        findings.append(Finding(f"board {board}", f"has {place} places, the ledger says {len(expected)}"))
    return findings
