"""A signal that something changed, for tasks of one event loop: no change between looking and waiting is missed."""

import asyncio


class ChangeSignal:
    """Counts changes. Read `generation`, look at what interests you, then wait for a later one."""

    def __init__(self) -> None:
        self.generation = 0
        self._waiting: dict[asyncio.Future[None], None] = {}  # in order, so that the same run wakes the same way

    def notify(self) -> None:
        """Wake everyone. Call it on the event loop."""
        self.generation += 1
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    async def wait(self, after: int, timeout_s: float) -> None:
        """Return at the first generation after `after`, at the latest after `timeout_s`."""
        if self.generation > after:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = None
        try:
            await asyncio.wait([future], timeout=timeout_s)
        finally:
            self._waiting.pop(future, None)
