"""Plays the day on the configured services, or on a server, and says whether the ledger is as expected."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from laurels import clock
from laurels.runtime.processes import stopped_by_signals
from laurels.runtime.telling import ShowProgress, say
from laurels.runtime.upkeep import Verified, projected_services
from laurels.settings import Settings
from laurels.wiring import read_program
from laurels.workbench.simulate.day import DayPlan, DeliveryKind, deliveries
from laurels.workbench.simulate.expected import ExpectedAnswer, ExpectedLedger, Findings, Rule
from laurels.workbench.simulate.in_process import open_in_process
from laurels.workbench.simulate.over_http import SCOPES, open_server
from laurels.workbench.simulate.play import Played, play
from laurels.workbench.simulate.target import Target

TOKEN_TTL_S = 24 * 3600


class PlayedAt(Struct, frozen=True):
    """Where the day is played: in this process, or behind a URL with a token; None: signed with the state's key."""

    url: str | None
    token: str | None
    far: bool
    among_others: bool


class Summary(Struct, frozen=True, kw_only=True):
    """What came of the day. `members` are those who ordered; `behind_s` how late the shop made it at the worst;
    `unanswered` documents may have been taken or not, and all others are accounted for exactly.
    """

    seed: int
    where: str
    stopped: bool
    seconds: float
    behind_s: float
    members: int
    orders: int
    refunds: int
    repeats: int
    late: int
    offline: int
    acknowledged: int
    repeated: int
    refused: int
    unanswered: int
    sent_again: int
    entries: int
    points: int
    points_expected: int
    lost: int
    twice: int
    verified_entries: int | None
    differences: list[str]


async def simulate(
    settings: Settings, where: PlayedAt, members: int, orders: int, seconds: float, seed: int, progress: ShowProgress
) -> Summary:
    """Play a day, and compare what became of it."""
    program = read_program(settings)
    currency = next(iter(program.earn.per))
    now = clock.now()
    plan = DayPlan(members=members, orders=orders, seed=seed, currency=currency, run=f"day{now:x}", starts_at=now)
    expected = ExpectedLedger(Rule.of(program, currency))
    async with _open(settings, where, plan.run, progress) as target:
        with stopped_by_signals() as stop, progress("simulating", "orders") as report:
            say(f"The day begins: {orders:,} orders in {seconds:,.0f} s, seed {seed}. Ctrl-C ends it early.")
            played = await play(
                target,
                deliveries(plan),
                expected,
                seconds=seconds,
                stop=stop,
                report=lambda sent: report(sent, orders),
            )
        if played.stopped:
            say("Stopped; checking what was sent. Ctrl-C once more leaves without the check.")
        await target.settle(expected)
        found = expected.compare(await target.lines(expected))
        checked = await target.check(expected)
    found.wrong += checked.differences
    return _summary(seed, where.url or str(settings.state), expected, played, found, checked.verified)


@asynccontextmanager
async def _open(settings: Settings, where: PlayedAt, run_id: str, progress: ShowProgress) -> AsyncIterator[Target]:
    """The shop that was asked for."""
    if where.url is None:
        async with (
            projected_services(settings, progress, must_exist=False) as services,
            open_in_process(services, run_id, progress, among_others=where.among_others) as target,
        ):
            yield target
        return
    ledger_here = None
    token = where.token
    if token is None:
        from laurels.http.admission.tokens import sign_token  # noqa: PLC0415 - cryptography takes a while to load

        token = sign_token(settings, subject="simulate", scope=SCOPES, ttl_s=TOKEN_TTL_S)
        ledger_here = settings  # a server that takes the key of a state directory works on that directory's ledger
    async with open_server(where.url, token, run_id, progress, far=where.far, ledger_here=ledger_here) as server:
        yield server


def _summary(
    seed: int, where: str, expected: ExpectedLedger, played: Played, found: Findings, verified: Verified | None
) -> Summary:
    acknowledged, unanswered = expected.count()
    return Summary(
        seed=seed,
        where=where,
        stopped=played.stopped,
        seconds=round(played.seconds, 3),
        behind_s=round(played.behind_s, 3),
        members=len(expected.member_ids()),
        orders=played.orders,
        refunds=played.refunds,
        repeats=played.sent[DeliveryKind.REPEAT],
        late=played.sent[DeliveryKind.LATE],
        offline=played.sent[DeliveryKind.OFFLINE],
        acknowledged=acknowledged,
        repeated=expected.answers[ExpectedAnswer.REPEATED],
        refused=expected.answers[ExpectedAnswer.REFUSED],
        unanswered=unanswered,
        sent_again=played.sent_again,
        entries=found.entries,
        points=found.points,
        points_expected=found.expected,
        lost=len(found.lost),
        twice=len(found.twice),
        verified_entries=None if verified is None else verified.checked,
        differences=found.differences,
    )
