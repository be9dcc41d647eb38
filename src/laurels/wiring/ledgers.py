"""The ledger that the settings name."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from laurels.awarding import refunds_of_old
from laurels.checkout import IntentStore
from laurels.clock import Clock
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import LedgerMissing, SettingsError
from laurels.leaderboard import Boards
from laurels.ledger import Ledger, OldRules
from laurels.program import parse_program
from laurels.settings import Settings
from laurels.settings.group import without_secrets
from laurels.wiring.owner import check_owner


@dataclass(frozen=True)
class LedgerBundle:
    """All that a ledger engine brings: the ledger, the checkout's intents, which live in its transactions, and what
    closes both.
    """

    ledger: Ledger
    intents: IntentStore
    close: Callable[[], Awaitable[None]]


async def open_ledger(settings: Settings, now: Clock, *, must_exist: bool = False) -> LedgerBundle:
    """The ledger that the settings name. With `must_exist` none is made where there is none.

    Raises `SettingsError`, `LedgerMissing`, `SchemaTooOld` and the like.
    """
    if is_on_server(settings):
        from laurels.engines.postgres import PostgresLedger  # noqa: PLC0415 - an extra that may not be there

        _make_state(settings.state)
        on_server = await PostgresLedger.open(settings.ledger.url, now, must_exist=must_exist)
        return LedgerBundle(on_server, on_server.intents, on_server.close)
    if must_exist and not ledger_path(settings).exists():
        raise LedgerMissing(
            f"There is no ledger in {settings.state}. Name its directory with --state, or make one: `laurels serve`."
        )
    ledger = SqliteLedger.open(ledger_path(settings), now, settings.ledger.shards)
    return LedgerBundle(ledger, ledger.intents, ledger.close)


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
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The state directory {state} cannot be made: {error}") from error


def ledger_path(settings: Settings) -> Path:
    """The embedded ledger's file."""
    return settings.state / "laurels.db"
