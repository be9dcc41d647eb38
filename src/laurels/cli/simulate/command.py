"""The command: plays the day on the configured house, or on a server, and says whether the books agree."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from msgspec import Struct

from laurels import clock
from laurels.cli.console import (
    ConfigOption,
    JsonOption,
    StateOption,
    examples,
    out,
    out_json,
    progress,
    projected_house,
    run,
    say,
    settings_of,
)
from laurels.cli.maintenance import Verified
from laurels.cli.processes import stopped_by_signals
from laurels.cli.simulate.books import Answer, Books, Found, Rule
from laurels.cli.simulate.day import Kind, Plan, deliveries
from laurels.cli.simulate.house_shop import open_house
from laurels.cli.simulate.http_shop import SCOPES, open_server
from laurels.cli.simulate.play import Played, play
from laurels.cli.simulate.shop import Shop
from laurels.errors import SettingsError
from laurels.settings import Settings
from laurels.wiring import read_program

RATE = 116.0
"""Orders a second on the day's average, where nothing else is asked for: 10 million a day."""

TOKEN_TTL_S = 24 * 3600

MOST_NAMED = 20
"""Differences that are printed; the rest is counted."""


class Where(Struct, frozen=True):
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


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "laurels simulate",
            "laurels simulate --orders 100000 --members 20000 --minutes 10 --seed 7",
            "laurels simulate --url http://127.0.0.1:8000 --rate 300",
        )
    )(simulate)


def simulate(
    members: Annotated[int, typer.Option(min=1, max=10_000_000, help="Customers, who order by Pareto's law.")] = 5_000,
    orders: Annotated[int, typer.Option(min=1, max=10_000_000, help="Orders in the day.")] = 10_000,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, help="Orders a second, on the day's average.", show_default=f"{RATE:.0f}"),
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="How long the day takes; instead of --rate.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same day for the same seed.", show_default="a new one")] = None,
    url: Annotated[str | None, typer.Option(help="A running Laurels, instead of one in this process.")] = None,
    token: Annotated[
        str | None,
        typer.Option(help=f"A service's token with `{SCOPES}`.", show_default="signed with the development key"),
    ] = None,
    far: Annotated[bool, typer.Option("--far", help="The URL may be another machine's.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Also in a ledger that holds a shop's own orders.")] = False,
    json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Play a national shop's day in small, and verify the ledger at its end.

    Peaks at lunch and in the evening, refunds, the same order again, orders of earlier days, and stores that come back
    with a burst. Ctrl-C ends the day early; what was sent is checked all the same. Exit code 1 where the books differ.
    """
    if rate is not None and minutes is not None:
        raise SettingsError("Give --rate or --minutes: each follows from the other.")
    if token is not None and url is None:
        raise SettingsError("--token is for --url: the house in this process asks for none.")
    seconds = orders / (rate or RATE) if minutes is None else minutes * 60
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    settings = settings_of(state, config)
    summary = run(_simulate(settings, Where(url, token, far, yes), members, orders, seconds, seed))
    for difference in summary.differences[:MOST_NAMED]:
        say(difference)
    if json:
        out_json(summary)
    else:
        _print(summary)
    if summary.differences:
        raise typer.Exit(1)


async def _simulate(settings: Settings, where: Where, members: int, orders: int, seconds: float, seed: int) -> Summary:
    program = read_program(settings)
    currency = next(iter(program.earn.per))
    now = clock.now()
    plan = Plan(members=members, orders=orders, seed=seed, currency=currency, run=f"day{now:x}", starts_at=now)
    books = Books(Rule.of(program, currency))
    async with _open(settings, where, plan.run) as shop:
        with stopped_by_signals() as stop, progress("simulating", "orders") as report:
            say(f"The day begins: {orders:,} orders in {seconds:,.0f} s, seed {seed}. Ctrl-C ends it early.")
            played = await play(
                shop,
                deliveries(plan),
                books,
                seconds=seconds,
                stop=stop,
                report=lambda sent: report(sent, orders),
            )
        if played.stopped:
            say("Stopped; checking what was sent. Ctrl-C once more leaves without the check.")
        await shop.settle(books)
        found = books.compare(await shop.lines(books))
        checked = await shop.check(books)
    found.wrong += checked.differences
    return _summary(seed, where.url or str(settings.state), books, played, found, checked.verified)


@asynccontextmanager
async def _open(settings: Settings, where: Where, run_id: str) -> AsyncIterator[Shop]:
    """The shop that was asked for."""
    if where.url is None:
        async with (
            projected_house(settings) as house,
            open_house(house, run_id, among_others=where.among_others) as shop,
        ):
            yield shop
        return
    ledger_here = None
    token = where.token
    if token is None:
        from laurels.http.tokens import sign_token  # noqa: PLC0415 - cryptography takes a while to load

        token = sign_token(settings, subject="simulate", scope=SCOPES, ttl_s=TOKEN_TTL_S)
        ledger_here = settings  # a server that takes the key of a state directory works on that directory's ledger
    async with open_server(where.url, token, run_id, far=where.far, ledger_here=ledger_here) as server:
        yield server


def _summary(seed: int, where: str, books: Books, played: Played, found: Found, verified: Verified | None) -> Summary:
    acknowledged, unanswered = books.count()
    return Summary(
        seed=seed,
        where=where,
        stopped=played.stopped,
        seconds=round(played.seconds, 3),
        behind_s=round(played.behind_s, 3),
        members=len(books.member_ids()),
        orders=played.orders,
        refunds=played.refunds,
        repeats=played.sent[Kind.REPEAT],
        late=played.sent[Kind.LATE],
        offline=played.sent[Kind.OFFLINE],
        acknowledged=acknowledged,
        repeated=books.answers[Answer.REPEATED],
        refused=books.answers[Answer.REFUSED],
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


def _print(summary: Summary) -> None:
    rate = summary.orders / summary.seconds if summary.seconds else 0
    out(
        f"sent      {summary.orders:,} orders of {summary.members:,} members and {summary.refunds:,} refunds "
        f"in {summary.seconds:,.1f} s ({rate:,.0f} orders/s, {summary.behind_s:.1f} s behind at the worst)\n"
        f"among     {summary.late:,} late, {summary.offline:,} offline; {summary.repeats:,} sent again on purpose\n"
        f"answered  {summary.acknowledged:,} acknowledged, {summary.unanswered:,} never answered\n"
        f"ledger    {summary.entries:,} entries, {summary.points:,} points; by the books {summary.points_expected:,}\n"
        f"verified  {_verified(summary)}\n"
        f"lost {summary.lost:,}, twice {summary.twice:,}"
        + (f"; {len(summary.differences):,} differences" if summary.differences else "; the books agree")
    )


def _verified(summary: Summary) -> str:
    if summary.verified_entries is None:
        return "not from here: run `laurels verify` where the ledger is"
    return f"{summary.verified_entries:,} entries, all there are: chain, balances, documents and board"
