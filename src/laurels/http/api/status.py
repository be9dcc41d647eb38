"""How Laurels gets on, for the person on call: roles, what waits, how far boards are behind; and whose days count."""

import asyncio

import msgspec
from msgspec import Struct

import laurels
from laurels.backup_note import BackupNote, last_backup, last_restore
from laurels.clock import SECOND
from laurels.errors import BoardNotReady, LedgerUnavailable
from laurels.http.api.gauges import ANSWER_WITHIN_S
from laurels.http.api.service import Head, RoleShown, heads_shown, roles_shown
from laurels.http.routes import Access, Request, Response, route
from laurels.http.services import HttpServices
from laurels.jobs import VERIFY
from laurels.leaderboard import ALL_TIME
from laurels.ledger import Counts, Heads
from laurels.ledger.jobs import JobState
from laurels.model.times import format_instant


class WaitingCounts(Struct, frozen=True, kw_only=True):
    """What waits: documents to be awarded (the first of them since `ready_since`), refunds for their order, the
    quarantine, messages that are due or wait for an address.
    """

    ready: int
    ready_since: str | None
    refunds_waiting: int
    quarantined: int
    messages_due: int
    messages_held: int


class LedgerCheck(Struct, frozen=True, kw_only=True):
    """The last check of the ledger that was made here as a job: its number, when it ended, and how many things were not
    as they have to be.
    """

    job: int
    at: str
    findings: int


class Backup(Struct, frozen=True, kw_only=True):
    """The last backup that `laurels backup` made here, or `laurels restore` restored, and how many entries it holds."""

    at: str
    entries: int


class StatusShown(Struct, frozen=True, kw_only=True):
    """How it is now. `counts` and `heads` are null while the ledger is away, `behind` (entries that the leaderboard has
    yet to show) while either is. `ahead_s`: by how many seconds the last entry was recorded later than it is now, since
    a clock was ahead; 0 where all is well, null while the ledger is away. `advice`: what to set otherwise on the
    ledger's server, where that costs more than it has to. `checked`, `backed_up` and `restored` (also on trial) are
    null where it was not done here: a server's ledger is backed up by its own means, which are not known here.
    """

    at: str
    version: str
    ledger: str
    leaderboard: str
    time_zone: str
    roles: list[RoleShown]
    counts: WaitingCounts | None
    heads: list[Head] | None
    behind: int | None
    ahead_s: int | None
    advice: list[str]
    checked: LedgerCheck | None
    backed_up: Backup | None
    restored: Backup | None


@route("GET", "/status", access=Access(("status:read",)), answers={200: StatusShown}, audited=False)
async def show_status(request: Request) -> Response:
    """Tell how Laurels gets on: also while the ledger or the leaderboard is away."""
    services = request.services
    counts, heads, recorded_at, advice = await _ledger(services)
    return Response(
        200,
        StatusShown(
            at=format_instant(services.now()),
            version=laurels.__version__,
            ledger=services.ledger.name,
            leaderboard=services.leaderboard.name,
            time_zone=services.programs.current.time_zone,
            roles=roles_shown(services),
            counts=None if counts is None else _counts(counts),
            heads=None if heads is None else heads_shown(heads),
            behind=await _behind(services, heads),
            ahead_s=None if recorded_at is None else max(0, recorded_at - services.now()) // SECOND,
            advice=advice,
            checked=None if heads is None else await _last_check(services),
            backed_up=_noted(last_backup(services.settings.state)),
            restored=_noted(last_restore(services.settings.state)),
        ),
    )


class TimeZoneShown(Struct, frozen=True):
    """The zone of the program in force, by its name in the IANA database."""

    time_zone: str


@route("GET", "/time-zone", access=Access(), answers={200: TimeZoneShown}, audited=False)
async def show_time_zone(request: Request) -> Response:
    """Tell whose days and months the program counts by. Reads nothing from the ledger."""
    return Response(200, TimeZoneShown(request.services.programs.current.time_zone))


async def _ledger(services: HttpServices) -> tuple[Counts | None, Heads | None, int | None, list[str]]:
    ledger = services.ledger
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await ledger.counts(), await ledger.heads(), await ledger.recorded_at(), await ledger.advice()
    except (LedgerUnavailable, TimeoutError):
        return None, None, None, []


async def _behind(services: HttpServices, heads: Heads | None) -> int | None:
    if heads is None:
        return None
    try:
        view = await services.leaderboard.read(ALL_TIME, None, top=0, around=0)
    except BoardNotReady:
        return None
    shown = view.version.positions
    return sum(max(0, mark.position - shown.get(shard, 0)) for shard, mark in heads.marks.items())


async def _last_check(services: HttpServices) -> LedgerCheck | None:
    try:
        found = await services.ledger.jobs(kind=VERIFY, states=[JobState.DONE], limit=1)
    except LedgerUnavailable:
        return None
    for job in found:
        tally = msgspec.json.decode(job.tally)
        return LedgerCheck(
            job=job.number, at=format_instant(job.ended_at or job.created_at), findings=tally["findings"]
        )
    return None


def _noted(note: BackupNote | None) -> Backup | None:
    return None if note is None else Backup(at=format_instant(note.at), entries=note.entries)


def _counts(counts: Counts) -> WaitingCounts:
    return WaitingCounts(
        ready=counts.ready,
        ready_since=None if counts.ready_since is None else format_instant(counts.ready_since),
        refunds_waiting=counts.waiting,
        quarantined=counts.quarantined,
        messages_due=counts.messages_due,
        messages_held=counts.messages_held,
    )


ROUTES = (show_status, show_time_zone)
