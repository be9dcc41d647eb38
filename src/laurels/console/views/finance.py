"""Finance: a statement of points that adds up on the page, and as a file."""

import asyncio
from datetime import date
from typing import Any
from urllib.parse import urlencode

from laurels.console import words
from laurels.console.page import Ask, Download, Shown, page
from laurels.console.views.outstanding import outstanding
from laurels.console.views.periods import day_of, month_begins

_FILES = {"csv": "CSV, day by day", "parquet": "Parquet"}


@page("GET", "/finance", "reports:read")
async def show_finance(ask: Ask) -> Shown:
    """What there was, what came and went, and what there is, market by market."""
    asked = _asked(ask)
    says: dict[str, Any] = {"asked": asked, "fault": None, "statement": None, "by_part": [], "behind": 0}
    if asked["from"] >= asked["to"]:
        says["fault"] = "The second day has to come after the first."
        return Shown(template="finance.html", says=says, status=422)
    found, parted, over_time = await asyncio.gather(
        ask.api.get("/reports/movement", **asked),
        ask.api.get("/reports/movement", **{**asked, "split": "part"}),
        outstanding(ask, date.fromisoformat(asked["to"]), asked["basis"]),
    )
    says["statement"] = _statement(found)
    says["by_part"] = [line for line in parted["lines"] if line["kind"] in {"earn", "reverse"}]
    says["behind"] = found["counted"]["behind"]
    says["outstanding"] = over_time
    says["files"] = [(label, f"/finance.{ending}?{urlencode(asked)}") for ending, label in _FILES.items()]
    return Shown(template="finance.html", says=says)


@page("GET", "/finance.csv", "reports:read")
async def export_finance(ask: Ask) -> Download:
    """The statement as a file, day by day, by part and source."""
    return await _file(ask, "csv", "text/csv; charset=utf-8")


@page("GET", "/finance.parquet", "reports:read")
async def export_finance_as_parquet(ask: Ask) -> Download:
    """The same for programs that calculate."""
    return await _file(ask, "parquet", "application/vnd.apache.parquet")


async def _file(ask: Ask, ending: str, media_type: str) -> Download:
    asked = _asked(ask)
    content = await ask.api.get_file(f"/reports/movement.{ending}", **{**asked, "per": "day", "split": "both"})
    return Download(f"movement-{asked['from']}-{asked['to']}.{ending}", content, media_type)


def _asked(ask: Ask) -> dict[str, str]:
    """The period and the basis that the address names; the last whole month where it names none."""
    this_month = month_begins(ask.today)
    since: date = day_of(ask.query.get("from"), month_begins(this_month, 1))
    until: date = day_of(ask.query.get("to"), this_month)
    basis = "occurred" if ask.query.get("basis") == "occurred" else "recorded"
    return {"from": since.isoformat(), "to": until.isoformat(), "basis": basis}


def _statement(found: dict[str, Any]) -> dict[str, Any]:
    """Rows of a table with a column for each market: opening and rows add up to closing, in each column."""
    markets = sorted({each["market"] for part in ("opening", "lines", "closing") for each in found[part]})
    opening = {each["market"]: each["points"] for each in found["opening"]}
    closing = {each["market"]: each["points"] for each in found["closing"]}
    moved: dict[str, dict[str, int]] = {}
    for line in found["lines"]:
        row = moved.setdefault(line["kind"], {})
        row[line["market"]] = row.get(line["market"], 0) + line["points"]
    return {
        "markets": markets,
        "opening": [opening.get(market, 0) for market in markets],
        "rows": [
            (label, [moved[kind].get(market, 0) for market in markets])
            for kind, label in words.MOVED.items()
            if kind in moved
        ],
        "closing": [closing.get(market, 0) for market in markets],
        "worth": [next((it["worth"] for it in found["closing"] if it["market"] == each), None) for each in markets],
    }


PAGES = (show_finance, export_finance, export_finance_as_parquet)
