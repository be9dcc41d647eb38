"""What a console tells Prometheus, at a port of its own beside its pages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from laurels.console import create_figures
from laurels.http import serve_pages
from laurels.http.api.gauges import own_gauges
from laurels.metrics_sharing import is_shared
from laurels.settings import Settings
from laurels.wiring import Services

log = structlog.get_logger(__name__)

_OTHER_PORT = "console.metrics_port"
_ELSEWHERE = "elsewhere"
"""The engines of a console that asks another machine's Laurels."""


@asynccontextmanager
async def figures_told(settings: Settings, services: Services | None) -> AsyncIterator[None]:
    """Answer `/metrics` at `console.metrics_port` for the length of a block, where that is set and the process does not
    count together with one that is scraped. Raises `SettingsError` where the port is taken.
    """
    host, port = settings.console.host, settings.console.metrics_port
    if port is None or is_shared():
        yield
        return
    ledger, leaderboard = _ELSEWHERE, _ELSEWHERE
    if services is not None:
        ledger, leaderboard = services.ledger.name, services.leaderboard.name
    app = create_figures(lambda: own_gauges(ledger, leaderboard))
    stop, is_ready = asyncio.Event(), asyncio.Event()

    def on_ready(port: int) -> None:
        log.info("metrics.listening", host=host, port=port)
        is_ready.set()

    telling = asyncio.create_task(serve_pages(settings, app, stop, on_ready, host=host, port=port, setting=_OTHER_PORT))
    begun = asyncio.create_task(is_ready.wait())
    try:
        await asyncio.wait({telling, begun}, return_when=asyncio.FIRST_COMPLETED)
        if telling.done():
            telling.result()
        yield
    finally:
        begun.cancel()
        stop.set()
        if not telling.done():
            await telling
