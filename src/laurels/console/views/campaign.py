"""One campaign: its rule, what it gave, and what was ordered while it ran and before. Reads sums by day alone.

What the ledger can tell is how many orders there were; not how many there would have been without the campaign.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from laurels.console import formats
from laurels.console.page import Ask, Shown, page
from laurels.console.rule_words import in_lines
from laurels.console.views.campaigns import campaign_in
from laurels.console.views.program import LOOK
from laurels.model.times import by_the_clock

MOST_DAYS = 366
FIRST_YEAR = 2000
"""There are no orders of earlier years."""

_CENT = Decimal("0.01")


class CampaignRun(NamedTuple):
    """The whole days that a campaign has run, and those before: `first` and the days up to `until`, without it, and
    from `before` to `first`, without that.
    """

    before: date
    first: date
    until: date

    @property
    def days(self) -> int:
        """How many it has run."""
        return (self.until - self.first).days

    @property
    def days_before(self) -> int:
        """How many there are before it: at most as many."""
        return (self.first - self.before).days

    @property
    def last(self) -> date:
        """The last day that it has run."""
        return self.until - timedelta(days=1)

    def known(self, begins: date) -> "CampaignRun | None":
        """The same, of days since there are orders; `begins`, the first that has one, may not be whole. None where it
        has run on none of them.
        """
        whole = begins + timedelta(days=1)
        run = CampaignRun(max(self.before, whole), max(self.first, whole), self.until)
        return run if run.first < run.until else None


@page("GET", "/campaigns/one", *LOOK)
async def show_campaign(ask: Ask) -> Shown:
    """The campaign that the address names. Raises `ApiRefused` where the rules have none of this name."""
    found = await ask.api.get("/campaigns")
    campaign = campaign_in(found, ask.query.get("campaign", ""))
    run, rows, behind = await _compared(ask, run_of(campaign, ask.today, ask.zone))
    says = {
        "campaign": campaign,
        "version": found["version"],
        "lines": in_lines(campaign["rule"]),
        "run": run,
        "rows": rows,
        "behind": behind,
        "holdout": campaign["rule"].get("holdout"),
        "may_stop": "program:write" in ask.person.scopes,
    }
    return Shown(template="campaign.html", says=says)


def run_of(campaign: Mapping[str, Any], today: date, zone: ZoneInfo) -> CampaignRun | None:
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
    return CampaignRun(first - (until - first), first, until) if first < until else None


async def _compared(
    ask: Ask, run: CampaignRun | None
) -> tuple[CampaignRun | None, list[tuple[str, str, dict[str, str]]], int]:
    """The days that can be compared; orders, spend and points a day in each currency, before it ran and then; and how
    many entries are still being counted.
    """
    if run is None:
        return None, [], 0
    found = await ask.api.get("/reports/orders", **{"from": run.first, "to": run.until})
    behind: int = found["counted"]["behind"]
    known = None if found["begins"] is None else run.known(date.fromisoformat(found["begins"]))
    if known is None:
        return run, [], behind
    earlier = await ask.api.get("/reports/orders", **{"from": known.before, "to": known.first})
    if known.first != run.first:
        found = await ask.api.get("/reports/orders", **{"from": known.first, "to": known.until})
    then, before = ({line["market"]: line for line in each["lines"]} for each in (found, earlier))
    rows = []
    for market in sorted(before.keys() | then.keys()):
        if known.days_before:
            rows.append((market, "before", _a_day(before.get(market), market, known.days_before)))
        rows.append((market, "while it ran", _a_day(then.get(market), market, known.days)))
    return known, rows, behind


def _a_day(line: Mapping[str, Any] | None, market: str, days: int) -> dict[str, str]:
    """Figures of a period for one day of it."""
    line = line or {"orders": 0, "spend": None, "points": 0}
    spend = line["spend"]
    return {
        "orders": f"{Decimal(line['orders']) / days:,.1f}",
        "spend": "" if spend is None else formats.money(str((Decimal(spend) / days).quantize(_CENT)), market),
        "points": f"{Decimal(line['points']) / days:,.1f}",
    }


PAGES = (show_campaign,)
