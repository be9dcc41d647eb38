"""What to set otherwise on the ledger's server, in one line of the log at a start."""

import structlog

from laurels.errors import LedgerUnavailable
from laurels.ledger import Ledger

log = structlog.get_logger(__name__)


async def log_advice(ledger: Ledger) -> None:
    """Log it, if there is any. A ledger that went away meanwhile is told of by others."""
    try:
        advice = await ledger.advice()
    except LedgerUnavailable:
        return
    if advice:
        log.warning("ledger.advice", set_on_the_server="; ".join(advice))
