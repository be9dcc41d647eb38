"""How much of requests' bodies a process holds at a time, from before the first byte is read until it is answered.

What one body may have is its route's matter. Here are bounds over all of them: a customer's browser sends a few hundred
bytes, so who sends many large bodies at once is told to wait; a shop's services send whole bulks, and wait their turn.
"""

import asyncio
from collections import Counter, deque

from laurels.errors import TooManyRequests
from laurels.metrics import BODY_BYTES, REFUSED

SERVICES_BYTES = 32 << 20
"""Of services and people, two full bulks: a third one is not read before there is room. The system holds it back."""

SMALL_BYTES = 64 << 10
"""A service's body as small as this is not counted, and never waits: a till's order does not stand behind bulks."""

MEMBERS_BYTES = 8 << 20
"""Of all members together, apart from services: no customer keeps the shop's own orders out."""

MEMBER_BYTES = 2 << 20
"""Of one member."""

RETRY_AFTER_S = 5


class BodyRoom:
    """The room in one process. Sizes are what a request says that it will send, else the most that it may."""

    def __init__(self) -> None:
        self._services = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._members: Counter[str] = Counter()
        self._of_members = 0

    async def take(self, member_id: str | None, size: int) -> None:
        """Take room until `give_back`; one who is no member (None) may wait for it. Raises `TooManyRequests`."""
        if not _counts(member_id, size):
            return
        if member_id is None:
            await self._wait_for(size)
        else:
            if self._of_members + size > MEMBERS_BYTES or self._members[member_id] + size > MEMBER_BYTES:
                REFUSED.labels("bodies").inc()
                raise TooManyRequests(RETRY_AFTER_S, "Too much is being sent at once: send one request after another.")
            self._of_members += size
            self._members[member_id] += size
        BODY_BYTES.inc(size)

    def give_back(self, member_id: str | None, size: int) -> None:
        """Make room again, for those who wait in the order in which they came."""
        if not _counts(member_id, size):
            return
        BODY_BYTES.dec(size)
        if member_id is None:
            self._leave(size)
            return
        self._of_members -= size
        self._members[member_id] -= size
        if not self._members[member_id]:
            del self._members[member_id]

    async def _wait_for(self, size: int) -> None:
        if not self._waiting and self._services + size <= SERVICES_BYTES:
            self._services += size
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the turn came in the same moment
                self._leave(size)
            else:
                self._let_in()  # those behind
            raise

    def _leave(self, size: int) -> None:
        self._services -= size
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting:
            size, turn = self._waiting[0]
            if turn.cancelled():
                self._waiting.popleft()
            elif self._services + size <= SERVICES_BYTES:
                self._waiting.popleft()
                self._services += size
                turn.set_result(None)
            else:
                return


def _counts(member_id: str | None, size: int) -> bool:
    return size > (SMALL_BYTES if member_id is None else 0)
