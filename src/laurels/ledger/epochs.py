"""Numbers of epochs."""

from laurels.clock import MINUTE

_FROM = 29_453_760
"""The minute from which epochs are numbered: 2026-01-01."""


FIRST_EPOCH = 1
"""Of every ledger, until another begins."""


def lowest_epoch(now: int) -> int:
    """The lowest number of an epoch that begins now (microseconds since 1970): the minutes since 2026. Two that begin
    from one copy are two epochs, where they begin in two minutes.
    """
    return now // MINUTE - _FROM
