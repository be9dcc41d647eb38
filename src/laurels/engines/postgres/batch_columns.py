"""Rows as the columns of one statement, in as few elements as they can be told in: what is the same in all rows once,
and what no row has not at all. Each element of an array costs, in the driver more than in the server.
"""

from collections.abc import Sequence
from typing import Any

Column = list[Any]

_POSITION, _KIND, _CURRENCY, _SOURCE, _VERSION, _OCCURRED_AT, _BOARD_AT, _RECORDED_AT = 0, 2, 5, 7, 10, 13, 14, 15
"""Which columns of a chain's rows are which."""

_SAME = (_KIND, _CURRENCY, _SOURCE, _VERSION)
"""Those that are mostly the same in all rows of a batch."""

_MONTH, _BEFORE = 4, 6
"""The same of balances."""

ENTRY_COLUMNS, BALANCE_COLUMNS = 18, 9


def entry_columns(
    rows: Sequence[tuple[Any, ...]], awards: dict[int, int], contents: dict[int, bytes]
) -> tuple[list[Any], list[Column]]:
    """Entries of a chain, as (the position before the first, and what is the same in all of `_SAME`), and the columns:
    without positions and times of recording, with the sequence of orders that `awards` has by position, and what
    documents said.
    """
    if not rows:
        return [0, None, None, None, None], [[] for _ in range(ENTRY_COLUMNS)]
    columns: list[Column] = [list(column) for column in zip(*rows, strict=True)]
    positions = columns[_POSITION]
    same = [_taken_out(columns, at) for at in _SAME]
    if columns[_BOARD_AT] == columns[_OCCURRED_AT]:
        columns[_BOARD_AT] = []
    columns += [[awards.get(position) for position in positions], [contents.get(position) for position in positions]]
    kept = (at for at in range(len(columns)) if at not in {_POSITION, _RECORDED_AT})
    return [positions[0] - 1, *same], [_without_nulls(columns[at]) for at in kept]


def balance_columns(rows: Sequence[tuple[Any, ...]]) -> tuple[list[Any], list[Column]]:
    """Balances: the month, and the score of the month before, where they are the same in all, and the columns."""
    if not rows:
        return [None, None], [[] for _ in range(BALANCE_COLUMNS)]
    columns: list[Column] = [list(column) for column in zip(*rows, strict=True)]
    same = [_taken_out(columns, at) for at in (_MONTH, _BEFORE)]
    return same, [_without_nulls(column) for column in columns]


def _taken_out(columns: list[Column], at: int) -> Any:
    """What is the same in all of a column, which is empty then; None where they differ."""
    column = columns[at]
    first = column[0]
    if first is None or column.count(first) < len(column):
        return None
    columns[at] = []
    return first


def _without_nulls(column: Column) -> Column:
    """A column, or nothing where it says nothing: the server fills what is shorter up."""
    return [] if column and column[0] is None and column.count(None) == len(column) else column
