"""However late something is committed, a worker finds it; and where nothing is put back it hardly ever walks over all
that it took before.
"""

from heapq import nsmallest
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.engines.postgres import awarding
from laurels.engines.postgres.awarding import ALL_EVERY_S, LAG_S, Floor

LIMIT = 5
STEP_S = 0.1
STEPS = 300


class Inbox:
    """One shard's, at a time that is turned: what is seen at last was numbered long before."""

    def __init__(self, seed: int, latest_s: float) -> None:
        self.now = 1000.0
        self._rng, self._latest_s = Random(seed), latest_s
        self._numbered = 0
        self._seen_at: dict[int, float] = {}

    def fill(self) -> None:
        """Documents are numbered; some are seen only later."""
        for _ in range(self._rng.randrange(4)):
            self._numbered += 1
            late_s = self._rng.uniform(0, self._latest_s) if self._rng.random() < 0.1 else 0.0
            self._seen_at[self._numbered] = self.now + late_s

    def put_back(self) -> None:
        """One that was taken long ago lies there again."""
        self._seen_at[self._rng.randint(1, max(1, self._numbered))] = self.now

    def claim(self, floor: int) -> list[int]:
        """Take what is seen above a floor, in order."""
        there = (sequence for sequence, at in self._seen_at.items() if sequence > floor and at <= self.now)
        found = nsmallest(LIMIT, there)
        for sequence in found:
            del self._seen_at[sequence]
        return found

    def left_for_s(self) -> float:
        """How long the one that is seen for longest has lain there."""
        return max((self.now - at for at in self._seen_at.values()), default=0.0)


def work(inbox: Inbox, floor: Floor) -> int:
    """Claim until nothing more is found; how many looks went through all of it."""
    through_all = 0
    while True:
        since, began = floor.get(), inbox.now
        through_all += not since
        found = inbox.claim(since)
        if found:
            floor.taken(found[-1])
        floor.looked(since, began, 0.001)
        if not found:
            return through_all


@given(seed=st.integers(0, 2**32), latest_s=st.sampled_from([0.0, LAG_S / 2, 3.0, 20.0]), puts_back=st.booleans())
def test_nothing_is_left_and_all_is_seldom_looked_through(seed: int, latest_s: float, puts_back: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        inbox = Inbox(seed, latest_s)
        patch.setattr(awarding, "elapsed", lambda: inbox.now)
        floor, rng = Floor(), Random(seed)
        looks = []
        for step in range(STEPS):
            inbox.fill()
            if puts_back and rng.random() < 0.05:
                inbox.put_back()
                floor.forget()
            looks.append(work(inbox, floor))
            assert inbox.left_for_s() <= ALL_EVERY_S + STEP_S, f"step {step}"
            inbox.now += STEP_S
        if not puts_back:
            rests = looks[round((LAG_S + 1) / STEP_S) :]  # a process begins without a floor
            assert sum(map(bool, rests)) <= STEPS * STEP_S / ALL_EVERY_S


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock that floors go by, in seconds; a test moves it."""
    now = [1000.0]
    monkeypatch.setattr(awarding, "elapsed", lambda: now[0])
    return now


@pytest.fixture
def floor(now: list[float]) -> Floor:
    """A floor of an inbox that was taken up to 7 just now."""
    floor = Floor()
    floor.taken(7)
    return floor


def test_what_looking_through_all_takes_bounds_how_often_that_is(now: list[float], floor: Floor) -> None:
    floor.looked(0, now[0], 0.2)
    now[0] += 19.0
    assert floor.get() == 7
    now[0] += 2.0
    assert floor.get() == 0


def test_what_is_put_back_during_a_look_is_looked_for_again(now: list[float], floor: Floor) -> None:
    now[0] += 1.0
    assert floor.get() == 7
    began = now[0]
    now[0] += 0.1
    floor.forget()
    floor.looked(0, began, 0.1)
    assert floor.get() == 0
    floor.looked(0, now[0], 0.1)
    assert floor.get() == 7
