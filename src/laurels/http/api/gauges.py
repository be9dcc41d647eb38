"""What `/metrics` tells beside what was counted: which build this is, how much waits, how far the board is behind.
Asked for at each scrape, so it is right with any number of processes; `process_…` are of the one that answers. No
figure names a member, an order or a path with ids in it.
"""

import asyncio
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

import laurels
from laurels.clock import SECOND
from laurels.errors import BoardNotReady, LedgerUnavailable
from laurels.http.services import HttpServices
from laurels.leaderboard import ALL_TIME, View
from laurels.ledger import Counts, Heads

ANSWER_WITHIN_S = 2.0
"""How long the ledger is waited for; without it the other figures are told."""


def own_gauges(ledger: str, leaderboard: str) -> bytes:
    """What this process is, with which engines, and takes, in Prometheus's text format. Asks nobody."""
    registry = CollectorRegistry()
    build = {"version": laurels.__version__, "ledger": ledger, "leaderboard": leaderboard}
    registry.register(_Families([_gauge("laurels_build_info", "1, with the version and the engines.", 1, build)]))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


async def gauges(services: HttpServices) -> bytes:
    """What waits at this moment, in Prometheus's text format. Without a ledger or a board the figures of the other."""
    counts, heads, recorded_at = await _ledger(services)
    view = await _board(services)
    now = services.now()
    families = [
        _gauge("laurels_ledger_up", "1 where the ledger answers.", counts is not None),
        _gauge("laurels_board_ready", "1 where the board serves.", view is not None),
    ]
    if counts is not None:
        families += _of_ledger(counts, now)
    if recorded_at is not None:
        ahead = max(0, recorded_at - now) / SECOND
        families.append(
            _gauge("laurels_feed_ahead_seconds", "By which the last entry was recorded ahead of now.", ahead)
        )
    if view is not None and view.confirmed_at:  # 0: of data that a server lost the rest of, known to be behind
        age = max(0, now - view.confirmed_at) / SECOND
        families.append(_gauge("laurels_feed_lag_seconds", "Since the board was known to be at the feed's end.", age))
    if view is not None and heads is not None:
        behind = _entries(heads.version.positions) - _entries(view.version.positions)
        families.append(_gauge("laurels_feed_lag_entries", "Entries that the board has not taken.", max(0, behind)))
    registry = CollectorRegistry()
    registry.register(_Families(families))
    return generate_latest(registry)


async def _ledger(services: HttpServices) -> tuple[Counts | None, Heads | None, int | None]:
    ledger = services.ledger
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await ledger.counts(), await ledger.heads(), await ledger.recorded_at()
    except (LedgerUnavailable, TimeoutError):
        return None, None, None


async def _board(services: HttpServices) -> View | None:
    try:
        return await services.leaderboard.read(ALL_TIME, None, top=0, around=0)
    except BoardNotReady:
        return None


def _of_ledger(counts: Counts, now: int) -> list[GaugeMetricFamily]:
    age = 0.0 if counts.ready_since is None else max(0, now - counts.ready_since) / SECOND
    messages = GaugeMetricFamily(
        "laurels_messages", "Messages not yet sent: due, or held for an address (at most 100,000).", labels=["state"]
    )
    messages.add_metric(["due"], counts.messages_due)
    messages.add_metric(["held"], counts.messages_held)
    return [
        _gauge("laurels_inbox_depth", "Documents accepted and not yet taken.", counts.ready),
        _gauge("laurels_inbox_age_seconds", "How long the first of them has waited; 0 where there is none.", age),
        _gauge("laurels_waiting", "Refunds that wait for their order.", counts.waiting),
        _gauge("laurels_quarantine_depth", "Documents in quarantine.", counts.quarantined),
        messages,
    ]


def _gauge(name: str, help_: str, value: float, labels: dict[str, str] | None = None) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_, labels=list(labels or {}))
    family.add_metric(list((labels or {}).values()), value)
    return family


def _entries(positions: dict[int, int]) -> int:
    return sum(positions.values())


class _Families(Collector):
    """Families that are made already."""

    def __init__(self, families: Iterable[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give them."""
        yield from self._families
