"""Who changes the ledger's file behind its back is refused by the file, or named by `verify`."""

import asyncio
import shutil
from contextlib import closing
from pathlib import Path
from random import Random

import apsw
import pytest
from tests.fault.sqlite_places import place_in_file

from laurels.awarding import Awarder, Programs, recount_of
from laurels.engines.sqlite import SqliteLedger
from laurels.engines.sqlite.connection import Database
from laurels.errors import LaurelsError
from laurels.ledger import Act, Claim, Finding, NameNumbers, Outcome, Posting
from laurels.model import Adjustment, EntryKind, MemberEvent, Order, Refund
from laurels.program import DEFAULT_PROGRAM, parse_program

pytestmark = pytest.mark.anyio

COLUMNS = [
    "place",
    "kind",
    "member",
    "points",
    "currency",
    "amount",
    "source",
    "order_id",
    "refund_id",
    "reason",
    "program_version",
    "name_number",
    "actor",
    "occurred_at",
    "board_at",
    "recorded_at",
    "hash",
    "format",
    "details",
]
"""As they lie in the file."""


RECOUNT = recount_of(Programs.of(parse_program(DEFAULT_PROGRAM)))

NAMES = NameNumbers(b"the key of the proxy names")

FLIPS = 150

BESIDE = {
    *(f"audit_head.{column}" for column in ("one", "at", "cut_position", "cut_hash")),
    *(f"accepted.{column}" for column in ("id", "sequence", "member", "fingerprint", "accepted_at")),
    *(f"contact.{column}" for column in ("member", "email")),
    "award.frame",
    "balance.state",
    *(f"content.{column}" for column in ("place", "content")),
    *(f"inbox.{column}" for column in ("order_id", "content", "raw", "reason", "changed_at")),
    *(f"inbox.{column}" for column in ("shard", "stranger", "order_source", "actor")),
    *(
        f"ledger.{column}"
        for column in ("one", "identity", "epoch", "created_at", "secret", "next_member", "next_name")
    ),
    *(f"ledger.{column}" for column in ("names_key", "names_since")),
    *(f"member.{column}" for column in ("enrolled_at", "secret", "shard")),
    *(f"remark.{column}" for column in ("place", "reason", "note")),
    *(f"rollup.{column}" for column in ("one", "due_at", "scheme")),
    *(f"shard.{column}" for column in ("recorded_at",)),
    *(f"sqlite_sequence.{column}" for column in ("name", "seq")),
}
"""Values of which one flipped bit may stay unnoticed: those that are listed, and what is held against something by a
part of it alone, or by a replay (`test_every_column.py`). None is an entry, a total, or what an order has left.
"""


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("untouched") / "laurels.db"
    asyncio.run(make(path))
    return path


@pytest.fixture
def path(untouched: Path, tmp_path: Path) -> Path:
    """A ledger at rest, made as `make` says."""
    return Path(shutil.copy(untouched, tmp_path / "laurels.db"))


async def make(path: Path) -> None:
    """Entry 4 has something in every column but the reason, which no entry has any more, and the name number, which
    entry 5 has.
    """
    ledger = SqliteLedger.open(path, names=NAMES)
    program = parse_program(DEFAULT_PROGRAM)
    await ledger.publish(program.version, program.text, None, actor="test")
    awarder = Awarder(ledger, Programs.of(program))
    await ledger.enrol([("ann", "ann@example.com"), ("eve", None), ("bob", None)], actor="clerk")
    await ledger.settle([Adjustment(id="J1", member_id="bob", points=1234567, actor="clerk").document()], _everything)
    await ledger.change_member("bob", MemberEvent.RENAME, actor="clerk")
    await ledger.accept([_order("A1", "ann", 25_00).document(), _refund("R1", "ann", 500, "A1").document()])
    await awarder.drain()
    await ledger.accept([_refund("R2", "ann", 500, "A9").document(), _order("A2", "bob", 100, "JPY").document()])
    await awarder.drain()
    await ledger.accept([_order("A3", "ann", 10_00).document()])
    for number in range(3):
        act = Act(sub="niamh", name="Niamh Byrne", roles="support", action="show_customer", member=number)
        await ledger.record(act)
    await ledger.close()
    assert await findings_of(path) == []


@pytest.mark.parametrize(
    "column", ["at", "sub", "name", "roles", "action", "member", "object", "outcome", "request_id", "hash"]
)
@pytest.mark.parametrize("position", [1, 2, 3])
async def test_a_changed_row_of_the_audit_log_is_named(path: Path, column: str, position: int) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        trigger = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'audit_is_never_changed'").get
        connection.execute("DROP TRIGGER audit_is_never_changed")
        other = "at + 1" if column == "at" else "7" if column == "member" else "CAST('x' AS BLOB)"
        text = "'x' || " + column
        value = other if column in {"at", "member", "hash"} else text
        connection.execute(f"UPDATE audit SET {column} = {value} WHERE position = ?", (position,))  # noqa: S608
        connection.execute(trigger)
    where = [finding.where for finding in await findings_of(path)]
    assert where[0] == f"audit {position}"


