"""`simulate`: plays a day on the configured services, or on a server, and says whether the ledger is as expected."""

import random
from typing import Annotated

import typer

from laurels.cli.console import (
    ConfigOption,
    JsonOption,
    StateOption,
    examples,
    out,
    out_json,
    progress,
    run,
    say,
    settings_of,
)
from laurels.errors import SettingsError
from laurels.workbench.simulate import run as day
from laurels.workbench.simulate.over_http import SCOPES
from laurels.workbench.simulate.run import PlayedAt, Summary

RATE = 116.0
"""Orders a second on the day's average, where nothing else is asked for: 10 million a day."""

MOST_NAMED = 20
"""Differences that are printed; the rest is counted."""


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
        typer.Option(min=0.1, max=1_000_000, help="Orders a second, on the day's average.", show_default=f"{RATE:.0f}"),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, max=100_000, help="How long the day takes; instead of --rate.")
    ] = None,
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
    with a burst. Ctrl-C ends the day early; what was sent is checked all the same. Exit code 1
    where the ledger is not as expected.
    """
    if rate is not None and minutes is not None:
        raise SettingsError("Give --rate or --minutes: each follows from the other.")
    if url is None and (token is not None or far):
        raise SettingsError("--token and --far are for --url: the services in this process ask for none.")
    seconds = orders / (rate or RATE) if minutes is None else minutes * 60
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    settings = settings_of(state, config)
    summary = run(day.simulate(settings, PlayedAt(url, token, far, yes), members, orders, seconds, seed, progress))
    for difference in summary.differences[:MOST_NAMED]:
        say(difference)
    if json:
        out_json(summary)
    else:
        _print(summary)
    if summary.differences:
        raise typer.Exit(1)


def _print(summary: Summary) -> None:
    rate = summary.orders / summary.seconds if summary.seconds else 0
    out(
        f"sent      {summary.orders:,} orders of {summary.members:,} members and {summary.refunds:,} refunds "
        f"in {summary.seconds:,.1f} s ({rate:,.0f} orders/s, {summary.behind_s:.1f} s behind at the worst)\n"
        f"among     {summary.late:,} late, {summary.offline:,} offline; {summary.repeats:,} sent again on purpose\n"
        f"answered  {summary.acknowledged:,} acknowledged, {summary.unanswered:,} never answered\n"
        f"ledger    {summary.entries:,} entries, {summary.points:,} points; expected {summary.points_expected:,}\n"
        f"verified  {_verified(summary)}\n"
        f"lost {summary.lost:,}, twice {summary.twice:,}"
        + (f"; {len(summary.differences):,} differences" if summary.differences else "; as expected")
    )


def _verified(summary: Summary) -> str:
    if summary.verified_entries is None:
        return "not from here: run `laurels verify` where the ledger is"
    return f"{summary.verified_entries:,} entries, all there are: chain, balances, documents and board"
