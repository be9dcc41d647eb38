"""A bell that tasks of one event loop can wait for without missing a stroke between looking and waiting."""

import asyncio


class Bell:
    """Counts its strokes. Read `strokes`, look at what interests you, then wait for the next one after that count."""

    def __init__(self) -> None:
        self.strokes = 0
        self._waiting: dict[asyncio.Future[None], None] = {}  # in order, so that the same run wakes the same way

    def ring(self) -> None:
        """Wake everyone. Call it on the event loop."""
        self.strokes += 1
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    async def wait(self, after: int, timeout_s: float) -> None:
        """Return at the first stroke after `after` of them, at the latest after `timeout_s`."""
        if self.strokes > after:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = None
        try:
            await asyncio.wait([future], timeout=timeout_s)
        finally:
            self._waiting.pop(future, None)
