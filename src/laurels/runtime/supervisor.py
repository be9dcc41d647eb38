"""Roles do not share a fate: what nobody foresaw in one of them is logged, counted, told in `/readyz` and tried again
after a pause; the others go on.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from laurels.errors import LaurelsError
from laurels.logs import describe
from laurels.metrics_sharing import is_counting
from laurels.role_status import RoleBoard, RoleState
from laurels.workers import Watch, sleep

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Pauses before a role is tried again; they double while it keeps failing."""

log = structlog.get_logger(__name__)


class Supervisor(Watch):
    """Watches one role of this process."""

    def __init__(self, role: str, board: RoleBoard) -> None:
        self._role = role
        self._board = board
        self._pause = FIRST_PAUSE_S
        self.has_worked = False

    def worked(self) -> None:
        """Told after each step; costs a look-up."""
        self.has_worked = True
        self._pause = FIRST_PAUSE_S
        self._board.tell(self._role, RoleState.RUNNING)

    def away(self, error: LaurelsError) -> None:
        """The ledger or the leaderboard is away, and the role waits for it."""
        self._board.tell(self._role, RoleState.WAITING, error=type(error).__name__)

    def failed(self, error: Exception) -> float:
        """Log and count the error; the seconds to wait."""
        pause = self._pause
        self._pause = min(2 * pause, LONGEST_PAUSE_S)
        log.error("role.failed", role=self._role, again_in_s=pause, **describe(error))
        self._board.tell(self._role, RoleState.FAILING, error=type(error).__name__, restarted=True)
        if is_counting():
            from laurels.metrics import ROLE_FAILURES  # noqa: PLC0415 - prometheus-client takes a while to load

            ROLE_FAILURES.labels(self._role).inc()
        return pause


async def supervise(role: str, run: Callable[[Watch], Awaitable[None]], stop: asyncio.Event, board: RoleBoard) -> None:
    """Run a role until `stop` is set, and again whenever it ends with an error.

    Raises `LaurelsError` where the role never worked: what is wrong with the settings is said, not tried again.
    """
    supervisor = Supervisor(role, board)
    board.tell(role, RoleState.RUNNING)
    while not stop.is_set():
        try:
            await run(supervisor)
        except Exception as error:
            if isinstance(error, LaurelsError) and not supervisor.has_worked:
                raise
            await sleep(supervisor.failed(error), stop)
