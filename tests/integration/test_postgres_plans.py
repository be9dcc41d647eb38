"""Looking something up by its key reads its rows, whatever the tables' size: no statement walks through all members,
entries or documents, or all of a shard's, but those few that are about all of them.

The planner joins by walking through a table where it takes that for cheaper, as it does in a small shop: with 20,000
members each points correction read all of them, and each look at the feed read all entries of its shard. So what is
looked up by a key is a subquery for each row.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from laurels.engines.postgres import PostgresLedger
from laurels.engines.postgres.reaching import PLANNED
from laurels.engines.postgres.statements import SQL
from laurels.model import EntryKind

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

_FILL = """
INSERT INTO member (shard, number, name_number, enrolled_at, position, member_id)
SELECT n % 16, n, n, 1, n + 1, 'm' || n FROM generate_series(0, 39999) AS n;
INSERT INTO balance (shard, member, balance, earned, score, month, month_score, before_score, last_position)
SELECT n % 16, n, 1, 1, 1, 202609, 1, 0, n + 1 FROM generate_series(0, 39999) AS n;
INSERT INTO entry (shard, format, position, previous, kind, member, points, occurred_at, board_at, recorded_at, hash)
SELECT n % 16, 2, 1 + n / 16, 0, 'e', n % 40000, 1, 1, 1, 1, '' FROM generate_series(0, 159999) AS n;
INSERT INTO remark (shard, position, reason, note)
SELECT n % 16, 1 + n / 16, 'why', '' FROM generate_series(0, 159999) AS n WHERE n / 16 % 2 > 0;
INSERT INTO content (shard, position, content)
SELECT n % 16, 1 + n / 16, 'what' FROM generate_series(0, 159999) AS n WHERE n / 16 % 2 = 0;
INSERT INTO award (shard, sequence, position) SELECT n % 16, n, 1 + n / 16 FROM generate_series(0, 39999) AS n;
INSERT INTO document (home, kind, shard, member_shard, member, sequence, accepted_at, fingerprint, source, id)
SELECT n % 16, 'o', n % 16, n % 16, n, n, 1, '', 'shop', 'A' || n FROM generate_series(0, 39999) AS n;
INSERT INTO message (id, shard, member, milestone, points, state, created_at, due_at)
SELECT 'm' || n, n % 16, n, '100', 100,
       (ARRAY['sent', 'due', 'held', 'sent', 'undeliverable'])[1 + n % 5], n, n
FROM generate_series(0, 39999) AS n;
"""

ABOUT_ALL = {
    "accounts",
    "awarded",
    "mergers",
    "counts",
    "homes_in_use",
    "is_untouched",
    "has_members",
    "persons",
    "redeemed",
    "states",
    "verify_members",
    "verify_messages",
    "verify_redemptions",
    "write_names_key",
}
"""These are about all members, or about all documents, or of a shard; count what waits; or ask whether there is one."""

PLACING = {"accept", "place_strangers"}
"""These place what came for somebody before it was anybody: of whom there is none, nothing is read."""

TABLES = re.compile(r"(member|balance|entry|award|document|content)_\d|(remark|message)$")

PASSING_ON = {"Append", "Merge Append"}
"""Steps that stop reading when whoever reads from them does."""


def walks(step: dict[str, Any], *, bounded: bool) -> Iterator[str]:
    """The tables, or shards of them, that a step of a plan and those below it read without another key; `bounded`:
    whoever reads from it takes a few rows, in the order of the key.
    """
    kind, table = step["Node Type"], step.get("Relation Name", "")
    if TABLES.match(table) and kind != "ModifyTable":
        keys = step.get("Index Cond", step.get("Recheck Cond", step.get("TID Cond", "")))
        is_walk = not keys or (" AND " not in keys and keys.startswith("(shard = ") and not bounded)
        if is_walk:
            yield table
    for below in step.get("Plans", []):
        yield from walks(below, bounded=kind == "Limit" or (bounded and kind in PASSING_ON))


async def walked(url: str) -> dict[str, list[str]]:
    """What each statement walks through, planned as on a connection of the ledger's."""
    connection = await asyncpg.connect(url, server_settings=PLANNED)
    found = {}
    try:
        await connection.execute(_FILL)
        await connection.execute("VACUUM ANALYZE")
        for number, (name, statement) in enumerate(SQL.items()):
            await connection.execute(f"PREPARE planned_{number} AS {statement}")
            types = await connection.fetchval(
                "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = $1", f"planned_{number}"
            )
            # Numbers, so that a shard's tables stay in the plan.
            values = ", ".join("0" if each in {"smallint", "integer", "bigint"} else "NULL" for each in types)
            arguments = f"({values})" if types else ""
            plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE planned_{number}{arguments}")
            found[name] = list(walks(json.loads(plan)[0]["Plan"], bounded=False))
    finally:
        connection.terminate()
    return found


def test_messages_in_a_state_are_read_by_the_state(database: str) -> None:
    """However rare it is: the planner would walk through all that came since, whose rows lie in that order."""

    async def planned() -> str:
        connection = await asyncpg.connect(database, server_settings=PLANNED)
        try:
            await connection.execute(_FILL)
            await connection.execute("VACUUM ANALYZE")
            await connection.execute(f"PREPARE planned AS {SQL['messages_in_state']}")
            rows = await connection.fetch("EXPLAIN EXECUTE planned('', 50, 'held')")
            return "\n".join(row[0] for row in rows)
        finally:
            connection.terminate()

    plan = asyncio.run(planned())
    assert "Index Scan using message_state" in plan
    assert "Sort" not in plan


def test_no_look_up_walks_through_a_table(database: str) -> None:
    found = {name: tables for name, tables in asyncio.run(walked(database)).items() if tables}
    assert found.keys() - PLACING == ABOUT_ALL, found


def test_what_looks_a_member_up_is_planned_once(database: str) -> None:
    """In a snapshot too: to plan over sixteen partitions takes longer than the look. Of what reads by a key nothing was
    planned for the values that it was asked for.
    """

    async def planned_anew() -> list[str]:
        connection = await asyncpg.connect(database)
        await connection.execute(_FILL)
        await connection.close()
        ledger = await PostgresLedger.open(database)
        try:
            for _ in range(3):
                assert await ledger.customer(16) is not None
                await ledger.account("m16")
                await ledger.balance("m16")
                await ledger.kept("m16")
                await ledger.entries("m16")
                await ledger.messages("m16")
                await ledger.documents_called("A16")
                for kinds in ((), (EntryKind.REDEEM,)):
                    await ledger.timeline(16, kinds=kinds, before=None, balance=None, limit=50)
            async with ledger._connections.read() as db:
                rows = await db.connection.fetch(
                    "SELECT statement, custom_plans, generic_plans FROM pg_prepared_statements"
                )
        finally:
            await ledger.close()
        assert sum(row["generic_plans"] for row in rows) > len(rows), "they ran on this connection"
        return [row["statement"] for row in rows if row["custom_plans"]]

    assert not asyncio.run(planned_anew())
