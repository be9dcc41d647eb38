"""Counting what the board takes: points given and taken, and how long entries waited to be shown."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence

from laurels.clock import SECOND, Clock
from laurels.metrics import POINTS_GIVEN, POINTS_TAKEN, VISIBLE_SECONDS, add_times
from laurels.model import BoardEntry


def followed(now: Clock) -> Callable[[Sequence[BoardEntry]], None]:
    """What counts entries that the board has just taken. Some 0.5 us an entry: nobody is answered meanwhile."""
    bounds = [round(bound * SECOND) for bound in VISIBLE_SECONDS._upper_bounds[:-1]]

    def count(entries: Sequence[BoardEntry]) -> None:
        shown_at = now()
        given: Counter[str] = Counter()
        taken: Counter[str] = Counter()
        waited, waited_in_all = [0] * (len(bounds) + 1), 0
        for _, kind, _, points, _, _, recorded_at, *_ in entries:
            wait = max(0, shown_at - recorded_at)
            waited[bisect_left(bounds, wait)] += 1
            waited_in_all += wait
            if points > 0:
                given[kind] += points
            elif points < 0:
                taken[kind] -= points
        add_times(VISIBLE_SECONDS, waited, waited_in_all / SECOND)
        for counter, sums in ((POINTS_GIVEN, given), (POINTS_TAKEN, taken)):
            for kind, points in sums.items():
                counter.labels(kind).inc(points)

    return count
