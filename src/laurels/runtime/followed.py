"""Counting what the board takes: points given and taken, and how long entries waited to be shown."""

from collections.abc import Callable, Sequence

from laurels.clock import SECOND, Clock
from laurels.metrics import POINTS_GIVEN, POINTS_TAKEN, VISIBLE_SECONDS
from laurels.model import BoardEntry


def followed(now: Clock) -> Callable[[Sequence[BoardEntry]], None]:
    """What counts entries that the board has just taken. Some 2 us an entry."""

    def count(entries: Sequence[BoardEntry]) -> None:
        shown_at = now()
        for _, kind, _, points, _, _, recorded_at, *_ in entries:
            VISIBLE_SECONDS.observe(max(0, shown_at - recorded_at) / SECOND)
            if points > 0:
                POINTS_GIVEN.labels(kind).inc(points)
            elif points < 0:
                POINTS_TAKEN.labels(kind).inc(-points)

    return count
