"""What every part of the ledger stands on: the connections, who the ledger is, the clock, and how changes are heard."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from laurels import clock
from laurels.clock import Clock
from laurels.engines.postgres.audit_rows import append
from laurels.engines.postgres.awarding import Floor
from laurels.engines.postgres.connections import Connections, Open
from laurels.engines.postgres.names import Names
from laurels.engines.postgres.opening import Facts
from laurels.engines.postgres.statements import Statements
from laurels.errors import LedgerUnavailable
from laurels.ledger import Act, NameNumbers
from laurels.ledger.change_signal import ChangeSignal
from laurels.model.documents import keyed

POLL_S, IDLE_POLL_S = 0.02, 0.25
"""How often it is looked for other processes' changes: while there are some, and when there were none for a while."""

FEED_PACE_S = 0.02
"""How long after one look at a feed that grows the next one comes: what is committed one by one is read together."""

_SLOWING = 8
"""The next look comes after an eighth of the time that nothing has changed."""


class Session:
    """An open ledger, used from one event loop."""

    def __init__(self, open_one: Open, facts: Facts, now: Clock = clock.now, names: NameNumbers | None = None) -> None:
        """`names` gives name numbers; None: under the ledger's own secret."""
        self._now = now
        self._facts = facts
        self._numbers = names
        self._names = Names(facts, names)
        self._connections = Connections(open_one, self._write_rows)
        self._signal, self._feed_signal = ChangeSignal(), ChangeSignal()
        self._changed_at = self._feed_looked_at = float("-inf")
        self._owner = uuid.uuid4().hex
        self._fences: dict[int, int] = {}
        self._closed = False
        self._floors: dict[int, Floor] = defaultdict(Floor)

    async def _write_rows(self, db: Statements, acts: Sequence[Act]) -> None:
        await append(db, acts, self._now())

    def _check_open(self) -> None:
        if self._closed:
            raise LedgerUnavailable("The ledger is closed.")

    def _stranger(self, member_id: str) -> bytes:
        """What is kept of an id that is nobody's yet: enough to know it again, and not to read it back."""
        return keyed(self._facts.secret, member_id.encode())

    def _committed(self, *, grown: bool) -> None:
        """Wake who waits; `grown`: the feed is longer."""
        self._changed_at = asyncio.get_running_loop().time()
        self._signal.notify()
        if grown:
            self._feed_signal.notify()

    async def _poll(
        self, look: Callable[[Statements], Awaitable[bool]], timeout_s: float, signal: ChangeSignal | None = None
    ) -> None:
        signal = signal or self._signal
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            generation = signal.generation
            async with self._connections.read() as db:
                found = await look(db)
            if found:
                self._changed_at = loop.time()
                return
            left = deadline - loop.time()
            if left <= 0:
                return
            quiet_s = loop.time() - self._changed_at
            await signal.wait(generation, min(left, max(quiet_s / _SLOWING, POLL_S), IDLE_POLL_S))
