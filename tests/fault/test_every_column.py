"""Each value of every table, changed behind the ledger's back, is named by `verify`, or a page says why it is not.

The tables and columns are the schema's own, so that a new one is tried as well.
"""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest
from tests.fault.whole_ledger import all_findings, listed, live
from tests.postgres_server import Databases

from laurels.engines.postgres import PostgresLedger
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import LaurelsError
from laurels.ledger import NameNumbers
from laurels.testing.ledger_contract.base import Shop, TurnedClock

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.timeout(1200)]

NAMES = NameNumbers(b"the key of the proxy names")


async def test_on_sqlite(tmp_path: Path) -> None:
    """Each to another value of its kind and to none, whatever the file's guards say."""
    path, now = tmp_path / "laurels.db", TurnedClock()
    ledger = SqliteLedger.open(path, now, names=NAMES)
    await live(Shop(ledger, now), ledger.intents)
    assert await all_findings(ledger, now.at) == []
    await ledger.close()
    tried, unnoticed = set[str](), set[str]()
    for table, column, of in _columns_of_file(path):
        for rowid in _some(_rows_of_file(path, table)):
            for other in (_OTHER[of].format(column), "NULL"):
                changed = str(shutil.copy(path, tmp_path / "changed.db"))
                if _change_file(changed, table, column, rowid, other):
                    tried.add(f"{table}.{column}")
                    if not await _is_noticed_in_file(changed, now):
                        unnoticed.add(f"{table}.{column}")
    _check(tried, unnoticed, listed("sqlite"))


async def test_on_postgresql(postgres: Databases) -> None:
    """The same, as a superuser can: of what is listed until a value is changed that nobody notices, of all else until
    one is noticed. In a column may be both: what a document is known by shows while its content is kept.
    """
    now, said = TurnedClock(), listed("postgres")
    with postgres.new() as url:
        ledger = await PostgresLedger.open(url, now, names=NAMES)
        connection = await asyncpg.connect(url)
        try:
            await live(Shop(ledger, now), ledger.intents)
            assert await all_findings(ledger, now.at) == []
            await connection.execute("SET session_replication_role = replica")
            tried, unnoticed = set[str](), set[str]()
            for table, column, of in await connection.fetch(_COLUMNS):
                named = f"{table}.{column}"
                rows = f"SELECT tableoid::regclass::text, ctid FROM {table} ORDER BY {column}"  # noqa: S608
                found = set[bool | None]()
                for part, place in await connection.fetch(rows):
                    other = _OTHER_THERE.get(of, "NULL").format(column)
                    change = f"UPDATE {part} SET {column} = {other} WHERE ctid = $1"  # noqa: S608
                    found.add(await _is_noticed_there(ledger, now, connection, (change, part, column), place))
                    if found & {None, named not in said}:
                        break
                if found & {True, False}:
                    tried.add(named)
                if found - {None} == {False} or (named in said and False in found):
                    unnoticed.add(named)
        finally:
            await connection.close()
            await ledger.close()
    _check(tried, unnoticed, said)


def _check(tried: set[str], unnoticed: set[str], said: set[str]) -> None:
    """What nobody notices is listed, and nothing else is."""
    faults = {
        "nobody notices": unnoticed - said,
        "noticed, and listed": (said & tried) - unnoticed,
        "listed, and not there or not to be tried": said - tried,
    }
    assert not any(faults.values()), "\n".join(f"{what}: {', '.join(sorted(of))}" for what, of in faults.items())


def _some(rows: list[Any]) -> list[Any]:
    """The first and the last."""
    return rows if len(rows) < 2 else [rows[0], rows[-1]]


_OTHER = {
    "INTEGER": "coalesce({}, 0) + 1",
    "TEXT": "coalesce({}, '') || 'x'",
    "BLOB": "CAST(coalesce({}, x'') || x'78' AS BLOB)",
    "": "coalesce({}, 0) + 1",
}


def _columns_of_file(path: Path) -> list[tuple[str, str, str]]:
    with closing(apsw.Connection(str(path))) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%'"
        ).get
        return [
            (str(table), str(column), str(of))
            for table in tables
            for _, column, of, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall()
        ]


def _rows_of_file(path: Path, table: str) -> list[tuple[str, tuple[Any, ...]]]:
    """How each row is found: by its rowid, or by its key where it has none."""
    with closing(apsw.Connection(str(path))) as connection:
        info = connection.execute(f"PRAGMA table_info({table})").fetchall()
        sql = str(connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).get)
        key = [str(name) for _, name, _, _, _, pk in info if pk] if "WITHOUT ROWID" in sql else ["rowid"]
        where = " AND ".join(f"{name} IS ?" for name in key)
        rows = connection.execute(f"SELECT {', '.join(key)} FROM {table} ORDER BY {', '.join(key)}").fetchall()  # noqa: S608
        return [(where, row) for row in rows]


def _change_file(path: str, table: str, column: str, row: tuple[str, tuple[Any, ...]], other: str) -> bool:
    """Whether a value could be changed: there may have to be one, or such a one may be there already."""
    with closing(apsw.Connection(path)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        connection.pragma("ignore_check_constraints", 1)
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        where, key = row
        values = f"SELECT {column} FROM {table} WHERE {where}"  # noqa: S608
        was = connection.execute(values, key).get
        try:
            connection.execute(f"UPDATE {table} SET {column} = {other} WHERE {where}", key)  # noqa: S608
        except (apsw.ConstraintError, apsw.MismatchError):
            return False
        for _, sql in triggers:
            connection.execute(str(sql))
        return bool(connection.total_changes()) and not (was is None and other == "NULL")


async def _is_noticed_in_file(path: str, now: TurnedClock) -> bool:
    try:
        ledger = SqliteLedger.open(Path(path), now, names=NAMES)
    except LaurelsError:
        return True
    try:
        return bool(await all_findings(ledger, now.at))
    except LaurelsError:  # a program that is none
        return True
    finally:
        await ledger.close()


_COLUMNS = """
SELECT c.oid::regclass::text, a.attname, format_type(a.atttypid, NULL)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
      AND NOT a.attisdropped
ORDER BY 1, a.attnum
"""

_OTHER_THERE = {
    "smallint": "coalesce({}, 0) + 1",
    "integer": "coalesce({}, 0) + 1",
    "bigint": "coalesce({}, 0) + 1",
    "text": "coalesce({}, '') || 'x'",
    "bytea": "coalesce({}, '') || 'x'::bytea",
    "boolean": "NOT coalesce({}, false)",
    '"char"': "'z'",
    "timestamp with time zone": "'2020-01-01'",
}


async def _is_noticed_there(
    ledger: PostgresLedger,
    now: TurnedClock,
    connection: "asyncpg.Connection[Any]",
    change: tuple[str, str, str],
    place: Any,
) -> bool | None:
    """Whether a value that is changed is noticed; None where it could not be changed. It is changed back."""
    update, part, column = change
    value = f"SELECT {column} FROM {part} WHERE ctid = $1"  # noqa: S608
    was = await connection.fetchval(value, place)
    try:
        new = await connection.fetchval(f"{update} RETURNING ctid", place)
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, asyncpg.GeneratedAlwaysError):
        return None
    if await connection.fetchval(value, new) == was:
        return None
    try:
        return bool(await all_findings(ledger, now.at))
    except LaurelsError:
        return True
    finally:
        await connection.execute(f"UPDATE {part} SET {column} = $2 WHERE ctid = $1", new, was)  # noqa: S608
