"""Overview: how the program does, month by month."""

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from laurels.clock import DAY
from laurels.console import formats
from laurels.console.charts import SERIES, BarSegment
from laurels.console.page import Ask, Shown, page
from laurels.console.views.periods import instant, instant_of, month_begins
from laurels.console.views.waiting import versions_for

PERIODS = {"3m": 3, "12m": 12, "36m": 36}
_SOON = 90
_SOURCES = 8
_FAR = 366 * DAY
_Months = list[tuple[str, dict[str, int]]]


@page("GET", "/overview", "reports:read")
async def show_overview(ask: Ask) -> Shown:
    """Outstanding points, months, members, tiers, and what falls due."""
    chosen = ask.query.get("period", "12m")
    period = chosen if chosen in PERIODS else "12m"
    basis = "occurred" if ask.query.get("basis") == "occurred" else "recorded"
    until = ask.today + timedelta(days=1)
    since = month_begins(ask.today, PERIODS[period] - 1)
    days = {"from": since, "to": until}
    soon = {"from": until - timedelta(days=1), "to": until + timedelta(days=_SOON)}
    (found, months, pictures), members, tiers, due, versions, running = await asyncio.gather(
        _moved(ask, **days, basis=basis),
        ask.api.get("/reports/members", **days, per="month"),
        ask.api.get("/reports/tiers", **days),
        ask.api.get("/reports/due", **soon),
        versions_for(ask),
        _running(ask),
    )
    return Shown(
        template="overview.html",
        says={
            "periods": [(name, f"/overview?period={name}&basis={basis}", name == period) for name in PERIODS],
            "basis": basis,
            "other_basis": f"/overview?period={period}&basis={'recorded' if basis == 'occurred' else 'occurred'}",
            "closing": found["closing"],
            "this_month": _this_month(months, until, basis),
            "pending": sum(row["points"] for row in due["due"] if row["what"] == "pending"),
            "active": next((line["active"] for line in members["lines"] if line["period"] == f"{ask.today:%Y-%m}"), 0),
            "series": [(kind, label) for kind, (label, _) in SERIES.items()],
            "total": sum(each["points"] for each in found["closing"]),
            "months": months,
            "pictures": pictures,
            "sentence": _sentence(found["lines"]),
            "members": members,
            "tiers": tiers,
            "due": due,
            "due_days": _due_by_month(due["due"]),
            "behind": found["counted"]["behind"],
            "sources": _by_source(found["lines"]),
            "versions": versions,
            "file": f"/finance.csv?{urlencode({'from': since, 'to': until, 'basis': basis})}",
            "campaigns": running,
            "first_steps": None if members["members"] and months else _first_steps(members["members"], months),
        },
    )


async def _moved(ask: Ask, **asked: object) -> tuple[Any, _Months, dict[str, Markup] | None]:
    """What moved, by month, and the picture of it, which is drawn while the other figures are asked for."""
    found = await ask.api.get("/reports/movement", **asked, per="month", split="source")
    months = _months(found["lines"])
    return found, months, await ask.charts.bars(_marks(months))


def _first_steps(customers: int, months: list[Any]) -> list[tuple[bool, str, str, str]]:
    """What a new shop does first: whether it is done, what it is, and where to read on."""
    return [
        (
            customers > 0,
            "Send an order",
            "The shop, a file or a queue sends it: each has a page in the documentation.",
            "",
        ),
        (
            bool(months),
            "See it arrive",
            "Its points show here within a minute, and on the page of the customer at once.",
            "/customers",
        ),
        (False, "Publish your rules", "Until then an order earns by the rules that come with Laurels.", "/program"),
    ]


async def _running(ask: Ask) -> list[dict[str, Any]]:
    """Campaigns that run now, with what is left of their budget, and when it ends at this pace where that is soon."""
    found = (await ask.api.get("/campaigns"))["campaigns"]
    return [{**each, "ends_at": _end_at_this_pace(each, ask.now)} for each in found if each["state"] == "running"]


def _end_at_this_pace(campaign: Mapping[str, Any], now: int) -> str | None:
    """When the budget is used up if it goes on as it went; None where the campaign is over before, or has no budget."""
    budget, used = campaign["budget"], campaign["used"]
    if budget is None or used <= 0 or campaign["from"] is None:
        return None
    began = instant(campaign["from"])
    end = now + (now - began) * max(0, budget - used) // used
    until = None if campaign["until"] is None else instant(campaign["until"])
    is_before = end < until if until is not None else end - now < _FAR
    return instant_of(end) if is_before else None


def _months(lines: list[dict[str, Any]]) -> _Months:
    """Points by kind of each month."""
    months: dict[str, dict[str, int]] = {}
    for line in lines:
        of_month = months.setdefault(line["period"], dict.fromkeys(SERIES, 0))
        if line["kind"] in of_month:
            of_month[line["kind"]] += line["points"]
    if months:
        month, last = date.fromisoformat(f"{min(months)}-01"), max(months)
        while f"{month:%Y-%m}" < last:  # a month in which nothing moved is none that is left out
            months.setdefault(f"{month:%Y-%m}", dict.fromkeys(SERIES, 0))
            month = month_begins(month, -1)
    return sorted(months.items())


def _this_month(months: _Months, until: date, basis: str) -> list[dict[str, Any]]:
    """What the month so far has earned, spent and lapsed, beside the month before, and where it is counted."""
    by_month = dict(months)
    begins = month_begins(until - timedelta(days=1))
    before = month_begins(begins, 1)
    to = f"/finance?{urlencode({'from': begins, 'to': until, 'basis': basis})}"
    names = {"month": begins.isoformat(), "month_before": before.isoformat(), "to": to}
    return [
        {
            "label": SERIES[kind][0],
            "points": by_month.get(f"{begins:%Y-%m}", {}).get(kind, 0),
            "before": by_month.get(f"{before:%Y-%m}", {}).get(kind, 0),
            **names,
        }
        for kind in ("earn", "redeem", "expire")
    ]


def _by_source(lines: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Points that were earned, by where the orders came from, most first."""
    sums: dict[str, int] = {}
    for line in lines:
        if line["kind"] == "earn":
            sums[line["source"]] = sums.get(line["source"], 0) + line["points"]
    return sorted(sums.items(), key=lambda each: -each[1])[:_SOURCES]


def _marks(months: _Months) -> list[BarSegment]:
    return [
        BarSegment(
            formats.period(month),
            kind,
            points,
            f"{formats.period(month)}: {SERIES[kind][0].lower()} {formats.number(points)}",
        )
        for month, by_kind in months
        for kind, points in by_kind.items()
        if points
    ]


def _sentence(lines: list[dict[str, Any]]) -> str:
    sums = {kind: sum(line["points"] for line in lines if line["kind"] == kind) for kind in SERIES}
    if sums["earn"] <= 0:
        return "No points were earned in this time."
    share = round(-100 * sums["redeem"] / sums["earn"])
    return f"Of every 100 points earned, customers spent {share}."


def _due_by_month(due: list[Mapping[str, Any]]) -> list[tuple[str, str, int]]:
    sums: dict[tuple[str, str], int] = {}
    for row in due:
        key = row["day"][:7], row["what"]
        sums[key] = sums.get(key, 0) + row["points"]
    return [(month, what, points) for (month, what), points in sorted(sums.items())]


PAGES = (show_overview,)
