"""Does a board say what the ledger says? Adds the whole feed up anew, sorts, and compares place by place."""

from laurels.leaderboard.boards import Boards
from laurels.leaderboard.changes import Change, Erased, Hidden, Joined, Scored, Shown, changes_of
from laurels.leaderboard.port import Leaderboard
from laurels.leaderboard.projector import CHUNK, Progress
from laurels.ledger import Finding, Ledger
from laurels.model import Mark
from laurels.model.entries import within_points


async def compare(
    ledger: Ledger, leaderboard: Leaderboard, boards: Boards, progress: Progress | None = None
) -> list[Finding]:
    """What a leaderboard shows differently from the ledger up to the leaderboard's own version; empty when nothing.

    Costs a pass over the feed, and memory for every member's scores.
    """
    sums = _Sums()
    marks = (await leaderboard.followed()).marks
    done, total = 0, sum(mark.position for mark in marks.values())
    for shard, upto in sorted(marks.items()):
        mark = Mark()
        while mark.position < upto.position:
            entries = await ledger.feed(shard, mark, min(CHUNK, upto.position - mark.position))
            for entry in entries:
                for change in changes_of(entry, boards):
                    sums.take(change)
            mark = Mark(entries[-1].position, entries[-1].hash)
            done += len(entries)
            if progress is not None:
                progress(done, total)
    findings: list[Finding] = []
    for board in sorted(sums.scores):
        findings.extend(await _differences(leaderboard, board, sums.ranked(board)))
    return findings


class _Sums:
    """Scores by board and member number, and who is shown under which id."""

    def __init__(self) -> None:
        self.scores: dict[str, dict[int, int]] = {}
        self._ids: dict[int, str] = {}
        self._hidden: set[int] = set()

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
