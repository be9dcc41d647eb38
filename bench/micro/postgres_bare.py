"""The bare statements that `postgres_ledger.py` holds the ledger against: the same rows, through unnest and in the same
batches and order, into tables of the same columns, keys and fill, and nothing else: no rules, no look at what is there.

Of an accepted document: its rows of `document` and `inbox`, into one table each, and into tables with the same 16
partitions. Of an award: its rows of `entry` and `award`, and its member's of `balance`, which is there already.
"""

from typing import Any

import asyncpg

BATCH = 500
"""Rows of each table in a transaction."""

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]

PARTED = {"document": "home", "inbox": "shard"}
PLAIN = ("document", "inbox", "entry", "award", "balance")

_COLUMNS = (
    "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 "
    "AND NOT attisdropped ORDER BY attnum"
)

_ACCEPTED = {  # in the order of acceptance, which is that of the batches that they came in
    table: f"SELECT * FROM {table} WHERE sequence > $1 ORDER BY sequence"  # noqa: S608 - names of our own
    for table in ("document", "inbox")
}
_AWARDED = {  # shard by shard, as they were awarded; of every so many-th shard
    "entry": "SELECT e.* FROM entry e JOIN award a USING (shard, position) "
    "WHERE a.sequence > $1 AND a.shard % $2 = $3 ORDER BY shard, position",
    "award": "SELECT * FROM award a WHERE a.sequence > $1 AND a.shard % $2 = $3 ORDER BY shard, position",
    "balance": "SELECT b.* FROM balance b JOIN entry e ON e.shard = b.shard AND e.member = b.member "
    "JOIN award a ON a.shard = e.shard AND a.position = e.position "
    "WHERE a.sequence > $1 AND a.shard % $2 = $3 ORDER BY e.shard, e.position",
}


class BareTables:
    """Tables beside the ledger's, on a connection of their own."""

    def __init__(self, connection: "asyncpg.Connection[Any]", *, after: int = 0) -> None:
        """`after`: the last document that is passed by."""
        self._db = connection
        self._seen = {"accepted": after, "awarded": after}

    async def make(self) -> None:
        """Make them; balances are there from the beginning, as the ledger's are."""
        for table in PLAIN:
            await self._db.execute(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING INDEXES)")
        for table in ("entry", "award"):
            await self._db.execute(f"CREATE TABLE lean_{table} (LIKE {table} INCLUDING INDEXES)")
        await self._db.execute("ALTER TABLE bare_balance SET (fillfactor = 85)")
        await self._db.execute("INSERT INTO bare_balance SELECT * FROM balance")
        for table, by in PARTED.items():
            await self._db.execute(
                f"CREATE TABLE parted_{table} (LIKE {table} INCLUDING INDEXES) PARTITION BY LIST ({by})"
            )
            for n in range(16):
                await self._db.execute(
                    f"CREATE TABLE parted_{table}_{n} PARTITION OF parted_{table} FOR VALUES IN ({n})"
                )
        await self._db.execute("VACUUM ANALYZE")
        for name in self._seen:
            self._seen[name] = await self._db.fetchval("SELECT coalesce(max(sequence), 0) FROM document")

    async def accepted(self) -> Rows:
        """What was accepted since the last look."""
        rows = {table: await self._fetch(query, self._seen["accepted"]) for table, query in _ACCEPTED.items()}
        self._seen["accepted"] = max(row[5] for row in rows["document"])
        return rows

    async def awarded(self, of: int = 1, number: int = 0) -> Rows:
        """What was awarded since the last look, in every `of`-th shard from this number on; each member's balance once
        in a batch, as an award writes it.
        """
        rows = {table: await self._fetch(query, self._seen["awarded"], of, number) for table, query in _AWARDED.items()}
        self._seen["awarded"] = max(row[1] for row in rows["award"])
        balances = []
        for start in range(0, len(rows["balance"]), BATCH):
            batch = {row[:2]: row for row in rows["balance"][start : start + BATCH]}
            balances.append([*batch.values()])
        return {**rows, "balance": balances}  # type: ignore[dict-item] # batch by batch

    async def insert(self, prefix: str, rows: Rows) -> None:
        """Write rows, so many of each table in a transaction and each table by one statement."""
        statements = {table: await self._statement(prefix, table) for table in rows}
        for batch in range((len(rows[next(iter(rows))]) + BATCH - 1) // BATCH):
            async with self._db.transaction():
                for table, of_table in rows.items():
                    at = slice(batch * BATCH, (batch + 1) * BATCH)
                    chunk: Any = of_table[batch] if table == "balance" else of_table[at]
                    statement, columns = statements[table]
                    await self._db.execute(statement, *([row[column] for row in chunk] for column in columns))

    async def _fetch(self, query: str, *arguments: int) -> list[Row]:
        return [tuple(row) for row in await self._db.fetch(query, *arguments)]

    async def _statement(self, prefix: str, table: str) -> tuple[str, list[int]]:
        """A statement that writes rows of a table, and which of its columns that takes: no arrays, which are empty."""
        columns = [tuple(row) for row in await self._db.fetch(_COLUMNS, table)]
        flat = [at for at, (_, type_) in enumerate(columns) if not type_.endswith("[]")]
        names = ", ".join(columns[at][0] for at in flat)
        arguments = ", ".join(f"${n + 1}::{columns[at][1]}[]" for n, at in enumerate(flat))
        statement = f"INSERT INTO {prefix}_{table} ({names}) SELECT * FROM unnest({arguments})"  # noqa: S608 - as above
        if table == "balance":
            changed = ", ".join(f"{columns[at][0]} = excluded.{columns[at][0]}" for at in flat[2:])
            statement += f" ON CONFLICT (shard, member) DO UPDATE SET {changed}"
        return statement, flat
