"""Statements by their names in `queries/`, run on one connection."""

import re
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import Any

import aiosql
import asyncpg

from laurels.errors import LedgerUnavailable

Row = Any
"""A row as the driver gives it: by index, by name, and to be unpacked."""

Call = tuple[Any, ...]
"""A statement's name, and its arguments."""

_PARAMETER = re.compile(r"\$(\d+)")

NO_LIMIT_S = 24 * 3600.0
"""The driver takes no timeout for its connection's own."""

LOADED_IN_PART = (
    "The ledger on the server lacks a row that every ledger has: a dump is still being loaded there, or was loaded in "
    "part. Wait for it, or load it anew into an empty database."
)

_queries = aiosql.from_path(Path(__file__).with_name("queries"), "asyncpg", mandatory_parameters=False)
SQL: dict[str, str] = {
    name: getattr(_queries, name).sql for name in _queries.available_queries if not name.endswith("_cursor")
}


class Statements:
    """A connection that runs the statements of `queries/` by name. The driver keeps them prepared."""

    def __init__(self, connection: "asyncpg.Connection[Any]", *, direct: bool = False) -> None:
        """`direct`: no pooler is between, so that the connection leads to one process of the server."""
        self.connection = connection
        self.direct = direct
        self.warnings: list[str] = []
        """What the server warned of since this was last emptied."""
        self.idle_since = 0.0
        """When it was last given back, by `clock.elapsed`."""
        connection.add_log_listener(self._on_notice)

    async def all(self, name: str, *arguments: Any) -> list[Row]:
        """Every row."""
        rows: list[Row] = await self.connection.fetch(SQL[name], *arguments)
        return rows

    async def one(self, name: str, *arguments: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = await self.connection.fetchrow(SQL[name], *arguments)
        return row

    async def only(self, name: str, *arguments: Any) -> Row:
        """The row of a statement that gives one of every ledger. Raises `LedgerUnavailable` where it gives none."""
        row = await self.connection.fetchrow(SQL[name], *arguments)
        if row is None:
            raise LedgerUnavailable(LOADED_IN_PART)
        return row

    async def value(self, name: str, *arguments: Any) -> Any:
        """The first column of the first row; None where there is none."""
        return await self.connection.fetchval(SQL[name], *arguments)

    async def together(self, *calls: Call) -> list[list[tuple[Any, ...]]]:
        """The rows of several statements that read, in one round trip, as of one moment. Rows go by index alone, and
        hold no arrays but of text: the driver reads no others there.
        """
        row = await self.connection.fetchrow(_all_read(*map(_shape, calls)), *_arguments(calls))
        assert row is not None, "it always gives one row"
        return [*row]

    async def run_together(self, *calls: Call) -> None:
        """Run statements for their effect in one round trip. None may see, or write, a row that another one
        writes; only the last may have a WITH of its own.
        """
        await self.connection.fetch(_all_written(*map(_shape, calls)), *_arguments(calls))

    async def chunks(self, name: str, size: int, *arguments: Any) -> AsyncIterator[list[Row]]:
        """The rows in chunks, within a transaction, however long the server sorts them first."""
        cursor = await self.connection.cursor(SQL[name], *arguments, timeout=NO_LIMIT_S)
        while rows := await cursor.fetch(size, timeout=NO_LIMIT_S):
            yield rows

    async def run(self, name: str, *arguments: Any) -> None:
        """Run a statement for its effect."""
        await self.connection.fetch(SQL[name], *arguments)

    def _on_notice(self, _: object, message: asyncpg.PostgresLogMessage) -> None:
        if getattr(message, "severity_en", None) == "WARNING":
            self.warnings.append(str(message))


def _shape(call: Call) -> tuple[str, int]:
    return call[0], len(call) - 1


def _arguments(calls: tuple[Call, ...]) -> list[Any]:
    return [argument for call in calls for argument in call[1:]]


def _numbered_on(statements: tuple[tuple[str, int], ...]) -> list[str]:
    """Their texts, with the parameters of each numbered on from those of the one before."""
    texts, before = [], 0
    for name, count in statements:
        pieces = _PARAMETER.split(SQL[name].rstrip().rstrip(";"))  # text and numbers by turns
        pieces[1::2] = [f"${int(number) + before}" for number in pieces[1::2]]
        texts.append("".join(pieces))
        before += count
    return texts


@cache
def _all_read(*statements: tuple[str, int]) -> str:
    texts = _numbered_on(statements)
    return "SELECT " + ", ".join(f"ARRAY(SELECT r FROM ({text}) AS r) AS r{n}" for n, text in enumerate(texts))  # noqa: S608 - of our own


@cache
def _all_written(*statements: tuple[str, int]) -> str:
    *texts, last = _numbered_on(statements)
    parts = [f"s{n} AS ({text})" for n, text in enumerate(texts)]
    if not parts:
        return last
    if last.startswith("WITH "):  # what writes has to stand at the top
        return f"WITH {', '.join(parts)}, {last.removeprefix('WITH ')}"
    return f"WITH {', '.join(parts)} {last}"
