"""Statements by their names in `queries/`, run on one connection."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiosql
import asyncpg

Row = Any
"""A row as the driver gives it: by index, by name, and to be unpacked."""

NO_LIMIT_S = 24 * 3600.0
"""The driver takes no timeout for its connection's own."""

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
        """The row of a statement that always gives one."""
        row = await self.connection.fetchrow(SQL[name], *arguments)
        assert row is not None, f"{name} always gives a row"
        return row

    async def value(self, name: str, *arguments: Any) -> Any:
        """The first column of the first row; None where there is none."""
        return await self.connection.fetchval(SQL[name], *arguments)

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
