"""Who changes rows on the server behind the ledger's back is refused by it, or named by `verify`."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from tests.postgres_server import Databases

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.errors import LaurelsError
from laurels.ledger import Act, NameNumbers
from laurels.model import MemberEvent, Restoration
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock, adjustment, order, redemption, refund

pytestmark = [pytest.mark.anyio, pytest.mark.long]

BESIDE = {
    *(f"aside.{column}" for column in ("accepted_at", "ready_at", "changed_at", "member", "order_source", "order_id")),
    *(f"aside.{column}" for column in ("actor", "stranger", "content", "raw", "reason")),
    "audit_cut.at",
    *(f"award.{column}" for column in ("amount", "left_amount", "points", "currency", "member", "program_version")),
    *(f"award.{column}" for column in ("board_at", "frame", "refunded")),
    *("awarder.owner", "balance.state", "entry.previous"),
    *(f"contact.{column}" for column in ("member", "email")),
    *(f"content.{column}" for column in ("position", "content")),
    *(f"document.{column}" for column in ("id", "member", "member_shard", "fingerprint", "accepted_at")),
    *(f"inbox.{column}" for column in ("accepted_at", "ready_at", "member", "order_source", "order_id")),
    *(f"inbox.{column}" for column in ("actor", "stranger", "content", "raw")),
    *(f"lease.{column}" for column in ("owner", "fence")),
    *(
        f"ledger.{column}"
        for column in ("identity", "epoch", "created_at", "secret", "moved", "moving_from", "timeline")
    ),
    *(f"ledger.{column}" for column in ("names_key", "names_since", "numbered_names", "schema_version")),
    "ledger.system_identifier",
    *(f"member.{column}" for column in ("enrolled_at", "secret", "merged_shard")),
    "member_change.number",
    *(f"message.{column}" for column in ("id", "shard", "member", "milestone", "points", "note")),
    *(f"message.{column}" for column in ("attempts", "created_at", "due_at")),
    *(f"milestone.{column}" for column in ("member", "name", "points", "place", "quiet", "reached_at")),
    *(f"program.{column}" for column in ("published_at", "from_at")),
    *(f"remark.{column}" for column in ("shard", "position", "reason", "note")),
    *(f"rollup.{column}" for column in ("due_at", "scheme")),
}
"""Columns of which some value is covered by no hash and no sum. None is an entry or a total. An adjustment's id is a
digest, of documents that are no orders `award` holds nothing, `document.member` is watched once it is awarded, and
`previous` where an entry moves points: `DAMAGES` in `test_postgres_faults.py` has what is watched of these columns.
"""


@pytest.fixture
def database(postgres: Databases) -> Iterator[str]:
    with postgres.new() as url:
        yield url


@pytest.fixture
async def shop(database: str) -> AsyncIterator[Shop]:
    """A ledger at rest: orders awarded and waiting, refunds, a correction, a rename, a look at a customer."""
    now = TurnedClock()
    ledger = await PostgresLedger.open(database, now, names=NameNumbers(b"the key of the proxy names"))
    try:
        shop = Shop(ledger, now)
        shop.programs = await publish(ledger, parse_program(DEFAULT_PROGRAM))
        shop.awarder = Awarder(ledger, shop.programs, now)
        await ledger.enrol([("ann", "ann@example.com"), ("eve", None), ("bob", None)], actor="clerk")
        await shop.sell(order("A1", "ann", "2500.00"), refund("R1", "ann", "5.00", "A1"), order("A2", "bob", "14.00"))
        await shop.awarder.settle(redemption("S1", "ann", 3))
        back = Restoration(source="shop", cancel_id="C1", redemption_id="S1", points=1, member_id="ann")
        await shop.awarder.settle(back.document())
        await shop.awarder.settle(adjustment("J1", "bob", 1234))
        await ledger.change_member("bob", MemberEvent.RENAME, actor="clerk")
        await shop.accept(refund("R2", "ann", "5.00", "A9"), order("A3", "bob", "100", currency="JPY"))
        await shop.award()
        await shop.accept(order("A4", "ann", "10.00"))
        for member in range(3):
            await ledger.record(Act(sub="niamh", name="Niamh Byrne", roles="support", action="show", member=member))
        yield shop
    finally:
        await ledger.close()


COLUMNS = """
SELECT c.oid::regclass::text, a.attname, format_type(a.atttypid, NULL)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
      AND NOT a.attisdropped
ORDER BY 1, a.attnum
"""

OTHER = {
    "smallint": "coalesce({}, 0) + 1",
    "integer": "coalesce({}, 0) + 1",
    "bigint": "coalesce({}, 0) + 1",
    "text": "coalesce({}, '') || 'x'",
    "bytea": "coalesce({}, '') || 'x'::bytea",
    "boolean": "NOT coalesce({}, false)",
    '"char"': "'z'",
}
"""Another value of each kind, also where there is none."""

REFUSED = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError)


async def test_every_value_but_those_beside_the_ledger_is_watched(shop: Shop, database: str) -> None:
    """One by one, each turned into another and into none, as a superuser can."""
    assert await shop.findings() == []
    connection = await asyncpg.connect(database)
    unwatched = set()
    try:
        await connection.execute("SET session_replication_role = replica")
        columns = [each for each in await connection.fetch(COLUMNS) if f"{each[0]}.{each[1]}" not in BESIDE]
        for table, column, kind in columns:
            distinct = f"SELECT DISTINCT ON ({column}) tableoid::regclass::text, ctid FROM {table}"  # noqa: S608
            for other in ("NULL", OTHER.get(kind, "NULL").format(column)):
                # The table of the row alone: through the parent a changed shard would move it.
                change = f"UPDATE {{}} SET {column} = {other} WHERE ctid = $1 RETURNING ctid"  # noqa: S608
                for part, place in await connection.fetch(distinct):
                    is_unnoticed = await _is_unnoticed(shop, connection, change.format(part), column, (part, place))
                    unwatched |= {(f"{table}.{column}", other)} if is_unnoticed else set()
    finally:
        await connection.close()
    assert sorted(unwatched) == []


async def _is_unnoticed(
    shop: Shop, connection: "asyncpg.Connection[Any]", change: str, column: str, at: tuple[str, object]
) -> bool:
    """Whether a value can be changed in one row so that `verify` says nothing. It is changed back."""
    part, place = at
    value = f"SELECT {column} FROM {part} WHERE ctid = $1"  # noqa: S608
    was = await connection.fetchval(value, place)
    try:
        new = await connection.fetchval(change, place)
    except REFUSED:
        return False
    is_changed = await connection.fetchval(value, new) != was
    try:
        is_noticed = bool(is_changed and await shop.findings())
    except LaurelsError:  # a program that is none
        is_noticed = True
    await connection.execute(f"UPDATE {part} SET {column} = $2 WHERE ctid = $1", new, was)  # noqa: S608
    return is_changed and not is_noticed
