"""Campaigns: which run, which are to come, what they gave; and the way to end one early."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from laurels.clock import MINUTE
from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.rule_words import in_lines
from laurels.console.views.calendar import spans_of, weeks
from laurels.console.views.periods import day_of, instant, month_begins
from laurels.console.views.program import LOOK
from laurels.console.views.texts import one_line

_AT_ONCE = MINUTE
"""So much later a campaign is over that was ended just now."""


@page("GET", "/campaigns", *LOOK)
async def list_campaigns(ask: Ask) -> Shown:
    """A month of them as a calendar, and all of the rules that were published last, those that run first."""
    found = await ask.api.get("/campaigns")
    published = (await ask.api.get("/programs"))["published"]
    month = _asked(ask.query.get("month", ""), month_begins(ask.today))
    order = ("running", "to come", "over")
    rows = sorted(found["campaigns"], key=lambda each: order.index(each["state"]))
    rows = [{**each, "lines": in_lines(each["rule"]), "to": _to(each)} for each in rows]
    says = {
        "campaigns": rows,
        "version": found["version"],
        "may_stop": "program:write" in ask.person.scopes,
        "month": month,
        "today": ask.today,
        "earlier": _month(month_begins(month, 1)),
        "later": _month(month_begins(month, -1)),
        "weeks": weeks(month, spans_of(found["campaigns"], published, ask.zone)),
    }
    return Shown(template="campaigns.html", says=says)


@page("GET", "/campaigns/stop", "program:write")
async def ask_to_stop(ask: Ask) -> Shown:
    """What ending one does."""
    return _stopping(campaign_in(await ask.api.get("/campaigns"), ask.query.get("campaign", ""))["name"])


@page("POST", "/campaigns/stop", "program:write")
async def stop(ask: Ask) -> Shown | Elsewhere:
    """End it. One that has its end already, by this form sent twice, is shown as that."""
    name, why = ask.form.get("campaign", ""), one_line(ask.form.get("why", ""))
    if not why:
        return _stopping(name, fault="Say why, for colleagues.")
    try:
        await ask.api.post("/programs/stop", {"campaign": name, "why": why})
    except ApiRefused as error:
        if error.kind not in {"conflict", "invalid-input"}:
            raise
        if await _ends_soon(ask, name):
            return Elsewhere("/campaigns")
        return _stopping(name, fault=error.message)
    return Elsewhere("/campaigns")


def campaign_in(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The campaign of this name among those that Laurels told. Raises `ApiRefused` where there is none."""
    campaign: dict[str, Any] | None = next((each for each in found["campaigns"] if each["name"] == name), None)
    if campaign is None:
        raise ApiRefused(404, "not-found", "The rules that were published last have no such campaign.", "", {})
    return campaign


def _asked(text: str, otherwise: date) -> date:
    """The month that an address names, as its first day; another one for what is none of this century."""
    month = day_of(f"{text}-01", otherwise)
    return month if month.year // 100 == _CENTURY else otherwise


_CENTURY = 20


def _month(month: date) -> str:
    return f"/campaigns?month={month:%Y-%m}"


async def _ends_soon(ask: Ask, name: str) -> bool:
    """Whether the campaign is over, or about to be."""
    found = (await ask.api.get("/campaigns"))["campaigns"]
    until = next((each["until"] for each in found if each["name"] == name), None)
    return until is not None and instant(until) <= ask.now + _AT_ONCE


def _stopping(name: str, fault: str = "") -> Shown:
    return Shown(template="stop_campaign.html", says={"name": name, "fault": fault}, status=422 if fault else 200)


def _to(campaign: dict[str, Any]) -> str:
    return f"/campaigns/one?{urlencode({'campaign': campaign['name']})}"


PAGES = (list_campaigns, ask_to_stop, stop)
