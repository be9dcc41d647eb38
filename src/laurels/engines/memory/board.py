"""One board: every member's score, and the ranking of those who are ranked."""

from array import array
from collections.abc import Callable

from laurels.engines.memory.ranking import Ranking, member_at, place_of, points_at
from laurels.model.entries import within_points

_GROWTH = 1024
_SUMS = 2**63  # from minus this, to just below it


class RankedScores:
    """Scores by member number, 8 bytes each, and the ranking of the listed members with at least 1 point.

    Whether a member is listed (it joined, and is neither hidden, erased nor merged) is the caller's to know and to say.
    """

    def __init__(self) -> None:
        self.ranking = Ranking()
        self._sums = array("q")

    def points(self, member: int) -> int:
        """A member's score; 0 where it never scored."""
        return within_points(self._sums[member]) if member < len(self._sums) else 0

    def score(self, member: int, points: int, *, listed: bool) -> None:
        """Change a member's score by so many points."""
        before = self.points(member)
        self._make_room(member)
        after = self._sums[member] + points
        if not (-_SUMS <= points < _SUMS and -_SUMS <= after < _SUMS):
            raise ValueError(f"a change or the sum of member {member} leaves 64 bits")
        self._sums[member] = after
        if listed:
            self._rerank(member, before, self.points(member))

    def merge(self, member: int, into: int, *, listed: bool, into_listed: bool) -> None:
        """Move all of a member's score to another one."""
        points = self._sums[member] if member < len(self._sums) else 0
        if points:
            if listed:
                self.unlist(member)
            self.drop(member)
            self.score(into, points, listed=into_listed)

    def load(self, members: "array[int]", sums: "array[int]") -> None:
        """Take many scores of members that have none here; `build` ranks them."""
        if members:
            self._make_room(max(members))
        for member, points in zip(members, sums, strict=True):
            self._sums[member] = points

    def build(self, is_listed: Callable[[int], bool]) -> None:
        """Rank everybody who was loaded. Sorts."""
        self.ranking = Ranking.of(
            sorted(
                place_of(within_points(points), member)
                for member, points in enumerate(self._sums)
                if points > 0 and is_listed(member)
            )
        )

    def list(self, member: int) -> None:
        """Rank a member that was not listed so far, if its score allows."""
        self._rerank(member, 0, self.points(member))

    def unlist(self, member: int) -> None:
        """Take a member that was listed so far out of the ranking; the score stays."""
        self._rerank(member, self.points(member), 0)

    def drop(self, member: int) -> None:
        """Forget the score of a member that is not listed."""
        if member < len(self._sums):
            self._sums[member] = 0

    def _make_room(self, member: int) -> None:
        if member >= len(self._sums):
            self._sums.extend([0] * (member + _GROWTH - len(self._sums)))

    def _rerank(self, member: int, before: int, after: int) -> None:
        if before > 0:
            self.ranking.remove(before, member)
        if after > 0:
            self.ranking.add(after, member)

    def _check(self) -> None:
        """Raise `AssertionError` where ranking and scores do not agree. Reads everything."""
        self.ranking._check()
        for place in self.ranking.slice(0, len(self.ranking)):
            assert self.points(member_at(place)) == points_at(place) > 0
