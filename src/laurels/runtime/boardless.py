"""Telling that `serve --only http` has no board to show, since nothing follows the ledger for it."""

import asyncio

import structlog

from laurels.errors import LaurelsError
from laurels.leaderboard import ALL_TIME
from laurels.role_status import RoleState
from laurels.runtime.roles import PROJECT, roles_of
from laurels.wiring import Services
from laurels.workers import sleep

WAITED_S = 10.0
"""A process that was started beside this one follows by then."""

log = structlog.get_logger(__name__)


async def tell_boardless(services: Services, stop: asyncio.Event, after_s: float = WAITED_S) -> None:
    """Log one warning where there still is no board after so many seconds, and no role of this state directory builds
    one: dashboards get 503 for as long.
    """
    await sleep(after_s, stop)
    if stop.is_set() or _is_followed(services):
        return
    try:
        await services.leaderboard.read(ALL_TIME, None, top=0, around=0)
    except LaurelsError:  # there is none, or it is away
        name = services.leaderboard.name
        where = "on this host, over the same state" if name == "native" else "on some host, unless one builds it now"
        log.warning("http.no_board", board=name, hint=f"run `laurels project` {where}")


def _is_followed(services: Services) -> bool:
    """Whether a process that shares this state directory is at it."""
    names = {role.name for role in roles_of(PROJECT)}
    return any(one.role in names and one.state is not RoleState.DOWN for one in services.roles.all())
