"""The ASGI entry, for people who bring their own server: `uvicorn laurels.asgi:app`.

The house is built when the server starts the application (its lifespan), with the settings of environment and file, and
closed when the server stops it. The process also awards, projects and notifies.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from laurels.errors import LaurelsError
from laurels.http import create_app, open_auth
from laurels.settings import load
from laurels.wiring import build
from laurels.workers import award_forever, notify_forever, project_forever

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]


class Application:
    """The application before, while and after its house stands."""

    def __init__(self) -> None:
        self._app: App | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
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
async def _opened() -> AsyncIterator[App]:
    """The application over its house, with the loops that keep it going."""
    async with build(load()) as house:
        app = create_app(house, open_auth(house.settings, house.now))
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as loops:
            loops.create_task(award_forever(house.ledger, house.awarder, stop))
            loops.create_task(project_forever(house.ledger, house.projector, stop))
            loops.create_task(notify_forever(house.ledger, house.notifier, stop))
            try:
                yield app
            finally:
                stop.set()


app = Application()
