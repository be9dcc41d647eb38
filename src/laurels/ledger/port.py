"""The ledger as a whole: its promises and upkeep. Rooms ask for the ones that they use."""

from typing import Protocol

from laurels.ledger.audit import AuditLog
from laurels.ledger.books import Books
from laurels.ledger.casework import Casework
from laurels.ledger.feed import Feed
from laurels.ledger.followers import Followers
from laurels.ledger.inbox import Inbox
from laurels.ledger.jobs import JobStore
from laurels.ledger.members import MemberRegistry
from laurels.ledger.outbox import Outbox
from laurels.ledger.people import People
from laurels.ledger.programs import ProgramStore
from laurels.ledger.quarantine import Quarantine
from laurels.ledger.rollups import RollUps
from laurels.ledger.upkeep import Upkeep


class Ledger(
    Inbox,
    Books,
    MemberRegistry,
    People,
    Feed,
    Followers,
    Quarantine,
    Outbox,
    ProgramStore,
    AuditLog,
    Casework,
    RollUps,
    JobStore,
    Upkeep,
    Protocol,
):
    """A ledger. All methods may be called from any task. Writes raise `LedgerUnavailable` where nothing was written,
    and its kind `LedgerUncertain` where that cannot be known.
    """

    name: str