@pytest.mark.parametrize("gone", [1, 2, 3])
async def test_a_row_missing_from_the_audit_log_is_named(path: Path, gone: int) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        trigger = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'audit_is_never_deleted'").get
        connection.execute("DROP TRIGGER audit_is_never_deleted")
        connection.execute("DELETE FROM audit WHERE position = ?", (gone,))
        connection.execute(trigger)
    assert (await findings_of(path))[0].where == f"audit {gone}"


@pytest.mark.parametrize("table", ["entry", "program", "audit"])
@pytest.mark.parametrize(
    "statement", ["DELETE FROM {}", "UPDATE {} SET rowid = 77", "REPLACE INTO {} SELECT * FROM {}"]
)
def test_the_application_itself_cannot_change_what_is_written(path: Path, table: str, statement: str) -> None:
    with closing(Database(path)) as db:
        before = db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
        with pytest.raises(apsw.ConstraintError, match=r"never changes?$"):
            db.execute(statement.format(table, table))
        assert db.execute(f"SELECT * FROM {table}").fetchall() == before  # noqa: S608


@pytest.mark.parametrize("column", COLUMNS)
def test_not_one_column_of_an_entry_can_be_updated(path: Path, column: str) -> None:
    with closing(Database(path)) as db, pytest.raises(apsw.ConstraintError, match="entries never change"):
        db.execute(f"UPDATE entry SET {column} = {column} WHERE place = 4")  # noqa: S608


@pytest.mark.parametrize("table", ["accepted", "member"])
def test_what_was_accepted_and_who_was_enrolled_cannot_be_deleted(path: Path, table: str) -> None:
    with closing(Database(path)) as db:
        db.execute("PRAGMA foreign_keys = off")
        with pytest.raises(apsw.ConstraintError, match=r"(for ever|never used again)$"):
            db.execute(f"DELETE FROM {table}")  # noqa: S608


