"""The ledger that the settings name."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from laurels.awarding import refunds_of_old
from laurels.checkout import IntentStore
from laurels.clock import Clock
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import LedgerMissing, SettingsError
from laurels.keyfile import make_folder
from laurels.leaderboard import Boards
from laurels.ledger import Feed, Ledger, NameNumbers, OldRules
from laurels.program import parse_program
from laurels.settings import Settings
from laurels.settings.group import without_secrets
from laurels.wiring.owner import check_owner


class ClosedFeed(Feed, Protocol):
    """A feed of its own, to be closed by whoever opened it."""

    async def close(self) -> None:
        """Let go of everything."""
        ...


@dataclass(frozen=True)
class LedgerBundle:
    """All that a ledger engine brings: the ledger, the checkout's intents, which live in its transactions, and what
    closes both.
    """

    ledger: Ledger
    intents: IntentStore
    close: Callable[[], Awaitable[None]]


async def open_ledger(settings: Settings, now: Clock, names: NameNumbers, *, must_exist: bool = False) -> LedgerBundle:
    """The ledger that the settings name, whose members are named by `names`. With `must_exist` none is made where there
    is none.

    Raises `SettingsError`, `LedgerMissing`, `SchemaTooOld`, `AnotherNamesKey` and the like.
    """
    if is_on_server(settings):
        if not must_exist:
            _make_state(settings.state)
        return await _on_server(settings, now, names, must_exist=must_exist)
    if must_exist:
        await check_there(settings)
    ledger = SqliteLedger.open(ledger_path(settings), now, settings.ledger.shards, names)
    return LedgerBundle(ledger, ledger.intents, ledger.close)


async def read_ledger(settings: Settings, now: Clock, names: NameNumbers | None = None) -> LedgerBundle:
    """The same for reading alone, also where no file can be written. Raises as `open_ledger` does."""
    if is_on_server(settings):
        return await _on_server(settings, now, names, must_exist=True)
    ledger = SqliteLedger.read(ledger_path(settings), now, names)
    return LedgerBundle(ledger, ledger.intents, ledger.close)


async def _on_server(settings: Settings, now: Clock, names: NameNumbers | None, *, must_exist: bool) -> LedgerBundle:
    from laurels.engines.postgres import PostgresLedger  # noqa: PLC0415 - an extra that may not be there

    ledger = await PostgresLedger.open(settings.ledger.url, now, names, must_exist=must_exist)
    return LedgerBundle(ledger, ledger.intents, ledger.close)


async def open_feed_copy(settings: Settings, ledger: Ledger) -> ClosedFeed | None:
    """The feed that boards follow instead of the ledger's own, where the settings name one. Raises `SettingsError`."""
    url = settings.ledger.feed_url
    if url is None:
        return None
    if not is_on_server(settings):
        raise SettingsError("ledger.feed_url is set, and the ledger is in a file: it has no standby. Remove it.")
    from laurels.engines.postgres import PostgresLedger  # noqa: PLC0415 - an extra that may not be there

    return await ledger.feed_copy(url) if isinstance(ledger, PostgresLedger) else None


async def check_there(settings: Settings) -> None:
    """See that there is a ledger. Raises `LedgerMissing`, `ForeignFile`, and where it is on a server what reaching it
    raises.
    """
    if is_on_server(settings):
        if await _members_on_server(settings) is None:
            raise LedgerMissing("There is no ledger in this database yet. Make one: `laurels serve`.")
    elif not SqliteLedger.is_there(ledger_path(settings)):
        raise LedgerMissing(
            f"There is no ledger in {settings.state}. Name its directory with --state, or make one: `laurels serve`."
        )


async def has_members(settings: Settings) -> bool:
    """Whether there is a ledger with members in it: they bear names."""
    if is_on_server(settings):
        return bool(await _members_on_server(settings))
    return SqliteLedger.has_members(ledger_path(settings))


async def write_names_key(settings: Settings, names: NameNumbers, now: Clock) -> None:
    """Let another key of the proxy names be the ledger's own: all members get other names."""
    if is_on_server(settings):
        from laurels.engines.postgres import PostgresLedger  # noqa: PLC0415 - an extra that may not be there

        await PostgresLedger.change_names_key(settings.ledger.url, names, now)
    else:
        SqliteLedger.change_names_key(ledger_path(settings), names, now)


async def _members_on_server(settings: Settings) -> bool | None:
    from laurels.engines.postgres import PostgresLedger  # noqa: PLC0415 - an extra that may not be there

    return await PostgresLedger.has_members(settings.ledger.url)


def is_writable(settings: Settings) -> bool:
    """Whether what lies under `state` can be written: not from a read-only mount, or by another user than its own. A
    ledger in a file is there.
    """
    if not os.access(settings.state, os.W_OK):
        return False
    return is_on_server(settings) or os.access(ledger_path(settings), os.W_OK)


def migrate(settings: Settings) -> tuple[int, int]:
    """Bring the ledger's schema up to date; gives the versions before and after. A ledger in a file is copied and the
    copy checked first, beside it. Raises `SettingsError`.
    """
    if is_on_server(settings):
        from laurels.engines.postgres import PostgresLedger  # noqa: PLC0415 - an extra that may not be there

        return asyncio.run(PostgresLedger.migrate(settings.ledger.url))
    check_owner(settings.state)
    return SqliteLedger.migrate(ledger_path(settings), settings.ledger.shards, old_rules)


def old_rules(text: str) -> OldRules:
    """What the first program of a ledger of version 0.1 says of what was written under it."""
    return OldRules(month_of=Boards(parse_program(text).zone).month_of, refunded=refunds_of_old)


def is_on_server(settings: Settings) -> bool:
    """Whether the ledger is on a server. Raises `SettingsError` where it is neither there nor in a file."""
    url = settings.ledger.url
    if url == "sqlite":
        return False
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingsError(
            f"ledger.url is {without_secrets(url).split(':')[0]}: give `sqlite`, or postgresql://user@host/database"
        )
    if find_spec("asyncpg") is None:
        raise SettingsError(
            "ledger.url is a PostgreSQL server, and the client for it is not installed: pip install laurels[postgres]"
        )
    return True


def _make_state(state: Path) -> None:
    """Make the state directory, readable by its owner alone: keys and boards lie there wherever the ledger is."""
    try:
        make_folder(state)
    except OSError as error:
        raise SettingsError(f"The state directory {state} cannot be made: {error}") from error


def ledger_path(settings: Settings) -> Path:
    """The embedded ledger's file."""
    return settings.state / "laurels.db"
