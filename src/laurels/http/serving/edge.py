"""The edge: connections that the native core accepts and answers without the interpreter, and those that it hands over.

Members' reads it answers by itself, services' orders it reads, and they are answered many at a time (`orders.py`). Any
other connection is handed over with the bytes that were read and not answered. It comes back once it has sent two
requests in a row that the edge could have taken: one that sends others would go to and fro for nothing.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any, Protocol, runtime_checkable

import structlog
from prometheus_client import Histogram

from laurels import clock
from laurels.clock import SECOND
from laurels.errors import UnknownBoard
from laurels.http.admission.body_room import SMALL_BYTES
from laurels.http.admission.cors import Sharing, headers_of
from laurels.http.admission.limits import NativeQuota
from laurels.http.api.dashboards import CACHED, show_board, show_dashboard
from laurels.http.api.orders import place_order
from laurels.http.app import Application
from laurels.http.asgi import Scope
from laurels.http.middleware import SECURITY_HEADERS
from laurels.http.native import IS_INSTALLED, core
from laurels.http.serving.capacity import Capacity, refused
from laurels.http.serving.connections import HEAD_WITHIN_S, REQUEST_WITHIN_S, TAKEN_WITHIN_S, Connection
from laurels.http.serving.orders import EdgeOrders
from laurels.leaderboard import ALL_TIME
from laurels.metrics import ACCEPT_SECONDS, CONNECTIONS, DASHBOARD_SECONDS, before_scrape
from laurels.settings import Settings

TICK_S = 1.0
MEANS_FOR = 5 * SECOND
"""How long the edge may take the name of a board to mean what it means now."""

RETURN_AFTER = 2
"""Requests in a row that the edge could have taken; then a connection goes back to it."""

READS = {(route.method, route.path) for route in (show_dashboard, show_board)}
"""What the edge answers members."""

ORDERS = place_order.method, place_order.path
"""What it reads of services, in bodies of at most `SMALL_BYTES`: those need no room that is counted."""

NAMES = (ALL_TIME, "month")

_STATUSES = (200, 304)
_NS = 1_000_000_000
_NOT_PLAIN = frozenset({b"content-encoding", b"expect", b"proxy-connection", b"transfer-encoding", b"upgrade"})

log = structlog.get_logger(__name__)


@runtime_checkable
class HasNativeReader(Protocol):
    """A leaderboard that the native core reads."""

    @property
    def native_reader(self) -> Any:
        """Its reader."""


def can_run(app: Application, settings: Settings, now: clock.Clock) -> bool:
    """Whether the edge is wanted, and can answer: the native core reads the board, and the clock is the machine's."""
    dashboards = app.dispatcher.services.dashboards
    is_native = IS_INSTALLED and isinstance(dashboards.renderer, HasNativeReader)
    return settings.http.edge == "auto" and is_native and now is clock.now


class Edge:
    """One thread of the native core, and its ties to this event loop."""

    def __init__(
        self, app: Application, settings: Settings, listener: socket.socket, capacity: Capacity, most_idle_s: float
    ) -> None:
        """`listener` is shared, and stays the caller's. Call `start` at once."""
        self._dashboards = app.dispatcher.services.dashboards
        self._meters = app.dispatcher.meters
        self._capacity = capacity
        self._connections = 0
        self._making: set[asyncio.Task[Any]] = set()
        self._make: Callable[[], Connection] | None = None
        self._held_by_python: Callable[[], int] = lambda: 0
        admission = app.dispatcher.admission
        members = admission.limits.members
        assert members is None or isinstance(members, NativeQuota), "the core is installed"
        self._table = table = admission.table
        assert isinstance(table, core.TokenTable), "the core is installed"
        origins, other = _origins(app.shared)
        self._core = core.Edge(
            os.dup(listener.fileno()),
            _reader(self._dashboards.renderer),
            table,
            None if members is None else members.core,
            seal_key=self._dashboards.versions.seal.key,
            prefix=settings.http.root_path.encode("ascii"),
            cached=_lines([(name.lower().encode(), value.encode()) for name, value in CACHED.items()]),
            security=_lines(SECURITY_HEADERS),
            origins=origins,
            other_origins=other,
            quota_name=b"" if members is None else members.name,
            stale_after=self._dashboards.stale_after,
            smallest=self._dashboards.smallest,
            most=capacity.most,
            first_byte_ms=int(HEAD_WITHIN_S * 1000),
            keep_alive_ms=int(most_idle_s * 1000),
            unread_ms=int(TAKEN_WITHIN_S * 1000),
            request_ms=int(REQUEST_WITHIN_S * 1000),
            most_body=SMALL_BYTES,
            bounds_ns=_bounds_ns(DASHBOARD_SECONDS),
            order_bounds_ns=_bounds_ns(ACCEPT_SECONDS),
        )
        self._orders = EdgeOrders(app, self._core)

    def start(self, make: Callable[[], Connection], held_by_python: Callable[[], int]) -> None:
        """Take what is handed over: each connection becomes one that `make` makes. `held_by_python` tells how many
        there are.
        """
        self._make, self._held_by_python = make, held_by_python
        self._capacity.elsewhere = self._core.connections
        before_scrape.append(self._count)
        asyncio.get_running_loop().add_reader(self._core.fileno(), self._take)
        self._tick()

    async def run(self) -> None:
        """Tell the edge once a second what it has to know, until cancelled. Raises `RuntimeError` where it ended."""
        while True:
            await asyncio.sleep(TICK_S)
            self._tick()
            if not self._core.is_running():
                await self.stop()
                raise RuntimeError("the edge ended by itself")

    async def stop(self) -> None:
        """Take nothing new. Returns once every connection is closed or handed over."""
        if self._count not in before_scrape:
            return
        before_scrape.remove(self._count)
        try:
            await asyncio.to_thread(self._core.stop)
        finally:
            asyncio.get_running_loop().remove_reader(self._core.fileno())
            self._take()
            await asyncio.gather(*self._making, return_exceptions=True)
            await self._orders.finish()
            self._count()

    def give_back(self, descriptor: int) -> None:
        """Give a connection back; the descriptor is the edge's from now on, and closed where that has stopped."""
        if self._count in before_scrape:
            self._core.give_back(descriptor)
        else:
            os.close(descriptor)

    def _take(self) -> None:
        handed, orders = self._core.take()
        if orders:
            self._orders.take(orders)
        if handed:
            self._take_handed(handed)

    def _take_handed(self, handed: Iterable[tuple[int, bytes, int, int]]) -> None:
        for descriptor, data, why, waited_ms in handed:
            task = asyncio.create_task(self._connect(socket.socket(fileno=descriptor), data, why, waited_ms / 1000))
            self._making.add(task)
            task.add_done_callback(self._making.discard)
        self._core.set_elsewhere(self._held_by_python() + len(self._making))

    async def _connect(self, handed: socket.socket, data: bytes, why: int, waited_s: float) -> None:
        assert self._make is not None, "started"
        connection = self._make()
        assert isinstance(connection, HandedConnection)
        connection.take(self, data, why, waited_s)
        handed.setblocking(False)  # noqa: FBT003 - it has no name
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, handed)
        except OSError:  # the client is gone
            handed.close()

    def _tick(self) -> None:
        now = clock.now()
        meanings = []
        for name in NAMES:
            try:
                meaning = self._dashboards.meaning(name, now)
                if meaning == self._dashboards.meaning(name, now + MEANS_FOR):
                    meanings.append((name, *meaning))
            except UnknownBoard:
                continue
        self._core.set_boards([(name, board, now + MEANS_FOR, young) for name, board, young in meanings])
        self._core.set_elsewhere(self._held_by_python())
        self._count()

    def _count(self) -> None:
        """Add what the edge has counted since the last time to the metrics."""
        answers, times, sum_ns, unread, crowded, _ = self._core.take_counts()
        for route, counts in zip((show_dashboard, show_board), answers, strict=True):
            for status, count in zip(_STATUSES, counts, strict=True):
                if count:
                    self._meters[route.method, route.path].add(status, count)
        if any(times):
            self._meters[show_dashboard.method, show_dashboard.path].add_times(times, sum_ns / _NS)
        order_times, order_sum_ns = self._core.take_order_times()
        if any(order_times):
            self._meters[ORDERS].add_times(order_times, order_sum_ns / _NS)
        for reason, count in (("not-read", unread), ("crowded", crowded)):
            if count:
                refused(reason, count)
        connections = self._core.connections()
        CONNECTIONS.inc(connections - self._connections)
        self._connections = connections


