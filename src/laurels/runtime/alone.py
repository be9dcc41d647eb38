"""`consume`, `events`, `console`: the roles of one process that is started by itself, until it is told to stop."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from laurels.runtime.apart import run_apart
from laurels.runtime.events import begin_at
from laurels.runtime.processes import stop_on_signals
from laurels.runtime.role import ConsoleRun, Running, run_roles
from laurels.runtime.roles import CONSOLE, CONSUME, PROJECT, PUBLISH, roles_of
from laurels.settings import Settings
from laurels.wiring import build, is_board_shared

if TYPE_CHECKING:
    from laurels.console import Person


async def run_consume(settings: Settings) -> None:
    """`consume`: take messages from the queue. Raises `SettingsError`, `QueueUnavailable`."""
    async with build(settings, needs_board=False) as services:
        await run_apart(roles_of(CONSUME), Running(services, stop_on_signals()))


async def run_events(settings: Settings, begin: str | None) -> None:
    """`events`: publish; `begin` says where to go on, in place of the kept position. Raises `SettingsError`,
    `InvalidInput`.
    """
    async with build(settings, must_exist=True, needs_board=False) as services:
        if begin is not None:
            await begin_at(services, begin)
        await run_apart(roles_of(PUBLISH), Running(services, stop_on_signals()))


async def run_console(settings: Settings, person: "Person", tell: Callable[[str], None]) -> None:
    """`console`. The board follows the feed here too, where it lives in one process. Raises `SettingsError`."""
    stop = stop_on_signals()
    if settings.console.api is not None:
        from laurels.runtime.console import serve_console  # noqa: PLC0415 - in the extra `console`, and for it alone

        await serve_console(settings, None, stop, person=person, tell=tell)
        return
    async with build(settings, must_exist=True) as services:
        console = ConsoleRun(person, tell)
        roles = roles_of(CONSOLE) + (() if is_board_shared(settings) else roles_of(PROJECT))
        await run_roles(roles, Running(services, stop, console=console))
