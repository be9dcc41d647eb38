"""The ledger that the settings name."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from laurels.awarding import refunds_of_old
from laurels.checkout import IntentStore
from laurels.clock import Clock
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import LedgerMissing, SettingsError
from laurels.leaderboard import Boards
from laurels.ledger import Ledger, NameNumbers, OldRules
from laurels.program import parse_program
from laurels.settings import Settings
from laurels.wiring.owner import check_owner


@dataclass(frozen=True)
class LedgerBundle:
    """All that a ledger engine brings: the ledger, the checkout's intents, which live in its transactions, and what
    closes both.
    """

    ledger: Ledger
    intents: IntentStore
    close: Callable[[], Awaitable[None]]


def check_there(settings: Settings) -> None:
    """Raise `LedgerMissing` where there is no ledger: what reads makes none."""
    if not ledger_path(settings).exists():
        raise LedgerMissing(
            f"There is no ledger in {settings.state}. Name its directory with --state, or make one: `laurels serve`."
        )


def open_ledger(settings: Settings, now: Clock, names: NameNumbers) -> LedgerBundle:
    """The ledger that the settings name, whose members are named by `names`. Raises `SettingsError`, `SchemaTooOld` and
    the like.
    """
    ledger = SqliteLedger.open(ledger_path(settings), now, settings.ledger.shards, names)
    return LedgerBundle(ledger, ledger.intents, ledger.close)


def read_ledger(settings: Settings, now: Clock, names: NameNumbers | None = None) -> LedgerBundle:
    """The same for reading alone, also where nothing can be written."""
    ledger = SqliteLedger.read(ledger_path(settings), now, names)
    return LedgerBundle(ledger, ledger.intents, ledger.close)


def is_writable(settings: Settings) -> bool:
    """Whether the ledger can be written: not from a read-only mount, or by another user than its own."""
    path = ledger_path(settings)
    return os.access(settings.state, os.W_OK) and os.access(path, os.W_OK)


def has_members(settings: Settings) -> bool:
    """Whether there is a ledger with members in it: they bear names."""
    return SqliteLedger.has_members(ledger_path(settings))


def migrate(settings: Settings) -> tuple[int, int]:
    """Bring the ledger's schema up to date; gives the versions before and after. A ledger that is there is copied and
    the copy checked first, beside it. Raises `SettingsError`.
    """
    check_owner(settings.state)
    return SqliteLedger.migrate(ledger_path(settings), settings.ledger.shards, old_rules)


def old_rules(text: str) -> OldRules:
    """What the first program of a ledger of version 0.1 says of what was written under it."""
    return OldRules(month_of=Boards(parse_program(text).zone).month_of, refunded=refunds_of_old)


def ledger_path(settings: Settings) -> Path:
    """The embedded ledger's file. Raises `SettingsError` for a ledger that is not embedded."""
    if settings.ledger.url != "sqlite":
        raise SettingsError(f"ledger.url is {settings.ledger.url.split(':')[0]}: this version has `sqlite` alone.")
    return settings.state / "laurels.db"
