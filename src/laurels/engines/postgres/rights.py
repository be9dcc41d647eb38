"""The rights that a role needs, read off the statements: one that lacks some is told at the start, and not by the first
order that comes. So is whoever made a table forgetful.
"""

import re

from laurels.engines.postgres.statements import SQL, Statements
from laurels.errors import SettingsError

_WRITES = {
    "INSERT": re.compile(r"\bINSERT INTO (\w+)"),
    "DELETE": re.compile(r"\bDELETE FROM (\w+)"),
    "UPDATE": re.compile(
        r"\bUPDATE (\w+) (?:\w+ )?SET\b"
        r"|\bINSERT INTO (\w+)(?:(?!INSERT INTO).)*?DO UPDATE"
        r"|\bFROM (\w+)(?:(?!\bFROM\b).)*?FOR UPDATE",
        re.DOTALL,
    ),
}
_READS = re.compile(r"\b(?:FROM|JOIN) (\w+)")
_DRAWS = re.compile(r"\bnextval\('(\w+)'\)")


async def check_rights(db: Statements) -> None:
    """Raise `SettingsError` where this role may not do all that is done on a ledger."""
    missing = [row[0] for row in await db.all("missing_rights", *_columns(NEEDED), sorted(DRAWN))]
    if missing:
        raise SettingsError(
            f"ledger.url: this role may not use the ledger: it has no right to {', '.join(missing[:3])}. Grant it the "
            "rights of its owner."
        )


async def check_logged(db: Statements) -> None:
    """Raise `SettingsError` where a table of the ledger is not in the server's log, so that a crash empties it."""
    for row in await db.all("unlogged", sorted({name for _, name in NEEDED})):
        raise SettingsError(
            f"ledger.url: the table {row[0]} is UNLOGGED, so that a crash of the server empties it. Run there: ALTER "
            f"TABLE {row[0]} SET LOGGED"
        )


def _needed() -> set[tuple[str, str]]:
    read = {("SELECT", name) for statement in SQL.values() for name in _READS.findall(statement)}
    return read | {
        (right, name)
        for right, pattern in _WRITES.items()
        for statement in SQL.values()
        for match in pattern.finditer(statement)
        for name in match.groups()
        if name is not None
    }


def _columns(rows: set[tuple[str, str]]) -> tuple[list[str], list[str]]:
    ordered = sorted(rows)
    return [right for right, _ in ordered], [name for _, name in ordered]


NEEDED = _needed()
"""(right, table) that some statement needs. What is no table of the ledger (a name inside a statement) is left out by
the server.
"""

DRAWN = {name for statement in SQL.values() for name in _DRAWS.findall(statement)}
"""Sequences that are drawn from."""
