"""Serving: the application on an address, inside the caller's event loop, until the caller says stop."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from functools import partial
from typing import Any

import structlog
import uvicorn

from laurels.errors import SettingsError
from laurels.http.admission.auth import open_auth
from laurels.http.app import Application, create_application
from laurels.http.asgi import ASGIApp
from laurels.http.mounts import NOTHING, Mounts
from laurels.http.services import HttpServices
from laurels.http.serving.capacity import Capacity
from laurels.http.serving.connections import Connection
from laurels.http.serving.edge import Edge, HandedConnection, can_run
from laurels.settings import Settings

BACKLOG = 2048
SEND_BYTES = 128 * 1024
"""What the system takes of one client's answers before it has read them; Linux takes twice that."""

FINISH_WITHIN_S = 10
"""How long requests in flight may take once the server is told to stop."""

LOOK_EVERY_S = 1.0
"""How often all connections are looked at, for clients that nobody waits for any longer."""

log = structlog.get_logger(__name__)


async def serve(
    services: HttpServices,
    stop: asyncio.Event,
    on_ready: Callable[[int], None] = lambda _: None,
    mounts: Mounts = NOTHING,
    *,
    share_port: bool = False,
    port: int | None = None,
) -> None:
    """Answer HTTP until `stop` is set; then take nothing new and finish what is being answered.

    `on_ready` is called with the port once requests are answered: where `http.port` is 0, the one that was free.
    `share_port`: other processes of this user may answer at the same port; the system deals the connections out. `port`
    takes the place of the setting, for one that answered before. Raises `SettingsError` where the address cannot be
    used; whatever ends the server's own loop, with the port free again and every connection closed.
    """
    settings, capacity = services.settings, Capacity()
    # Before it listens: what settings may not be is told without a port.
    app = create_application(services, open_auth(settings, services.now), mounts, capacity.most)
    asked = settings.http.port if port is None else port
    with ExitStack() as listeners:
        listener = listeners.enter_context(_listener(settings.http.host, asked, share_port=share_port))
        port = listener.getsockname()[1]
        serving = _begin(services, app, capacity, (listener, listeners), share_port=share_port)
        log.info("http.listening", host=settings.http.host, port=port)
        # The socket listens already: a client that connects now waits for the first turn of the server's loop.
        on_ready(port)
        await _serve_until(stop, serving, services.live.close)
        log.info("http.stopped", port=port)


def _begin(
    services: HttpServices,
    app: Application,
    capacity: Capacity,
    listening: tuple[socket.socket, ExitStack],
    *,
    share_port: bool,
) -> "list[_Serving]":
    """Begin to serve the API at its port, and the metrics at theirs, where they have one; the stack closes that."""
    settings, (listener, listeners) = services.settings, listening
    edge = None
    if can_run(app, settings, services.now):
        edge = Edge(app, settings, listener, capacity, settings.http.keep_alive_s)
    elif settings.http.edge == "auto":
        log.info("http.no_edge", hint="the edge needs the native core and leaderboard.engine native")
    serving = [_Serving(settings, listener, app.asgi, capacity, edge=edge)]
    if app.metrics is not None and settings.http.metrics_port is not None:
        own = _listener(
            settings.http.host, settings.http.metrics_port, share_port=share_port, setting="http.metrics_port"
        )
        listeners.enter_context(own)
        log.info("metrics.listening", host=settings.http.host, port=own.getsockname()[1])
        serving.append(_Serving(settings, own, app.metrics, capacity))
    return serving


async def _serve_until(stop: asyncio.Event, serving: "Sequence[_Serving]", close_live: Callable[[], None]) -> None:
    """Serve until `stop` is set or one of them ends; then stop them all. Raises what ended one."""
    stopping = asyncio.create_task(stop.wait())
    try:
        tasks = {task for one in serving for task in one.tasks}
        await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for one in serving:
            for task in one.tasks - {one.task}:
                if task.done():
                    task.result()
    finally:
        stopping.cancel()
        if stop.is_set():
            close_live()
        ended = await asyncio.gather(*(one.stop() for one in serving), return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error


async def serve_pages(
    settings: Settings,
    app: ASGIApp,
    stop: asyncio.Event,
    on_ready: Callable[[int], None],
    *,
    host: str,
    port: int,
    setting: str = "--port",
) -> None:
    """Answer HTTP at an address of its own with another application than the API, by the same rules of connections.

    Raises `SettingsError` where the address cannot be used, which says what `setting` would give another port.
    """
    with _listener(host, port, setting=setting) as listener:
        serving = _Serving(settings, listener, app, Capacity())
        on_ready(listener.getsockname()[1])
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopping, serving.task, serving.enforcing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await serving.stop()


class _Serving:
    """One application at one port, being served."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        app: ASGIApp,
        capacity: Capacity,
        *,
        edge: Edge | None = None,
    ) -> None:
        """With an `edge`, that accepts the connections, and hands some over."""
        self._listener = listener
        self._edge = edge
        make = partial(Connection if edge is None else HandedConnection, capacity)
        self._server = _Server(
            config := uvicorn.Config(
                app,
                http=make,  # type: ignore[arg-type]  # called as the class would be
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=settings.http.keep_alive_s,
                timeout_graceful_shutdown=FINISH_WITHIN_S,
            )
        )
        connections = self._server.server_state.connections
        self.enforcing = asyncio.create_task(_enforce_timeouts(connections, capacity))
        self.task = asyncio.create_task(self._server.serve([listener] if edge is None else []))
        self.tasks = {self.task, self.enforcing}
        if edge is not None:
            state = self._server.server_state
            edge.start(lambda: make(config=config, server_state=state, app_state={}), lambda: len(state.connections))
            self.tasks.add(asyncio.create_task(edge.run()))

    async def stop(self) -> None:
        """Take nothing new, and finish what is being answered. One whose loop failed has closed nothing; raises what it
        failed with.
        """
        for task in self.tasks - {self.task, self.enforcing}:
            task.cancel()
        if self._edge is not None:
            await self._edge.stop()
        self._server.should_exit = True
        try:
            await self.task
        except Exception:
            self._server.force_exit = True  # nobody is left who would finish what is being answered
            await self._server.shutdown([self._listener])
            raise
        finally:
            self.enforcing.cancel()
            for connection in list(self._server.server_state.connections):  # whose clients do not read what was written
                connection.abort()  # type: ignore[union-attr]  # it is one of ours


async def _enforce_timeouts(connections: AbstractSet[Any], capacity: Capacity) -> None:
    """Look at all connections of a server, until cancelled; nobody waits for ever for a client."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        for connection in list(connections):
            connection.enforce_timeouts(loop.time())
        capacity.make_room(connections)


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to the caller."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listener(host: str, port: int, *, share_port: bool = False, setting: str = "--port") -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host.strip("[]"), port), family=family, backlog=BACKLOG, reuse_port=share_port)
    except ValueError as error:  # what Python says where the system has no such thing
        raise SettingsError(
            "http.workers: on this system one process alone can listen at a port. Set it to 1."
        ) from error
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {host}, port {port}: {error.strerror or error}. Choose another with {setting}."
        ) from error
    # asyncio sets this only on sockets that say their protocol, which these do not. Without it, an answer whose head
    # and body are written apart waits 40 ms for the client's acknowledgement. What is accepted inherits it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # The system would keep up to 4 MB of answers for each client that does not read them.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
    return listener
