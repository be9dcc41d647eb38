"""`laurels console`: the operators' pages, in a process of their own that serves nobody else."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any
from zoneinfo import ZoneInfo

from laurels.console import OneTimeCodes, Person, Setup, client_of, create_console
from laurels.errors import SettingsError
from laurels.http import create_app, open_auth, serve_pages
from laurels.http.admission.person_tokens import PersonTokens, console_key, cookie_secret
from laurels.http.admission.startup_checks import is_loopback
from laurels.model.people import ROLES
from laurels.runtime.processes import stop_on_signals
from laurels.runtime.roles import CONSOLE, PROJECT, ConsoleRun, Running, roles_of, run_roles
from laurels.settings import Settings
from laurels.wiring import Services, build, is_board_shared

FALLBACK_ZONE = "UTC"
"""What times are shown in where another Laurels is asked, whose zone is not known."""


def person_named(name: str, roles: str) -> Person:
    """The person whom the terminal names. Raises `SettingsError` for a role that is none."""
    given = tuple(roles.replace(",", " ").split())
    unknown = [role for role in given if role not in ROLES]
    if unknown or not given:
        raise SettingsError(f"--roles: {unknown[0] if unknown else 'none'} is no role. There are {', '.join(ROLES)}.")
    if not name or not name.isprintable():
        raise SettingsError("--as: name a person.")
    return Person(sub=name, name=name, roles=given)


async def serve_console(
    settings: Settings,
    services: Services | None,
    stop: asyncio.Event,
    *,
    person: Person,
    tell: Callable[[str], None],
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve the pages until `stop` is set. `services`: the API is answered here; None: `console.api` is asked. `tell`
    is given an address that signs the person in once, and another one each time that it was used.

    Raises `SettingsError` where the address would be open to other machines: what signs in here is a terminal.
    """
    host = settings.console.host
    if not is_loopback(host):
        raise SettingsError(
            f"console.host is {host}: people sign in by an address from the terminal, so the console listens on this "
            "machine alone, at 127.0.0.1 or ::1."
        )
    key = console_key(settings)
    async with AsyncExitStack() as stack:
        api: Any = settings.console.api
        if services is not None:
            api = create_app(services, open_auth(settings, services.now, key))
        zone = FALLBACK_ZONE if services is None else services.programs.current.time_zone
        client = await stack.enter_async_context(client_of(api))
        tokens = PersonTokens(key)
        address = _Address(settings, tell)
        codes = OneTimeCodes(person, address.code)
        app = create_console(
            Setup(
                http=client,
                sign=lambda who: tokens.sign(who.sub, who.name, who.roles),
                codes=codes,
                secret=cookie_secret(key),
                cookie=f"laurels-console-{settings.console.port}",
                zone=ZoneInfo(zone),
            )
        )

        def ready(port: int) -> None:
            address.at(port)
            on_ready()

        await serve_pages(settings, app, stop, ready, host=host, port=settings.console.port)


class _Address:
    """Tells the address of each code, once the port is known."""

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        self._host = settings.console.host
        self._tell = tell
        self._port: int | None = None
        self._code = ""

    def code(self, code: str) -> None:
        """There is another code."""
        self._code = code
        if self._port is not None:
            self._tell(f"http://{self._host}:{self._port}/sign-in?code={code}")

    def at(self, port: int) -> None:
        """Pages are answered at this port."""
        self._port = port
        self.code(self._code)


async def run_console(settings: Settings, person: Person, tell: Callable[[str], None]) -> None:
    """`console`. The board follows the feed here too, where it lives in one process."""
    stop = stop_on_signals()
    if settings.console.api is not None:
        await serve_console(settings, None, stop, person=person, tell=tell)
        return
    async with build(settings, must_exist=True) as services:
        console = ConsoleRun(person, tell)
        roles = roles_of(CONSOLE) + (() if is_board_shared(settings) else roles_of(PROJECT))
        await run_roles(roles, Running(services, stop, console=console))
