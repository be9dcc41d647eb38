"""Overview: how the program does, month by month."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from laurels.console import words
from laurels.console.charts import SERIES, BarSegment
from laurels.console.page import Ask, Shown, page
from laurels.console.views.periods import month_begins, today
from laurels.console.views.waiting import waiting_for

PERIODS = {"3m": 3, "12m": 12, "36m": 36}
_SOON = 90


@page("GET", "/overview", "reports:read")
async def show_overview(ask: Ask) -> Shown:
    """Outstanding points, months, members, tiers, and what falls due."""
    chosen = ask.query.get("period", "12m")
    period = chosen if chosen in PERIODS else "12m"
    basis = "occurred" if ask.query.get("basis") == "occurred" else "recorded"
    until = today(ask.now) + timedelta(days=1)
    since = month_begins(today(ask.now), PERIODS[period] - 1)
    days = {"from": since, "to": until}
    found = await ask.api.get("/reports/movement", **days, per="month", basis=basis)
    members = await ask.api.get("/reports/members", **days, per="month")
    tiers = await ask.api.get("/reports/tiers", **days)
    due = await ask.api.get("/reports/due", **{"from": until - timedelta(days=1), "to": until + timedelta(days=_SOON)})
    months = _months(found["lines"])
    return Shown(
        template="overview.html",
        says={
            "periods": [(name, f"/overview?period={name}&basis={basis}", name == period) for name in PERIODS],
            "basis": basis,
            "other_basis": f"/overview?period={period}&basis={'recorded' if basis == 'occurred' else 'occurred'}",
            "closing": found["closing"],
            "total": sum(each["points"] for each in found["closing"]),
            "months": months,
            "marks": _marks(months),
            "sentence": _sentence(found["lines"]),
            "members": members,
            "tiers": tiers,
            "due": due,
            "due_days": _due_by_month(due["due"]),
            "behind": found["counted"]["behind"],
            "waiting": await waiting_for(ask),
        },
    )


def _months(lines: list[dict[str, Any]]) -> list[tuple[str, dict[str, int]]]:
    """Points by kind of each month."""
    months: dict[str, dict[str, int]] = {}
    for line in lines:
        of_month = months.setdefault(line["period"], dict.fromkeys(SERIES, 0))
        if line["kind"] in of_month:
            of_month[line["kind"]] += line["points"]
    return sorted(months.items())


def _marks(months: list[tuple[str, dict[str, int]]]) -> list[BarSegment]:
    return [
        BarSegment(month, kind, points, f"{month}: {SERIES[kind][0].lower()} {words.number(points)}")
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
