"""The ledger's heads in the log, now and then: what a later one can be held against (`laurels verify --against`)."""

from collections.abc import Iterator

import structlog

from laurels.clock import MINUTE, Clock
from laurels.ledger import Feed, Heads

log = structlog.get_logger(__name__)


class HeadLog:
    """Logs the heads at its first step, and then at most once in so many minutes, where they moved."""

    def __init__(self, minutes: int, now: Clock) -> None:
        self._pause = minutes * MINUTE
        self._now = now
        self._logged_at: int | None = None
        self._logged: list[str] = []

    async def step(self, ledger: Feed) -> None:
        """Log where the feed ends now, if it is time."""
        if self._logged_at is not None and self._now() - self._logged_at < self._pause:
            return
        heads = list(heads_of(await ledger.heads()))
        self._logged_at = self._now()
        if heads != self._logged:
            self._logged = heads
            log.info("ledger.heads", heads=heads)


def heads_of(heads: Heads) -> Iterator[str]:
    """Each shard's head as `shard-position-hash`, those of empty shards left out."""
    for shard, mark in sorted(heads.marks.items()):
        if mark.position:
            yield f"{shard}-{mark.position}-{mark.hash.hex()}"