@pytest.mark.parametrize("bit", [0, 5, 7])
@pytest.mark.parametrize("column", [column for column in COLUMNS if column != "reason"])
async def test_one_flipped_bit_in_an_entry_is_named(path: Path, column: str, bit: int) -> None:
    position = 5 if column == "name_number" else 4
    with closing(Database(path)) as db:
        row = db.execute(f"SELECT {', '.join(COLUMNS)} FROM entry WHERE place = {position}").fetchone()  # noqa: S608
    assert row is not None
    where = place_in_file(path, row, COLUMNS.index(column))
    _flip(path, where, bit)
    findings = await findings_of(path)
    named = {f"0-{position}", f"0-{position + 1}"} if column in {"place", "hash"} else {f"0-{position}"}
    assert any(finding.where in named for finding in findings), findings


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("DELETE FROM entry WHERE place = 4", "0-4"),
        ("DELETE FROM entry WHERE place = 7", "0-7"),
        ("DELETE FROM entry", "0-1"),
        (f"INSERT INTO entry SELECT 99, {', '.join(COLUMNS[1:])} FROM entry LIMIT 1", "0-99"),  # noqa: S608
        ("UPDATE shard SET hash = x'00'", "ledger"),
        ("UPDATE shard SET position = 3", "0-4"),
        ("UPDATE shard SET position = 99", "0-8"),
        ("UPDATE shard SET position = -1", "0-1"),
        ("UPDATE accepted SET sequence = 1 << 61 WHERE id = 'A3'", "order shop/A3"),
        ("DELETE FROM ledger", "ledger"),
        ("UPDATE balance SET balance = balance + 1 WHERE member = 0", "member number 0"),
        ("UPDATE balance SET earned = earned - 1 WHERE member = 0", "member number 0"),
        ("UPDATE balance SET score = 0 WHERE member = 2", "member number 2"),
        ("DELETE FROM balance WHERE member = 2", "member number 2"),
        ("UPDATE member SET hidden = 1 WHERE number = 2", "member number 2"),
        ("UPDATE member SET name_number = 77 WHERE number = 2", "member number 2"),
        ("UPDATE member SET member_id = NULL WHERE number = 2", "member number 2"),
        ("DELETE FROM member WHERE number = 2", "member number 2"),
        ("INSERT INTO member (number, member_id, name_number, enrolled_at) VALUES (7, 'x', 77, 0)", "member number 7"),
        ("UPDATE accepted SET status = 'quarantined' WHERE id = 'A1'", "order shop/A1"),
        ("UPDATE accepted SET status = 'accepted', place = NULL WHERE id = 'A1'", "order shop/A1"),
        ("UPDATE accepted SET status = 'awarded' WHERE id = 'A3'", "order shop/A3"),
        ("UPDATE accepted SET place = 4 WHERE id = 'A1'", "order shop/A1"),
        ("UPDATE accepted SET id = 'B1' WHERE id = 'A1'", "order shop/B1"),
        ("UPDATE accepted SET id = 'Q1' WHERE id = 'R1'", "refund shop/Q1"),
        ("UPDATE accepted SET id = 'B3' WHERE id = 'A3'", "order shop/B3"),
        ("UPDATE accepted SET place = 3 WHERE id = 'R1'", "refund shop/R1"),
        ("UPDATE accepted SET place = 99 WHERE kind = 'adjustment'", "adjustment clerk/"),
        ("UPDATE accepted SET member = 0 WHERE kind = 'adjustment'", "adjustment clerk/"),
        ("UPDATE inbox SET state = 'ready' WHERE id = 'R2'", "refund shop/R2"),
        ("UPDATE inbox SET state = 'waiting' WHERE id = 'A2'", "order shop/A2"),
        ("DELETE FROM inbox WHERE id = 'A3'", "order shop/A3"),
        ("UPDATE program SET version = 9", "file"),
        ("INSERT INTO program (version, text, published_at) SELECT 9, text, 0 FROM program", "program 9"),
        ("UPDATE program SET text = text || '# more'", "program 1"),
        ("UPDATE program SET from_at = published_at", "program 1"),
        ("UPDATE program SET published_at = published_at - 1", "program 1"),
        ("UPDATE accepted SET fingerprint = x'00' WHERE id = 'A1'", "order shop/A1"),
        ("UPDATE content SET content = CAST(replace(CAST(content AS TEXT), '2500', '2400') AS BLOB)", "order shop/A1"),
        ("UPDATE inbox SET content = x'7b7d' WHERE id = 'A3'", "order shop/A3"),
        ("UPDATE inbox SET order_id = 'A8' WHERE id = 'R2'", "refund shop/R2"),
        ("UPDATE member SET secret = x'00' WHERE number = 0", "order shop/A1"),
        ("UPDATE award SET points = 4", "order shop/A1"),
        ("UPDATE award SET amount = 9900, left_amount = 9400", "order shop/A1"),
        ("UPDATE award SET left_amount = 9900", "order shop/A1"),
        ("UPDATE award SET left_amount = left_amount + 1", "order shop/A1"),
        ("UPDATE inbox SET kind = 'refund' WHERE id = 'A3'", "order shop/A3"),
        ("UPDATE inbox SET source = 'till' WHERE id = 'R2'", "refund shop/R2"),
        ("UPDATE award SET reversed = reversed + 1", "order shop/A1"),
        ("UPDATE award SET refunded = NULL", "order shop/A1"),
        ("UPDATE award SET refunded = CAST(replace(CAST(refunded AS TEXT), 'R1', 'R8') AS BLOB)", "order shop/A1"),
        ("UPDATE award SET places = x'5b5d'", "order shop/A1"),
        ("UPDATE award SET places = x'5b37'", "order shop/A1"),
        ("UPDATE award SET places = CAST(json_remove(CAST(places AS TEXT), '$[1]') AS BLOB)", "order shop/A1"),
        ("UPDATE balance SET month_score = month_score + 1 WHERE member = 0", "member number 0"),
        ("UPDATE balance SET before_score = 1 WHERE member = 0", "member number 0"),
        ("UPDATE balance SET month = month - 1 WHERE member = 0", "member number 0"),
        ("INSERT INTO closed_month VALUES (202401, 2, 1)", "member number 2"),
        ("UPDATE former_name SET name_number = name_number + 1", "member number 2"),
        ("UPDATE former_name SET member = 0", "member number 2"),
        ("DELETE FROM former_name", "member number 2"),
        ("UPDATE award SET member = 1", "order shop/A1"),
        ("DELETE FROM award", "order shop/A1"),
    ],
)  # fmt: skip
async def test_what_was_changed_without_the_application_is_named(path: Path, statement: str, where: str) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        for [trigger] in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(statement)
        assert connection.changes() > 0
    found = {finding.where for finding in await findings_of(path)}
    if where.endswith("/"):  # of an adjustment's id a digest is kept
        assert [each for each in found if each.startswith(where)]
    else:
        assert where in found


async def test_a_ledger_that_can_enrol_nobody_any_more_is_named(path: Path) -> None:
    """Under another key, the row that says who the ledger is, breaks its own constraint at every change of it. SQLite's
    own look at the file does not ask that of a key.
    """
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("ignore_check_constraints", 1)
        connection.execute("UPDATE ledger SET one = 3")
    [finding] = await findings_of(path)
    assert finding == Finding("ledger", "the row that says who it is, is missing")


