"""The shop's time zone: the one whose days the program counts by, as Laurels says it."""

import asyncio
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from laurels.clock import MINUTE
from laurels.console.client import ApiAway, ApiRefused, Asking

KEPT = MINUTE
"""How long it is remembered before it is asked for again."""

WITHIN_S = 1.0
"""How long a page waits to hear it."""


NO_ZONE = ZoneInfo("UTC")
"""What times are shown in as long as it was never told."""


class ShopZone:
    """Asks for the zone, the same way wherever the API is, and remembers it. One for the process."""

    def __init__(self) -> None:
        self.known: ZoneInfo | None = None
        """As it was told last."""
        self._until = 0

    async def of(self, api: Asking, now: int, *, patient: bool = False) -> ZoneInfo | None:
        """The zone, or the one of before where it cannot be told now; None where it never was. `patient`: one that was
        never told is waited for as long as for any answer.
        """
        if now >= self._until:
            try:
                async with asyncio.timeout(None if patient and self.known is None else WITHIN_S):
                    self.known = ZoneInfo((await api.get("/time-zone"))["time_zone"])
                self._until = now + KEPT
            except (ApiRefused, ApiAway, TimeoutError, ZoneInfoNotFoundError):
                pass
        return self.known
