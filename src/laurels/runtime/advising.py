"""What somebody has to know of a ledger, in a line of the log at a start: what to set otherwise on its server, and
whether a clock was ahead.
"""

import structlog

from laurels import clock
from laurels.clock import SECOND
from laurels.errors import LedgerUnavailable
from laurels.ledger import Ledger
from laurels.model.times import format_instant

log = structlog.get_logger(__name__)


MUCH_AHEAD_S = 60
"""Clocks of several hosts may differ by less."""


async def log_advice(ledger: Ledger) -> None:
    """Log it, if there is any. A ledger that went away meanwhile is told of by others."""
    try:
        advice, recorded_at = await ledger.advice(), await ledger.recorded_at()
    except LedgerUnavailable:
        return
    if advice:
        log.warning("ledger.advice", set_on_the_server="; ".join(advice))
    ahead_s = (recorded_at - clock.now()) // SECOND
    if ahead_s > MUCH_AHEAD_S:
        log.warning("ledger.ahead_of_the_clock", seconds=ahead_s, recorded_at=format_instant(recorded_at))
