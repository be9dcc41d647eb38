"""Cohorts of points by month, and the ladder over them: the worked example, from entries."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.awarding import Programs
from laurels.awarding.breakage import Cohorts, triangle
from laurels.ledger.turns import AT_ONCE, one_by_one
from laurels.model import Entry, EntryKind
from laurels.model.times import parse_instant
from laurels.program import DEFAULT_PROGRAM, parse_program

PROGRAMS = Programs.of(parse_program(DEFAULT_PROGRAM))


def entry(kind: EntryKind, month: int, points: int, *, member: int, of: int | None = None) -> Entry:
    """A move in a month of 2025; `of`: the month of its order."""
    at, board_at = (parse_instant(f"2025-{n:02}-15T12:00:00Z", "at") for n in (month, of or month))
    return Entry(
        shard=0, position=1, kind=kind, member=member, points=points, occurred_at=at, board_at=board_at, recorded_at=at
    )


def test_three_cohorts_give_the_ladder_of_the_worked_example() -> None:
    """Earned 1,000 each; redeemed (300, 500, 600), (280, 470), (320): factors 1.6724 and 1.2."""
    cohorts = Cohorts(PROGRAMS)
    redeemed = {1: {1: 300, 2: 200, 3: 100}, 2: {2: 280, 3: 190}, 3: {3: 320}}
    for month, spent in redeemed.items():
        cohorts.take(entry(EntryKind.EARN, month, 1000, member=month))
        for at, points in spent.items():
            cohorts.take(entry(EntryKind.REDEEM, at, -points, member=month))
    running = cohorts.month_of(parse_instant("2025-04-20T00:00:00Z", "at"))
    found = triangle(cohorts, running, 800_000)
    assert [row.redeemed for row in found.cohorts] == [[300, 500, 600, 600], [280, 470, 470], [320, 320]]
    assert found.factors == ["1.6724", "1.2000"]
    assert (found.measured, found.redeemed_share) == (False, "0.8000"), "three months are no measure"
    for month in range(4, 14):
        cohorts.earned[running + month - 3] = 0
    assert not triangle(cohorts, running + 9, 800_000).measured
    assert triangle(cohorts, running + 10, 800_000).measured


@given(st.integers(0, 1_000), st.integers(0, 1_000), st.integers(0, 1_000))
def test_the_month_that_runs_changes_no_factor(earned: int, of_old: int, of_own: int) -> None:
    """Nor does what is expected go below what is redeemed, or beyond what was earned."""
    cohorts = Cohorts(PROGRAMS)
    for month in range(13):
        cohorts.earned[month] = 1_000
        cohorts.redeemed[month] |= {
            month + age: points for age, points in enumerate((300, 200, 100)) if month + age < 13
        }
    before = triangle(cohorts, 13, 800_000)
    cohorts.earned[13] = earned
    cohorts.redeemed[12][13] = min(of_old, 700)
    cohorts.redeemed[13][13] = min(of_own, earned)
    found = triangle(cohorts, 13, 800_000)
    assert (found.measured, found.factors, found.running) == (True, before.factors, "0001-02")
    for row in found.cohorts:
        assert row.redeemed[-1] <= int(row.expected) <= row.earned


def test_what_leaves_is_the_oldest_and_a_refund_is_of_its_order() -> None:
    cohorts = Cohorts(PROGRAMS)
    for month, points in ((1, 100), (2, 50)):
        cohorts.take(entry(EntryKind.EARN, month, points, member=1))
    cohorts.take(entry(EntryKind.REVERSE, 3, -20, member=1, of=2))
    cohorts.take(entry(EntryKind.REDEEM, 3, -110, member=1))
    cohorts.take(entry(EntryKind.RESTORE, 4, 15, member=1))
    january, february = (cohorts.month_of(parse_instant(f"2025-0{n}-15T12:00:00Z", "at")) for n in (1, 2))
    assert dict(cohorts.earned) == {january: 100, february: 30}
    assert {month: sum(by.values()) for month, by in cohorts.redeemed.items()} == {january: 95, february: 0}


class OnePointAtATime:
    """A slow and obvious twin of the cohorts: each point is by itself, with the month of its earning."""

    def __init__(self) -> None:
        self.held: dict[int, list[int]] = defaultdict(list)
        self.spent: dict[int, list[int]] = defaultdict(list)
        self.earned: Counter[int] = Counter()
        self.redeemed: Counter[tuple[int, int]] = Counter()

    def take(self, kind: EntryKind, member: int, month: int, points: int, of: int) -> None:
        held, spent = self.held[member], self.spent[member]
        for _ in range(abs(points)):
            held.sort()
            if kind is EntryKind.REDEEM and held:
                spent.append(held.pop(0))
                self.redeemed[spent[-1], month] += 1
            elif kind is EntryKind.RESTORE and spent:
                held.append(spent.pop())
                self.redeemed[held[-1], month] -= 1
            elif kind is EntryKind.EARN:
                held.append(month)
                self.earned[month] += 1
            elif kind is EntryKind.EXPIRE and held:
                held.pop(0)
            elif kind is EntryKind.REVERSE and held:
                self.earned[held.pop(held.index(of) if of in held else 0)] -= 1


GIVES = (EntryKind.EARN, EntryKind.RESTORE)
MOVES = st.tuples(
    st.sampled_from([*GIVES, EntryKind.REDEEM, EntryKind.EXPIRE, EntryKind.REVERSE]),
    st.integers(0, 2),
    st.integers(1, 12),
    st.integers(1, 20),
    st.integers(1, 12),
)


@given(st.lists(MOVES, max_size=60))
def test_packed_cohorts_are_those_of_single_points(moves: list[tuple[EntryKind, int, int, int, int]]) -> None:
    cohorts, twin = Cohorts(PROGRAMS), OnePointAtATime()
    first = cohorts.month_of(parse_instant("2025-01-15T12:00:00Z", "at")) - 1
    for kind, member, month, points, of in moves:
        signed = points if kind in GIVES else -points
        cohorts.take(entry(kind, month, signed, member=member * 1000, of=of))
        twin.take(kind, member, month, signed, of)
    assert {month - first: n for month, n in cohorts.earned.items() if n} == {m: n for m, n in twin.earned.items() if n}
    redeemed = {(cohort - first, at - first): n for cohort, by in cohorts.redeemed.items() for at, n in by.items() if n}
    assert redeemed == {key: n for key, n in twin.redeemed.items() if n}


@pytest.mark.anyio
async def test_a_long_read_gives_way() -> None:
    """It is done in the process that awards."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def chunks() -> AsyncIterator[range]:
        yield range(20 * AT_ONCE)

    waiting = asyncio.create_task(others())
    assert [each async for each in one_by_one(chunks())] == [*range(20 * AT_ONCE)]
    assert turns >= 20
    waiting.cancel()
