"""Points that were extended: whoever looks, and whenever, they lapse on the later date and on no other."""

from collections.abc import Callable
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from laurels.clock import DAY
from laurels.errors import InsufficientPoints, Refused
from laurels.program import (
    DEFAULT_PROGRAM,
    NEW,
    Lapse,
    Program,
    ProgramState,
    StateChange,
    adjust,
    capture,
    hold,
    parse_program,
    redeem,
    restore,
    touch,
    void,
)
from laurels.program.state import Spent

EXPIRY = '\n[expiry]\nkind = "after-months"\nmonths = 2\n'
INACTIVE = '\n[expiry]\nkind = "inactivity"\nmonths = 2\n'
SAID = """
[[extensions]]
expiring = ["2027-02-01", "2027-03-01"]
until = "2027-04-10"

[[extensions]]
expiring = ["2027-04-05", "2027-04-20"]
until = "2027-06-01"
"""
BEGIN = 1_796_083_200_000_000
"""1 December 2026."""

Step = tuple[int, str, int]
STEPS = st.lists(
    st.tuples(
        st.integers(0, 260),
        st.sampled_from(("give", "give until", "take", "spend", "undo", "hold", "capture", "void", "look")),
        st.integers(1, 90),
    ),
    max_size=14,
)


class Ran(NamedTuple):
    """A member after its steps, and all that lapsed."""

    state: ProgramState
    lapses: list[Lapse]


def ran(program: Program, steps: list[Step], end: int) -> Ran:
    """Take steps in the order of their days, then look at the end."""
    state, lapses = NEW, list[Lapse]()
    spent: list[tuple[Spent, ...]] = []
    for day, what, n in sorted(steps, key=lambda step: step[0]):
        now = BEGIN + day * DAY
        if what == "look":
            state, some = touch(state, now, program)
            lapses += some
            continue
        try:
            change = ACTS[what](program, state, n, now, spent)
        except (InsufficientPoints, Refused):
            continue
        state, lapses = change.member_after, [*lapses, *change.lapses]
        if what == "spend":
            spent.append(change.spent)
    state, some = touch(state, end, program)
    return Ran(state, [*lapses, *some])


ACTS: dict[str, Callable[..., StateChange]] = {
    "give": lambda program, state, n, now, _: adjust(program, state, n, now=now),
    "give until": lambda program, state, n, now, _: adjust(program, state, n, now=now, expires=now + n * DAY),
    "take": lambda program, state, n, now, _: adjust(program, state, -n, now=now),
    "spend": lambda program, state, n, now, _: redeem(program, state, n, now=now),
    "undo": lambda program, state, _, now, spent: restore(program, state, spent.pop() if spent else (), None, now=now),
    "hold": lambda program, state, n, now, _: hold(program, state, f"h{n % 3}", n, now=now, minutes=n * 700),
    "capture": lambda program, state, n, now, _: capture(program, state, f"h{n % 3}", n, now=now),
    "void": lambda program, state, n, now, _: void(program, state, f"h{n % 3}", now=now),
}


@settings(max_examples=150, deadline=None)
@given(STEPS, st.lists(st.integers(0, 260), max_size=8), st.sampled_from((EXPIRY, INACTIVE, "")))
def test_it_does_not_matter_who_looked_and_when(steps: list[Step], looks: list[int], expiry: str) -> None:
    program = parse_program(DEFAULT_PROGRAM + expiry + SAID)
    end = BEGIN + 300 * DAY
    once = ran(program, steps, end)
    often = ran(program, [*steps, *((day, "look", 1) for day in looks)], end)
    assert once.state == often.state
    assert sorted(once.lapses, key=_order) == sorted(often.lapses, key=_order)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.sampled_from((EXPIRY, INACTIVE, "")))
def test_nothing_lapses_on_days_that_were_extended_and_nothing_is_lost(steps: list[Step], expiry: str) -> None:
    program = parse_program(DEFAULT_PROGRAM + expiry + SAID)
    found = ran(program, steps, BEGIN + 300 * DAY)
    for lapse in found.lapses:
        inside = any(each.begins <= lapse.expires < each.ends for each in program.extensions)
        assert not inside, "a lot's date is one that nobody extended"
    plain = parse_program(DEFAULT_PROGRAM + expiry)
    only_given = [step for step in steps if step[1].startswith("give") or step[1] == "look"]
    for day in range(0, 300, 7):
        at = BEGIN + day * DAY
        until = [step for step in only_given if step[0] <= day]
        longer, shorter = ran(program, until, at).state.available, ran(plain, until, at).state.available
        assert longer >= shorter
        if at <= program.extensions[0].begins:
            assert longer == shorter


def _order(lapse: Lapse) -> tuple[int, int, int, int]:
    return lapse.at, lapse.expires, lapse.origin, lapse.points
