"""Members in board order: more points first; equal points: the smaller member number first.

A place is one whole number, `member - points * 2**32`, so that ascending numbers are board order and two places compare
in one step. The places lie in blocks: sorted arrays of 8-byte integers, short enough to insert into and few enough to
count over. Nothing is ever sorted again.

A position is the lengths of the blocks before it, plus a bisection. The lengths are added up by the first question
after a change and kept until the next change, so a burst of changes pays nothing for them and a burst of reads once.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

BLOCK = 1024
"""A block has at most twice, and (unless it is alone) at least a quarter of this many places."""

_MEMBER_BITS = 32
_MEMBER_MASK = (1 << _MEMBER_BITS) - 1


def place_of(points: int, member: int) -> int:
    """The place of a member with these points. Both fit into 32 bits, the points with their sign."""
    return member - (points << _MEMBER_BITS)


def points_at(place: int) -> int:
    """The points in a place."""
    return -(place >> _MEMBER_BITS)


def member_at(place: int) -> int:
    """The member number in a place."""
    return place & _MEMBER_MASK


class Ranking:
    """The ranked members of one board, n of them in n/`block` blocks.

    Adding or removing one costs two bisections and moving at most 2 * `block` integers. A question costs two
    bisections, and the first one after a change n/`block` additions.
    """

    def __init__(self, block: int = BLOCK) -> None:
        self._block = block
        self._blocks: list[array[int]] = []
        self._lasts: list[int] = []  # the last place of each block
        self._lengths: list[int] = []  # of each block, kept apart: to ask every block costs twice the time of adding up
        # How many places lie before each block, and after the last one how many there are; None: not counted yet.
        self._starts: list[int] | None = [0]

    @classmethod
    def of(cls, places: Sequence[int], block: int = BLOCK) -> "Ranking":
        """The ranking of these places, which are in order."""
        ranking = cls(block)
        ranking._blocks = [array("q", places[start : start + block]) for start in range(0, len(places), block)]
        if len(ranking._blocks) > 1 and len(ranking._blocks[-1]) < block // 4:
            ranking._blocks[-2:] = [ranking._blocks[-2] + ranking._blocks[-1]]
        ranking._lasts = [one[-1] for one in ranking._blocks]
        ranking._lengths = [len(one) for one in ranking._blocks]
        ranking._starts = None
        return ranking

    def __len__(self) -> int:
        return self._counted()[-1]

    def add(self, points: int, member: int) -> None:
        """Put a member in who is not there yet."""
        place = place_of(points, member)
        self._starts = None
        if not self._blocks:
            self._blocks.append(array("q", (place,)))
            self._lasts.append(place)
            self._lengths.append(1)
            return
        index = min(bisect_left(self._lasts, place), len(self._blocks) - 1)
        block = self._blocks[index]
        block.insert(bisect_left(block, place), place)
        self._lasts[index] = block[-1]
        self._lengths[index] += 1
        if len(block) > 2 * self._block:
            self._split(index)

    def remove(self, points: int, member: int) -> None:
        """Take a member out who is there with exactly these points. Raises `KeyError` where it is not."""
        place = place_of(points, member)
        index = bisect_left(self._lasts, place)
        block = self._blocks[index] if index < len(self._blocks) else array("q")
        offset = bisect_left(block, place)
        if offset == len(block) or block[offset] != place:
            raise KeyError((points, member))
        self._starts = None
        del block[offset]
        self._lengths[index] -= 1
        if len(block) < self._block // 4 and len(self._blocks) > 1:
            self._merge(max(index - 1, 0))
        elif block:
            self._lasts[index] = block[-1]
        else:
            del self._blocks[index], self._lasts[index], self._lengths[index]

    def rank(self, points: int) -> int:
        """The competition rank of these points: 1 + the members with more."""
        return 1 + self._before(place_of(points, 0))

    def tied(self, points: int) -> int:
        """How many members have exactly these points."""
        return self._before(place_of(points - 1, 0)) - self._before(place_of(points, 0))

    def position(self, points: int, member: int) -> int:
        """The position of a member with these points: 1 is the first."""
        return 1 + self._before(place_of(points, member))

    def standing(self, points: int, member: int) -> tuple[int, int, int]:
        """`rank`, `tied` and `position` at once, for the price of three questions instead of four."""
        above = self._before(place_of(points, 0))
        return 1 + above, self._before(place_of(points - 1, 0)) - above, self.position(points, member)

    def slice(self, start: int, stop: int) -> "array[int]":
        """The places from index `start` (0 is the first) up to, not including, `stop`; fewer where the board ends."""
        starts = self._counted()
        start, stop = max(start, 0), min(stop, starts[-1])
        found = array("q")
        index = bisect_right(starts, start) - 1
        while start < stop:
            found.extend(self._blocks[index][start - starts[index] : stop - starts[index]])
            index += 1
            start = starts[index]
        return found

    def _before(self, place: int) -> int:
        """How many places lie before this one, whether it is taken or not."""
        starts = self._counted()
        index = bisect_left(self._lasts, place)
        return starts[-1] if index == len(self._blocks) else starts[index] + bisect_left(self._blocks[index], place)

    def _counted(self) -> list[int]:
        if self._starts is None:
            self._starts = list(accumulate(self._lengths, initial=0))
        return self._starts

    def _split(self, index: int) -> None:
        block = self._blocks[index]
        half = len(block) // 2
        self._blocks.insert(index + 1, block[half:])
        del block[half:]
        self._lasts.insert(index, block[-1])
        self._lengths[index : index + 1] = (len(block), len(self._blocks[index + 1]))

    def _merge(self, index: int) -> None:
        """Make one block of this one and the next, or two even ones where that is too long."""
        self._blocks[index] += self._blocks.pop(index + 1)
        del self._lasts[index + 1]
        self._lasts[index] = self._blocks[index][-1]
        self._lengths[index] += self._lengths.pop(index + 1)
        if len(self._blocks[index]) > 2 * self._block:
            self._split(index)

    def _check(self) -> None:
        """Raise `AssertionError` where this is not in order. Reads everything."""
        assert self._lasts == [block[-1] for block in self._blocks]
        assert self._lengths == [len(block) for block in self._blocks]
        assert self._starts in (None, [0, *accumulate(self._lengths)])
        assert all(earlier < later for earlier, later in pairwise(self.slice(0, len(self))))
        shortest = max(self._block // 4, 1) if len(self._blocks) > 1 else 1
        assert all(shortest <= len(block) <= 2 * self._block for block in self._blocks)
