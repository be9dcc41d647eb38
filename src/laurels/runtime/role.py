"""What a role is, what it is given, and how roles run beside each other. Which there are: `laurels.runtime.roles`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from laurels.runtime.supervisor import supervise
from laurels.runtime.telling import ShowProgress, lines
from laurels.settings import Settings
from laurels.wiring import Services
from laurels.workers import Watch

if TYPE_CHECKING:
    from laurels.console import Person
    from laurels.http import Mounts


def _nobody(port: int) -> None:
    """Nobody wants to know the port."""


@dataclass(frozen=True)
class ConsoleRun:
    """Who the console signs in, and who is told the address for it."""

    person: "Person"
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Running:
    """What a role is given. Four are for HTTP: who is told the port, what is mounted beside the API, whether other
    processes listen at the same port, and the port that it answered at, to which it comes back; one is the console's;
    `roles` are the names of all that run in this process.
    """

    services: Services
    stop: asyncio.Event
    progress: ShowProgress = field(default=lines)
    on_ready: Callable[[int], None] = _nobody
    mounts: "Mounts | None" = None
    share_port: bool = False
    ports: list[int] = field(default_factory=list)
    console: ConsoleRun | None = None
    roles: frozenset[str] = frozenset()


def _always(_: Settings) -> bool:
    """Most roles are for every shop."""
    return True


@dataclass(frozen=True)
class Role:
    """A row of the table: what it is called, what it does, the process it belongs to, its loop, and whether the
    settings ask for it.
    """

    name: str
    about: str
    process: str
    run: Callable[[Running, Watch], Awaitable[None]]
    is_wanted: Callable[[Settings], bool] = _always


async def run_roles(roles: tuple[Role, ...], running: Running) -> None:
    """Run roles beside each other until the stop; an error in one does not end another.

    Raises what a role raises that cannot begin, such as `SettingsError`; then the others end too.
    """
    running = replace(running, roles=frozenset(role.name for role in roles))
    async with asyncio.TaskGroup() as tasks:
        for role in roles:
            tasks.create_task(
                supervise(role.name, partial(role.run, running), running.stop, running.services.roles),
                name=f"laurels-{role.name}",
            )
