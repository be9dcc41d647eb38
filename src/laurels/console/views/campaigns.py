"""Campaigns: which run, which are to come, what they gave; and the way to end one early."""

from typing import Any

from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.program import LOOK


@page("GET", "/campaigns", *LOOK)
async def list_campaigns(ask: Ask) -> Shown:
    """All campaigns of the rules that were published last, those that run first."""
    found = await ask.api.get("/campaigns")
    order = ("running", "to come", "over")
    rows = sorted(found["campaigns"], key=lambda each: order.index(each["state"]))
    rows = [{**each, "lines": [*_lines(each["rule"])]} for each in rows]
    says = {"campaigns": rows, "version": found["version"], "may_stop": "program:write" in ask.person.scopes}
    return Shown(template="campaigns.html", says=says)


@page("GET", "/campaigns/stop", "program:write")
async def ask_to_stop(ask: Ask) -> Shown:
    """What ending one does."""
    return _stopping(ask.query.get("campaign", ""))


@page("POST", "/campaigns/stop", "program:write")
async def stop(ask: Ask) -> Shown | Elsewhere:
    """End it."""
    name, why = ask.form.get("campaign", ""), ask.form.get("why", "").strip()
    if not why:
        return _stopping(name, fault="Say why, for colleagues.")
    try:
        await ask.api.post("/programs/stop", {"campaign": name, "why": why})
    except ApiRefused as error:
        if error.kind not in {"conflict", "invalid-input"}:
            raise
        return _stopping(name, fault=error.message)
    return Elsewhere("/campaigns")


def _stopping(name: str, fault: str = "") -> Shown:
    return Shown(template="stop_campaign.html", says={"name": name, "fault": fault}, status=422 if fault else 200)


def _lines(rule: dict[str, Any], of: str = "") -> Any:
    """What the rules say of a campaign, a line for each key."""
    for key, value in rule.items():
        path = f"{of}{key}"
        if isinstance(value, dict):
            yield from _lines(value, f"{path}, ")
        else:
            yield path, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


PAGES = (list_campaigns, ask_to_stop, stop)
