"""The ASGI entry, for people who bring their own server: `uvicorn laurels.asgi:app`.

The services are built when the server starts the application (its lifespan), with the settings of environment and
file, and closed when the server stops it. Every other role of `laurels.runtime.roles` runs in the same process;
what fails in one of them ends neither the others nor the answers.

How large a head may be and how long a request may take to arrive is that server's matter, as is what it logs; `laurels
serve` sets both.

Which address the server listens on cannot be known here. So development tokens (`auth.mode` = `dev`) are refused on
each connection that does not end at a loopback address, and under any other mode the settings have to be good for an
address that others reach.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from laurels.errors import LaurelsError, NotAllowed, SettingsError
from laurels.http import create_app, open_auth
from laurels.http.admission.startup_checks import check_open, is_loopback
from laurels.http.asgi import ASGIApp, Receive, Scope, Send
from laurels.http.problems import MEDIA_TYPE, problem_of
from laurels.runtime.role import Running, run_roles
from laurels.runtime.roles import BACKGROUND, wanted
from laurels.settings import load
from laurels.wiring import build


class LifespanApplication:
    """The application before, while and after its services run."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the server: its start and stop, and each request in between."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)
        else:
            raise RuntimeError("Laurels was not started: the server has to run lifespans (uvicorn: --lifespan on).")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with _opened() as self._app:
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except LaurelsError as error:
            await send({"type": "lifespan.startup.failed", "message": error.message})
        else:
            await send({"type": "lifespan.shutdown.complete"})
        finally:
            self._app = None


@asynccontextmanager
async def _opened() -> AsyncIterator[ASGIApp]:
    """The application over its services, with the loops that keep it going."""
    async with build(load()) as services:
        app: ASGIApp = create_app(services, open_auth(services.settings, services.now))
        if services.settings.auth.mode == "dev":
            app = _on_loopback(app)
        else:
            check_open(services.settings, "The server that runs this application may listen on any address")
        if services.settings.http.metrics_port is not None:
            raise SettingsError("http.metrics_port is for `laurels serve`: a server of your own listens where you say.")
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run_roles(wanted(BACKGROUND, services.settings), Running(services, stop)))
            try:
                yield app
            finally:
                stop.set()


def _on_loopback(app: ASGIApp) -> ASGIApp:
    """The application for connections on this machine; others are told why not."""
    refusal = NotAllowed(
        "Development tokens are for one machine alone: let the server listen on 127.0.0.1, or set auth.mode."
    )

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        host, port = scope.get("server") or ("", None)
        if port is None or is_loopback(host):  # without a port it is a socket in the file system
            await app(scope, receive, send)
            return
        problem, _ = problem_of(refusal, scope["path"])
        headers = [(b"content-type", MEDIA_TYPE.encode())]
        await send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await send({"type": "http.response.body", "body": msgspec.json.encode(problem)})

    return guarded


app = LifespanApplication()
