"""Parts of a checkpoint, made of an engine's rows."""

from array import array
from collections.abc import Sequence
from typing import Any

from laurels.ledger.feed import MemberTotals
from laurels.model.months import Months

CHUNK = 10_000
"""Members a part."""

ByMonth = dict[int, tuple["array[int]", "array[int]"]]


def part_of(rows: Sequence[Any]) -> MemberTotals:
    """Of rows (number, member_id, name_number, hidden, merged_into, score, month, month_score, before_score)."""
    months: ByMonth = {}
    merged = []
    for number, _, _, _, into, _, *open_months in rows:
        if into is not None:
            merged.append((number, into))
        for month, score in Months(*open_months).open():
            _add(months, month, number, score)
    return MemberTotals(
        numbers=array("q", (row[0] for row in rows)),
        ids=[row[1] for row in rows],
        name_numbers=array("q", (row[2] for row in rows)),
        hidden=bytes(row[3] for row in rows),
        scores=array("q", (row[5] for row in rows)),
        months=months,
        merged=merged,
    )


def closed_part_of(rows: Sequence[Any]) -> MemberTotals:
    """Of rows (month, number, score) of closed months."""
    months: ByMonth = {}
    for month, number, score in rows:
        if score:
            _add(months, month, number, score)
    nobody = array("q")
    return MemberTotals(numbers=nobody, ids=(), name_numbers=nobody, hidden=b"", scores=nobody, months=months)


def _add(months: ByMonth, month: int, number: int, score: int) -> None:
    numbers, scores = months.setdefault(month, (array("q"), array("q")))
    numbers.append(number)
    scores.append(score)
