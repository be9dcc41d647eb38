"""A process that answers no API tells what it counts at a port of its own, so that its roles can raise alerts."""

import structlog

from laurels.metrics_sharing import is_shared
from laurels.runtime.role import Role, Running, run_roles
from laurels.workers import Watch

log = structlog.get_logger(__name__)

OTHER_PORT = (
    "http.metrics_port: each process on a host has one of its own, such as by LAURELS_HTTP_METRICS_PORT for this one "
    "alone; 0 takes a free one"
)
"""What is said where the port is taken, by `laurels serve` beside this one for the most part."""


async def run_apart(roles: tuple[Role, ...], running: Running) -> None:
    """Run the roles of a process without HTTP, and answer `/metrics` beside them at `http.metrics_port`, where that is
    set and the process does not count together with one that is scraped.

    Raises what `run_roles` does; `SettingsError` where the port is taken.
    """
    if running.services.settings.http.metrics_port is None or is_shared():
        await run_roles(roles, running)
        return
    import laurels.metrics  # noqa: F401, PLC0415 - takes a while to load; from here on this process counts

    await run_roles((_FIGURES, *roles), running)


async def _tell_figures(running: Running, watch: Watch) -> None:
    from laurels import http  # noqa: PLC0415 - the HTTP server takes a while to load

    services = running.services
    settings = services.settings.http
    assert settings.metrics_port is not None, "asked before"

    def on_ready(port: int) -> None:
        watch.worked()
        log.info("metrics.listening", host=settings.host, port=port)

    await http.serve_pages(
        services.settings,
        http.create_figures(services),
        running.stop,
        on_ready,
        host=settings.host,
        port=settings.metrics_port,
        setting=OTHER_PORT,
    )


_FIGURES = Role("metrics", "Tells what a process without HTTP counts.", "metrics", _tell_figures)
"""Not in the table: it is beside other roles, and nobody runs it alone."""
