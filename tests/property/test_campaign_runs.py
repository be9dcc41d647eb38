"""When a campaign of several versions began, beside a twin that looks at every instant."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from laurels.awarding.campaign_runs import VersionHeld, began

END = 20
TIMES = st.none() | st.integers(0, END)


@st.composite
def versions(draw: st.DrawFn) -> list[VersionHeld]:
    """In the order in which they hold; the first may hold from ever."""
    later = sorted(draw(st.lists(st.integers(0, END), max_size=5)))
    first = [min(draw(TIMES) or 0, later[0] if later else END) if draw(st.booleans()) else None]
    return [VersionHeld(at, draw(TIMES), draw(TIMES)) for at in [*first, *later]]


@given(versions())
def test_it_began_where_it_ran_last_without_a_gap(held: list[VersionHeld]) -> None:
    def runs(at: int) -> bool:
        in_force = [each for each in held if each.holds_from is None or each.holds_from <= at]
        if not in_force:
            return False
        _, starts, ends = in_force[-1]
        return (starts is None or starts <= at) and (ends is None or at < ends)

    running = [at for at in range(-1, END + 2) if runs(at)]
    newest = held[-1]
    if not running:
        assert began(held) == max((at for at in newest[:2] if at is not None), default=None)
        return
    begin = running[-1]
    for before, at in reversed([*pairwise(running)]):
        if before != at - 1:
            break
        begin = before
    assert began(held) == (None if begin == -1 else begin)
