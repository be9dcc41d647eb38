"""Looking something up by its key reads its rows, whatever the tables' size: no statement walks through all members,
entries or documents, but those few that are about all of them.

The planner joins by walking through a table where it takes that for cheaper, as it does in a small shop: with 20,000
members each points correction read all of them. So what is looked up by a key is a subquery for each row.
"""

import asyncio
import re
from collections.abc import Iterator

import asyncpg
import pytest
from tests.postgres_server import Databases

from laurels.engines.postgres.reaching import PLANNED
from laurels.engines.postgres.statements import SQL

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

MEMBERS = 40_000
_FILL = """
INSERT INTO member (shard, number, name_number, enrolled_at, position, member_id)
SELECT n % 16, n, n, 1, n + 1, 'm' || n FROM generate_series(0, 40000) AS n;
INSERT INTO balance (shard, member, balance, earned, score, month, month_score, before_score, last_position)
SELECT n % 16, n, 1, 1, 1, 202609, 1, 0, n + 1 FROM generate_series(0, 40000) AS n;
INSERT INTO entry (shard, format, position, previous, kind, member, points, occurred_at, board_at, recorded_at, hash)
SELECT n % 16, 2, 1 + n / 16, 0, 'e', n, 1, 1, 1, 1, '' FROM generate_series(0, 40000) AS n;
INSERT INTO award (shard, sequence, position) SELECT n % 16, n, 1 + n / 16 FROM generate_series(0, 40000) AS n;
INSERT INTO document (home, kind, shard, member_shard, member, sequence, accepted_at, fingerprint, source, id)
SELECT n % 16, 'o', n % 16, n % 16, n, n, 1, '', 'shop', 'A' || n FROM generate_series(0, 40000) AS n;
"""

ABOUT_ALL = {
    "accounts",
    "awarded",
    "homes_in_use",
    "is_untouched",
    "has_members",
    "persons",
    "write_names_key",
}
"""These are about all members, or about all documents; or ask whether there is one."""

PLACING = {"accept", "place_strangers"}
"""These place what came for somebody before it was anybody: of whom there is none, nothing is read."""

WALKED = re.compile(r"Seq Scan on ((?:member|balance|entry|award|document)_\d\w*)")


@pytest.fixture
def database(postgres: Databases) -> Iterator[str]:
    with postgres.new() as url:
        yield url


async def walked(url: str) -> dict[str, list[str]]:
    """What each statement walks through, planned as on a connection of the ledger's."""
    connection = await asyncpg.connect(url, server_settings=PLANNED)
    found = {}
    try:
        await connection.execute(_FILL)
        await connection.execute("VACUUM ANALYZE")
        for number, (name, statement) in enumerate(SQL.items()):
            await connection.execute(f"PREPARE planned_{number} AS {statement}")
            count = await connection.fetchval(
                "SELECT coalesce(array_length(parameter_types, 1), 0) FROM pg_prepared_statements WHERE name = $1",
                f"planned_{number}",
            )
            arguments = f"({', '.join(['NULL'] * count)})" if count else ""
            plan = await connection.fetch(f"EXPLAIN EXECUTE planned_{number}{arguments}")
            found[name] = [table for row in plan for table in WALKED.findall(row[0])]
    finally:
        connection.terminate()
    return found


def test_no_look_up_walks_through_a_table(database: str) -> None:
    found = {name: tables for name, tables in asyncio.run(walked(database)).items() if tables}
    assert found.keys() - PLACING == ABOUT_ALL, found
