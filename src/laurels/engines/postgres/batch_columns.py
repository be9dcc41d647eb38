"""Rows as the columns of one statement, in as few elements as they can be told in: what is the same in all rows once,
and what no row has not at all. Each element of an array costs, in the driver more than in the server.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

Column = list[Any]

_POSITION, _KIND, _CURRENCY, _SOURCE, _VERSION, _OCCURRED_AT, _BOARD_AT, _RECORDED_AT = 0, 2, 5, 7, 10, 13, 14, 15
"""Which columns of a chain's rows are which."""

_SAME = (_KIND, _CURRENCY, _SOURCE, _VERSION)
"""Those that are mostly the same in all rows of a batch."""

_MONTH, _BEFORE = 4, 6
"""The same of balances."""

ENTRY_COLUMNS, BALANCE_COLUMNS = 20, 9


class EntryRows(NamedTuple):
    """Entries of a shard's chain, with the sequence of those orders of which nothing is kept that is not in the entry,
    and what documents said, both by position.
    """

    shard: int
    rows: Sequence[tuple[Any, ...]]
    sequences: dict[int, int]
    contents: dict[int, bytes]


def entry_columns(parts: Sequence[EntryRows]) -> tuple[list[Any], list[Column]]:
    """Entries of shards' chains, as (the position before the first, and what is the same in all of `_SAME`), and the
    columns: shards and positions, both empty where they are of one shard, then the rows' own without times of
    recording, sequences and contents.
    """
    if not parts:
        return [0, None, None, None, None], [[] for _ in range(ENTRY_COLUMNS)]
    columns: list[Column] = [list(column) for column in zip(*_all_rows(parts), strict=True)]
    positions = columns[_POSITION]
    same = [_taken_out(columns, at) for at in _SAME]
    if columns[_BOARD_AT] == columns[_OCCURRED_AT]:
        columns[_BOARD_AT] = []
    columns.append([part.sequences.get(row[_POSITION]) for part in parts for row in part.rows])
    columns.append([part.contents.get(row[_POSITION]) for part in parts for row in part.rows])
    kept = (at for at in range(len(columns)) if at not in {_POSITION, _RECORDED_AT})
    shards = shards_of([(part.shard, len(part.rows)) for part in parts])
    return [positions[0] - 1, *same], [
        shards,
        positions if shards else [],
        *(_without_nulls(columns[at]) for at in kept),
    ]


def shards_of(counts: Sequence[tuple[int, int]]) -> Column:
    """The column of shards with so many rows each; nothing where they are of one."""
    return [] if len(counts) == 1 else [shard for shard, count in counts for _ in range(count)]


def _all_rows(parts: Sequence[EntryRows]) -> Sequence[tuple[Any, ...]]:
    return parts[0].rows if len(parts) == 1 else [row for part in parts for row in part.rows]


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
