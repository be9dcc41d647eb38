"""What transactions lead to, as few statements as there can be: of one shard, or of several together."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from laurels.engines.postgres.batch_columns import Column, EntryRows, balance_columns, entry_columns, shards_of
from laurels.engines.postgres.budgets import Budgets
from laurels.engines.postgres.chain import columns_of
from laurels.engines.postgres.statements import Call, Statements

AWARD_COLUMNS = 12

Rows = list[tuple[Any, ...]]


class BatchRows(NamedTuple):
    """Rows of one shard's tables. `sequences` and `contents` are of entries, by position; `joins` are members whose
    enrolment is among the entries, `taken` the sequences of what is taken off the inbox. Redemptions, remarks and
    events begin with their shard.
    """

    shard: int
    recorded_at: int
    entries: Rows
    sequences: dict[int, int]
    contents: dict[int, bytes]
    awards: Rows
    balances: Rows
    redeemed: Rows
    remarks: Rows
    events: Rows
    joins: list[tuple[int, int]]
    taken: list[int]


class Written(Protocol):
    """A batch, as far as it is written."""

    budgets: Budgets

    def rows(self) -> BatchRows:
        """What most batches lead to."""
        ...

    async def write_rest(self, db: Statements) -> None:
        """Write what few batches lead to."""
        ...


async def write_batches(db: Statements, batches: Sequence[Written], *first: Call) -> None:
    """Write what batches lead to, each of a shard of its own and all with the same budgets, and what else goes with
    them first. One statement for what most lead to; recorded at one time. Raises `BudgetsMoved`.
    """
    parts = [rows for rows in (batch.rows() for batch in batches) if rows.entries or rows.awards or rows.balances]
    calls = [*first, *_beside(parts)]
    by_shard = [call for rows in parts for call in _of_inbox_and_members(rows)]
    if len(parts) == 1:
        calls += by_shard
    else:  # statements that look for rows are told their shard, else they look into all
        for call in by_shard:
            await db.run(*call)
    if parts:
        calls.append(_most(parts))
    if calls:
        await db.run_together(*calls)
    if batches:
        await batches[0].budgets.write(db)
    for batch in batches:
        await batch.write_rest(db)


def _beside(parts: Sequence[BatchRows]) -> list[Call]:
    """What lies beside entries, and most have nothing of: each of these opens partitions of its table."""
    calls: list[Call] = []
    for name, width, rows in (
        ("insert_redemptions", 5, [row for part in parts for row in part.redeemed]),
        ("insert_remarks", 4, [row for part in parts for row in part.remarks]),
        ("insert_member_events", 3, [row for part in parts for row in part.events]),
    ):
        if rows:
            calls.append((name, *columns_of(rows, width)))
    return calls


def _of_inbox_and_members(rows: BatchRows) -> list[Call]:
    calls: list[Call] = []
    if rows.joins:
        calls.append(("join_members", rows.shard, *columns_of(list(rows.joins), 2)))
    if rows.taken:
        calls.append(("take_off_inbox", rows.shard, rows.taken))
    return calls


def _most(parts: Sequence[BatchRows]) -> Call:
    [recorded_at] = {part.recorded_at for part in parts}
    in_all, entries = entry_columns(
        [EntryRows(part.shard, part.entries, part.sequences, part.contents) for part in parts if part.entries]
    )
    in_balances, balances = balance_columns([row for part in parts for row in part.balances])
    awards = columns_of([row for part in parts for row in part.awards], AWARD_COLUMNS)
    whose_awards: Column = shards_of([(part.shard, len(part.awards)) for part in parts])
    whose_balances: Column = shards_of([(part.shard, len(part.balances)) for part in parts])
    return (
        "write",
        parts[0].shard,
        recorded_at,
        *in_all,
        *entries,
        whose_awards,
        *awards,
        *in_balances,
        whose_balances,
        *balances,
    )
