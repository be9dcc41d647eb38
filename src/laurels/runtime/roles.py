"""The table of roles: everything that a running Laurels does, each row with the process that `serve` runs it in.

To add a role, write its loop in `workers` and add a row. `serve`, its child processes, `laurels.asgi`, the commands
that run one process alone, `serve --only`, `/readyz` and the page docs/reference/roles.md follow.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from laurels.awarding import members_at, tell_silent
from laurels.clock import DAY
from laurels.jobs import JobRunner
from laurels.ledger.jobs import OPEN_DAYS
from laurels.metrics_sharing import is_counting
from laurels.rollups import Days, RollingUp, look_at_due
from laurels.runtime.heads import HeadLog
from laurels.runtime.quarantining import tell_quarantined
from laurels.runtime.role import Role, Running
from laurels.runtime.warming import ONE_PAGE, warm_up
from laurels.settings import Settings
from laurels.wiring import Services
from laurels.workers import (
    Watch,
    award_forever,
    consume_forever,
    jobs_forever,
    notify_forever,
    project_forever,
    publish_forever,
    recover_forever,
    report_forever,
    sweep_forever,
)

if TYPE_CHECKING:
    from laurels.runtime.anchoring import Anchors


async def _http(running: Running, watch: Watch) -> None:
    from laurels import http  # noqa: PLC0415 - the HTTP server takes a while to load

    def on_ready(port: int) -> None:
        running.ports[:] = [port]
        watch.worked()
        running.on_ready(port)

    mounts = http.Mounts() if running.mounts is None else running.mounts
    port = running.ports[0] if running.ports else None
    await warm_up(running.services.ledger, ONE_PAGE)
    await http.serve(running.services, running.stop, on_ready, mounts, share_port=running.share_port, port=port)


async def _award(running: Running, watch: Watch) -> None:
    services = running.services
    count: Callable[[int], object] = int
    services.awarder.on_quarantined = tell_quarantined
    if is_counting():
        from laurels.metrics import AWARDED  # noqa: PLC0415 - prometheus-client takes a while to load

        count = AWARDED.inc
    await award_forever(services.ledger, services.awarder, running.stop, count, watch)


async def _recover(running: Running, watch: Watch) -> None:
    services = running.services

    anchors, heads = _anchors(services), HeadLog(services.settings.ledger.anchor_minutes, services.now)

    async def tidy() -> None:
        await heads.step(services.ledger)
        if anchors is not None:
            await anchors.step(services.ledger)
        days = services.settings.ledger.keep_content_days
        if days:
            await services.ledger.forget_content(recorded_before=services.now() - days * DAY, limit=FORGOTTEN_AT_ONCE)
        kept_since = services.now() - services.settings.audit.days * DAY
        await services.ledger.cut_audit(before=kept_since, limit=FORGOTTEN_AT_ONCE)
        await services.ledger.forget_jobs(before=services.now() - OPEN_DAYS * DAY)

    await recover_forever(services.checkout, tidy, running.stop, watch)


def _anchors(services: Services) -> "Anchors | None":
    settings = services.settings
    if settings.ledger.anchor_file is None:
        return None
    from laurels.runtime.anchoring import Anchors  # noqa: PLC0415 - cryptography takes a while to load

    return Anchors(settings.ledger.anchor_file, settings.state, settings.ledger.anchor_minutes, services.now)


async def _sweep(running: Running, watch: Watch) -> None:
    services = running.services

    async def tell() -> None:
        await tell_silent(services.ledger, services.programs, services.now())

    # Who reports looks at every member, and tells; in a process of its own it may run nowhere.
    await sweep_forever(services.awarder, running.stop, watch, None if "report" in running.roles else tell)


async def _report(running: Running, watch: Watch) -> None:
    services = running.services
    programs, zone = services.programs, services.programs.current.zone

    async def look() -> float:
        await programs.load(services.ledger)  # no document may have come since another process published one
        now = services.now()
        return await look_at_due(services.ledger, now, members_at(services.ledger, programs, now), Days(zone))

    await report_forever(services.ledger, RollingUp(services.ledger, zone), look, running.stop, watch)


async def _jobs(running: Running, watch: Watch) -> None:
    services = running.services
    runner = JobRunner(services.ledger, services.points, services.members, services.intake, services.programs)
    await jobs_forever(runner.step, running.stop, watch)


async def _project(running: Running, watch: Watch) -> None:
    services = running.services
    progress = partial(running.progress, "projecting", "entries")
    if is_counting():
        from laurels.runtime.followed import followed  # noqa: PLC0415 - prometheus-client takes a while to load

        services.projector.on_followed = followed(services.now)
    await project_forever(services.projector, running.stop, watch, progress)


async def _notify(running: Running, watch: Watch) -> None:
    services = running.services
    if is_counting():
        from laurels.metrics import MESSAGE_TRIES  # noqa: PLC0415 - prometheus-client takes a while to load

        services.notifier.on_try = lambda outcome: MESSAGE_TRIES.labels(outcome).inc()
    await notify_forever(services.ledger, services.notifier, running.stop, watch)


async def _consume(running: Running, watch: Watch) -> None:
    from laurels.runtime.queues import opened_consumer  # noqa: PLC0415 - most processes read no queue

    async with opened_consumer(running.services) as consumer:
        await consume_forever(consumer, running.stop, watch)


async def _publish(running: Running, watch: Watch) -> None:
    from laurels.runtime.events import opened_publishers  # noqa: PLC0415 - most processes publish nothing

    async with opened_publishers(running.services) as publishers:
        await publish_forever(running.services.ledger, publishers, running.stop, watch)


async def _console(running: Running, watch: Watch) -> None:
    from laurels.runtime.console import serve_console  # noqa: PLC0415 - in the extra `console`, and for it alone

    assert running.console is not None, "the command says who signs in"
    services = running.services
    await serve_console(
        services.settings,
        services,
        running.stop,
        person=running.console.person,
        tell=running.console.tell,
        on_ready=watch.worked,
    )


FORGOTTEN_AT_ONCE = 1000
"""Documents whose content is let go of in one transaction: an order behind it waits for some milliseconds."""

HTTP, WORK, PROJECT, NOTIFY, CONSUME, PUBLISH = "http", "work", "project", "notify", "consume", "publish"
CONSOLE = "console"
"""The processes."""

ROLES = (
    Role("http", "Answers the API and serves the pages.", HTTP, _http),
    Role("award", "Judges accepted documents by the program and writes entries.", WORK, _award),
    Role(
        "recover",
        "Finishes purchases that broke off, lets go of content and audit rows in their time, and writes anchors.",
        WORK,
        _recover,
    ),
    Role("sweep", "Writes down what the clock has done: points that lapsed, holds that ended.", WORK, _sweep),
    Role("report", "Keeps the sums by day that reports are read from.", WORK, _report),
    Role("jobs", "Does what takes long or was approved: corrections of many, rehearsals, checks.", WORK, _jobs),
    Role("project", "Keeps the leaderboard at the head of the feed.", PROJECT, _project),
    Role("notify", "Sends the messages that are due.", NOTIFY, _notify),
    Role(
        "consume",
        "Takes orders from a queue, where `consume.url` names one.",
        CONSUME,
        _consume,
        lambda settings: settings.consume.url is not None,
    ),
    Role(
        "publish",
        "Publishes point entries as events, where `events.urls` names targets.",
        PUBLISH,
        _publish,
        lambda settings: bool(settings.events.urls),
    ),
    Role("console", "Serves the pages of the people who run the program.", CONSOLE, _console),
)

BACKGROUND = tuple(role for role in ROLES if role.process not in {HTTP, CONSOLE})
"""All but HTTP and the console, which is a process of its own, beside those that serve."""

CHOICES = tuple(dict.fromkeys(name for role in (*ROLES[:1], *BACKGROUND) for name in (role.process, role.name)))
"""What `--only` takes: a role, or a process with all of its roles."""


def need_board(roles: tuple[Role, ...]) -> bool:
    """Whether one of these reads the board or writes it: what the others do goes on whatever is wrong with it."""
    return any(role.process in {HTTP, PROJECT, CONSOLE} for role in roles)


def wanted(roles: tuple[Role, ...], settings: Settings) -> tuple[Role, ...]:
    """The roles among these that the settings ask for."""
    return tuple(role for role in roles if role.is_wanted(settings))


def roles_of(name: str) -> tuple[Role, ...]:
    """The roles of a process, or the one of this name. Raises `KeyError` for a name that is neither."""
    found = tuple(role for role in ROLES if role.process == name) or tuple(role for role in ROLES if role.name == name)
    if not found:
        raise KeyError(name)
    return found
