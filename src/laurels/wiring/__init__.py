"""Building Laurels from its settings: `assembly.py` puts it together, and there is one file for each kind of engine.
These are the only files that name engines.
"""

from laurels.wiring.assembly import Services, build, read_program
from laurels.wiring.boards import clear_board, is_board_shared, leaderboard_engine, open_leaderboard
from laurels.wiring.brokers import open_queue
from laurels.wiring.channels import NOBODY
from laurels.wiring.ledgers import LedgerBundle, migrate, open_ledger, read_ledger
from laurels.wiring.sinks import open_sink, webhook_secret

__all__ = [
    "NOBODY",
    "LedgerBundle",
    "Services",
    "build",
    "clear_board",
    "is_board_shared",
    "leaderboard_engine",
    "migrate",
    "open_leaderboard",
    "open_ledger",
    "open_queue",
    "open_sink",
    "read_ledger",
    "read_program",
    "webhook_secret",
]