def test_no_bit_of_the_ledgers_own_row_ends_verify_with_an_error_of_the_driver(path: Path) -> None:
    """Of its kinds and lengths of values, and of its first text; some keep the ledger from being opened."""
    content = path.read_bytes()
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        identity = content.index(str(connection.execute("SELECT identity FROM ledger").get).encode())
    found = 0
    for where in range(identity - 16, identity + 2):
        for bit in range(8):
            _flip(path, where, bit)
            found += bool(asyncio.run(findings_of(path)))
            path.write_bytes(content)
    assert found > 32


async def test_a_guard_that_was_taken_away_is_named(path: Path) -> None:
    """SQLite's own statistics are not: whoever runs ANALYZE has changed nothing."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("ANALYZE")
    assert await findings_of(path) == []
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("DROP TRIGGER entry_is_never_changed")
    [finding] = await findings_of(path)
    assert (finding.where, "entry_is_never_changed" in finding.what) == ("schema", True)


def test_a_page_of_rubbish_is_named_and_ends_nothing(path: Path) -> None:
    """Page by page, indexes too: `verify` says that something is wrong, and never with an error of the driver."""
    content = path.read_bytes()
    assert len(content) % 4096 == 0
    for start in range(4096, len(content), 4096):
        path.write_bytes(content[:start] + b"\xa5" * 4096 + content[start + 4096 :])
        assert asyncio.run(findings_of(path))
    path.write_bytes(content)
    assert asyncio.run(findings_of(path)) == []


def test_never_changes_an_entry_by_a_flipped_bit_that_nobody_finds(path: Path, rng: Random) -> None:
    assert flip_at_random(path, rng, FLIPS) > FLIPS // 20, "hardly any was found: nothing was tried"


def flip_at_random(path: Path, rng: Random, flips: int) -> int:
    """Flip single bits, half of them anywhere in the file and half where there is something; how many `verify` found.

    One that it does not find has changed no value at all (free space, counters that SQLite does not trust), or one of
    those that are beside the ledger: see `BESIDE`.
    """
    content = path.read_bytes()
    written = [at for at, byte in enumerate(content) if byte]
    before = _values(path)
    found = 0
    for n in range(flips):
        where, bit = rng.choice(written) if n % 2 else rng.randrange(len(content)), rng.randrange(8)
        _flip(path, where, bit)
        if asyncio.run(findings_of(path)):
            found += 1
        else:
            changed = {column for column, values in _values(path).items() if values != before.get(column)}
            assert changed <= BESIDE, f"byte {where}, bit {bit}: {changed} and nobody noticed"
        path.write_bytes(content)
    return found


def _values(path: Path) -> dict[str, list[tuple[bytes | None, str]]]:
    """Every value in the file, by table and column, as bytes and with its type: a flipped one may be no text."""
    values: dict[str, list[tuple[bytes | None, str]]] = {}
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        for table in map(str, connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").get):
            for _, column, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall():
                query = f"SELECT CAST({column} AS BLOB), typeof({column}) FROM {table} NOT INDEXED"  # noqa: S608
                values[f"{table}.{column}"] = [(value, str(kind)) for value, kind in connection.execute(query)]
    return values


def _flip(path: Path, where: int, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[where] ^= 1 << bit
    path.write_bytes(content)


async def findings_of(path: Path) -> list[Finding]:
    try:
        ledger = SqliteLedger.open(path, names=NAMES)
    except LaurelsError as error:
        return [Finding("file", error.message)]
    try:
        return [finding async for step in ledger.verify(RECOUNT) for finding in step.findings]
    finally:
        await ledger.close()


def _everything(claim: Claim) -> Outcome:
    """An adjustment with something in every column."""
    [item] = claim.items
    assert item.member is not None
    posting = Posting(
        item=item,
        kind=EntryKind.ADJUST,
        member=item.member,
        points=1234567,
        reason="a reason",
        occurred_at=claim.now,
        board_at=claim.now - 1,
        month=RECOUNT.month_of(claim.now - 1, claim.now),
        currency="GBP",
        amount=7654321,
        order_key=("clerk", "some-order"),
        refund_id="some-refund",
        program_version=1000,
        details=b'{"board":true}',
    )
    return Outcome(postings=[posting])


def _order(order_id: str, member_id: str, total: int, currency: str = "GBP") -> Order:
    return Order(source="shop", order_id=order_id, member_id=member_id, currency=currency, total=total)


def _refund(refund_id: str, member_id: str, amount: int, order_id: str) -> Refund:
    return Refund(
        source="shop", refund_id=refund_id, order_id=order_id, member_id=member_id, currency="GBP", amount=amount
    )
