"""One campaign: its rule, what it gave, and what was ordered while it ran and before. Reads sums by day alone.

What the ledger can tell is how many orders there were; not how many there would have been without the campaign.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from laurels.console import words
from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Shown, page
from laurels.console.views.campaigns import in_lines
from laurels.console.views.periods import day_in
from laurels.console.views.program import LOOK
from laurels.model.times import by_the_clock

MOST_DAYS = 366
FIRST_YEAR = 2000
"""There are no orders of earlier years."""

_CENT = Decimal("0.01")


class Run(NamedTuple):
    """The whole days that a campaign has run, and as many before: `first` and the days up to `until`, without it."""

    before: date
    first: date
    until: date

    @property
    def days(self) -> int:
        """How many they are."""
        return (self.until - self.first).days

    @property
    def last(self) -> date:
        """The last of them."""
        return self.until - timedelta(days=1)


@page("GET", "/campaigns/one", *LOOK)
async def show_campaign(ask: Ask) -> Shown:
    """The campaign that the address names. Raises `ApiRefused` where the rules have none of this name."""
    name = ask.query.get("campaign", "")
    found = await ask.api.get("/campaigns")
    campaign = next((each for each in found["campaigns"] if each["name"] == name), None)
    if campaign is None:
        raise ApiRefused(404, "not-found", "The rules that were published last have no such campaign.", "", {})
    run = run_of(campaign, day_in(ask.now, ask.zone), ask.zone)
    says = {
        "campaign": campaign,
        "version": found["version"],
        "lines": in_lines(campaign["rule"]),
        "run": run,
        "rows": [] if run is None else await _compared(ask, run),
        "holdout": campaign["rule"].get("holdout"),
        "may_stop": "program:write" in ask.person.scopes,
    }
    return Shown(template="campaign.html", says=says)


def run_of(campaign: Mapping[str, Any], today: date, zone: ZoneInfo) -> Run | None:
    """The days of a zone, at most the first 366 of them, on which it ran from their beginning to their end; None where
    there is no such day yet, or no time before it.
    """
    if campaign["from"] is None:
        return None
    starts = by_the_clock(datetime.fromisoformat(campaign["from"]), zone)
    if not FIRST_YEAR <= starts.year <= today.year:
        return None
    first = starts.date() if starts.time() == datetime.min.time() else starts.date() + timedelta(days=1)
    until = min(today, first + timedelta(days=MOST_DAYS))
    if campaign["until"] is not None:
        until = min(until, by_the_clock(datetime.fromisoformat(campaign["until"]), zone).date())
    return Run(first - (until - first), first, until) if first < until else None


async def _compared(ask: Ask, run: Run) -> list[dict[str, Any]]:
    """Orders, spend and points a day, before and while it ran, in each currency."""
    before = _by_market(await _earned(ask, run.before, run.first))
    while_it_ran = _by_market(await _earned(ask, run.first, run.until))
    nothing = {"entries": 0, "amount": None, "points": 0}
    return [
        {
            "market": market,
            "before": _a_day(before.get(market, nothing), market, run.days),
            "then": _a_day(while_it_ran.get(market, nothing), market, run.days),
        }
        for market in sorted(before.keys() | while_it_ran.keys())
    ]


async def _earned(ask: Ask, since: date, until: date) -> list[dict[str, Any]]:
    """What was earned by orders of these days, by the day of the order."""
    found = await ask.api.get("/reports/movement", **{"from": since, "to": until, "basis": "occurred"})
    return [line for line in found["lines"] if line["kind"] == "earn"]


def _by_market(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {line["market"]: line for line in lines}


def _a_day(line: Mapping[str, Any], market: str, days: int) -> dict[str, str]:
    """Figures of a period for one day of it."""
    amount = line["amount"]
    return {
        "orders": f"{Decimal(line['entries']) / days:,.1f}",
        "spend": "" if amount is None else words.money(str((Decimal(amount) / days).quantize(_CENT)), market),
        "points": f"{Decimal(line['points']) / days:,.1f}",
    }


PAGES = (show_campaign,)
