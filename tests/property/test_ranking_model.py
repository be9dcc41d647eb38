"""The ranking against a sorted list, with blocks so short that they split and merge all the time."""

from bisect import insort
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from laurels.engines.memory.ranking import Ranking, member_at, points_at
from laurels.model.entries import MAX_POINTS

FEW_POINTS = st.integers(1, 5) | st.integers(1, MAX_POINTS)


class RankingMachine(RuleBasedStateMachine):
    @initialize(block=st.sampled_from([1, 2, 3, 4, 8]), points=st.lists(FEW_POINTS, max_size=60))
    def begin(self, block: int, points: list[int]) -> None:
        self.ranking = Ranking(block)
        self.expected: list[tuple[int, int]] = []
        for member, some in enumerate(points):
            self.add(some, member)

    @rule(points=FEW_POINTS, member=st.integers(0, 200) | st.integers(0, 2**32 - 1))
    def add(self, points: int, member: int) -> None:
        if (-points, member) not in self.expected:
            self.ranking.add(points, member)
            insort(self.expected, (-points, member))

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def remove_a_run(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(self.expected) - 1))
        for negative, member in self.expected[start : start + data.draw(st.integers(1, 20))]:
            self.ranking.remove(-negative, member)
            self.expected.remove((negative, member))

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), change=st.integers(-3, 50))
    def move(self, data: st.DataObject, change: int) -> None:
        negative, member = data.draw(st.sampled_from(self.expected))
        points = -negative + change
        if 1 <= points <= MAX_POINTS and (-points, member) not in self.expected:
            self.ranking.remove(-negative, member)
            self.expected.remove((negative, member))
            self.add(points, member)

    @rule(points=FEW_POINTS, member=st.integers(0, 200))
    def ask(self, points: int, member: int) -> None:
        above = [one for one in self.expected if -one[0] > points]
        assert self.ranking.rank(points) == 1 + len(above)
        assert self.ranking.tied(points) == sum(-one[0] == points for one in self.expected)
        assert self.ranking.position(points, member) == 1 + sum(one < (-points, member) for one in self.expected)

    @rule(start=st.integers(-5, 40), length=st.integers(0, 40))
    def slice(self, start: int, length: int) -> None:
        places = self.ranking.slice(start, start + length)
        shown = [(-points_at(place), member_at(place)) for place in places]
        assert shown == self.expected[max(start, 0) : max(start + length, 0)]

    @invariant()
    def is_in_order(self) -> None:
        self.ranking._check()
        assert len(self.ranking) == len(self.expected)
        assert all(one < other for one, other in pairwise(self.expected))


TestRanking = RankingMachine.TestCase


@given(
    block=st.sampled_from([1, 2, 3, 4, 8]),
    points=st.lists(st.integers(1, 4), min_size=60, max_size=60),
    coming=st.permutations(range(60)),
    leaving=st.permutations(range(60)) | st.sampled_from([list(range(60)), list(range(60))[::-1]]),
)
def test_members_come_in_one_order_and_leave_in_another(
    block: int, points: list[int], coming: list[int], leaving: list[int]
) -> None:
    ranking = Ranking(block)
    for member in coming:
        ranking.add(points[member], member)
        ranking._check()
    for left, member in enumerate(leaving, 1):
        ranking.remove(points[member], member)
        ranking._check()
        assert len(ranking) == 60 - left
