"""Parts of a checkpoint, made of what an engine reads."""

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from laurels.ledger.feed import MemberTotals
from laurels.model.months import previous

CHUNK = 10_000
"""Members a part."""

ByMonth = dict[int, tuple["array[int]", "array[int]"]]


def open_months(
    numbers: Sequence[int], months: Sequence[int], scores: Sequence[int], befores: Sequence[int]
) -> ByMonth:
    """What members scored in their open months, of a column each (see `Months`). Costs 0.2 us a member."""
    found: ByMonth = {}
    for number, month, score, before in zip(numbers, months, scores, befores, strict=True):
        if score:
            _add(found, month, number, score)
        if before:
            _add(found, previous(month), number, before)
    return found


def closed_part_of(rows: Iterable[Any]) -> MemberTotals:
    """Of rows (month, number, score) of closed months."""
    months: ByMonth = {}
    for month, number, score in rows:
        if score:
            _add(months, month, number, score)
    nobody = array("q")
    return MemberTotals(numbers=nobody, ids=(), name_numbers=nobody, hidden=b"", scores=nobody, months=months)


def _add(months: ByMonth, month: int, number: int, score: int) -> None:
    of_month = months.get(month)
    if of_month is None:
        months[month] = of_month = (array("q"), array("q"))
    of_month[0].append(number)
    of_month[1].append(score)
