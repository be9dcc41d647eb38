"""The slow, obvious twin of every leaderboard: dictionaries and a sort. Engines are right where they agree with it."""

from collections.abc import Sequence

from laurels.leaderboard import BoardRow, Change, Erased, Hidden, Joined, Merged, Renamed, Scored, Unhidden
from laurels.model import Mark, Place, Standing
from laurels.model.entries import within_points

Reading = tuple[int, list[Place], Standing | None, list[Place]]
"""What a view shows, whatever its version: `ranked`, `top`, `me`, `around`."""


class NaiveLeaderboard:
    """Everything is worked out again for every question: n log n a read."""

    def __init__(self) -> None:
        self.positions: dict[int, int] = {}
        self.ids: dict[int, str] = {}
        self.name_numbers: dict[int, int] = {}
        self.hidden: set[int] = set()
        self.scores: dict[str, dict[int, int]] = {}
        self.into: dict[int, int] = {}
        self.erased: set[int] = set()

    def apply(self, shard: int, changes: Sequence[tuple[int, Change]], upto: Mark) -> None:
        """As the port says."""
        for position, change in changes:
            if position > self.positions.get(shard, 0):
                self._take(change)
        self.positions[shard] = max(self.positions.get(shard, 0), upto.position)

    def read(self, board: str, member_id: str | None, *, top: int, around: int) -> Reading:
        """What a view of this board shows."""
        places, scores = self._places(board), self.sums(board)
        # An erased member may be back under another number before the erasure is read: the newer one it is.
        known_by_it = max((number for number, known in self.ids.items() if known == member_id), default=None)
        member = None if known_by_it is None else self.root(known_by_it)
        if member is None or member not in self.ids:
            return len(places), places[:top], None, []
        name_number, points, hidden = (
            self.name_numbers[member],
            within_points(scores.get(member, 0)),
            member in self.hidden,
        )
        index = next((index for index, place in enumerate(places) if place.member == member), None)
        if index is None:
            return len(places), places[:top], Standing(member, name_number, points, hidden, None, None, 0), []
        tied = sum(place.points == points for place in places)
        me = Standing(member, name_number, points, hidden, places[index].rank, index + 1, tied)
        return len(places), places[:top], me, places[max(0, index - around) : index + around + 1]

    def standings(self, board: str) -> list[BoardRow]:
        """The whole board as (member_id, points, rank, position)."""
        places = enumerate(self._places(board), 1)
        return [(self.ids[place.member], place.points, place.rank, position) for position, place in places]

    def root(self, member: int) -> int:
        """The member that a number stands for, after all merges."""
        while member in self.into:
            member = self.into[member]
        return member

    def sums(self, board: str) -> dict[int, int]:
        """The scores of a board by the members that they count for."""
        sums: dict[int, int] = {}
        for member, points in self.scores.get(board, {}).items():
            sums[self.root(member)] = sums.get(self.root(member), 0) + points
        return sums

    def _places(self, board: str) -> list[Place]:
        listed = [
            (member, within_points(points))
            for member, points in self.sums(board).items()
            if points > 0 and member in self.ids and member not in self.hidden
        ]
        listed.sort(key=lambda one: (-one[1], one[0]))
        ranks: dict[int, int] = {}
        for position, (_, points) in enumerate(listed, 1):
            ranks.setdefault(points, position)
        return [Place(ranks[points], member, self.name_numbers[member], points) for member, points in listed]

    def _take(self, change: Change) -> None:
        match change:
            case Joined(member, str() as member_id, name_number):
                self.ids[member], self.name_numbers[member] = member_id, name_number
            case Scored(member, board, points):
                scores = self.scores.setdefault(board, {})
                scores[member] = scores.get(member, 0) + points
            case Hidden(member):
                self.hidden.add(member)
            case Unhidden(member):
                self.hidden.discard(member)
            case Renamed(member, name_number):
                self.name_numbers[member] = name_number
            case Erased(member):
                self.ids.pop(member, None)
                self.erased.add(member)
            case Merged(member, into):
                if member not in self.erased:
                    self.into.setdefault(member, into)