class HandedConnection(Connection):
    """A connection that the edge has handed over."""

    def take(self, edge: Edge, data: bytes, why: int, waited_s: float) -> None:
        """What came with it; called before it is made."""
        self._edge = edge
        self._handed, self._why, self._waited_s = data, why, waited_s
        self.is_admitted = why != core.FULL  # it was the edge's, and those that are refused may be here meanwhile
        self._in_a_row = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Go on where the edge stopped."""
        super().connection_made(transport)
        if self._arriving_since is not None:
            self._arriving_since -= self._waited_s
        if self._why == core.FULL:
            self.refuse_full()
            return
        if self._handed:
            data, self._handed = self._handed, b""
            self.data_received(data)
        if self._why == core.LATE:
            self.enforce_timeouts(self.loop.time())

    def on_response_complete(self) -> None:
        """Go on with what waited; where nothing does and this was the last of some plain ones in a row, go back."""
        scope: Any = self.cycle.scope
        self._in_a_row = self._in_a_row + 1 if _is_plain(scope) else 0
        super().on_response_complete()
        if self._in_a_row >= RETURN_AFTER:
            self.loop.call_soon(self._go_back)  # by then the answer is sent

    def _go_back(self) -> None:
        """Give a duplicate of the descriptor to the edge, unless something has begun meanwhile. This transport reads
        nothing more, and closes its own.
        """
        if self._in_a_row < RETURN_AFTER or not self.is_quiet():
            return
        self._in_a_row = 0
        self._edge.give_back(os.dup(self.transport.get_extra_info("socket").fileno()))
        self.transport.close()


def _is_plain(scope: Scope) -> bool:
    """Whether a request that was answered is one that the edge could have taken, as far as one can tell."""
    state, headers = scope["state"], dict(scope["headers"])
    meter, caller = state.get("meter"), state.get("caller")
    if meter is None or caller is None or not _NOT_PLAIN.isdisjoint(headers):
        return False
    asked, length = (meter.method, meter.route), headers.get(b"content-length")
    if caller.member_id is not None:
        return asked in READS and length is None and b"min_version" not in scope["query_string"]
    return asked == ORDERS and length is not None and 0 < int(length) <= SMALL_BYTES


def _bounds_ns(seconds: Histogram) -> list[int]:
    return [round(bound * _NS) for bound in seconds._upper_bounds[:-1]]


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers as they go over the wire."""
    return b"".join(b"%s: %s\r\n" % header for header in headers)


def _reader(board: object) -> Any:
    assert isinstance(board, HasNativeReader), "looked at by `can_run`"
    return board.native_reader


def _origins(shared: Sharing | None) -> tuple[dict[bytes, bytes], bytes]:
    """The header lines for pages of each origin that is named, and for all others."""
    if shared is None:
        return {}, b""
    named = {origin: _lines(headers_of(shared, origin)) for origin in shared.origins}
    return named, _lines(headers_of(shared, b""))
