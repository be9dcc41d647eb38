"""The log: who looked at what, and changed what."""

from urllib.parse import urlencode

from laurels.console import words
from laurels.console.page import Ask, Shown, page

_FILTERS = ("sub", "member", "action", "since")


@page("GET", "/log", "audit:read")
async def show_log(ask: Ask) -> Shown:
    """A page of the log, by person, customer, what was done, and from when on."""
    asked = {name: ask.query[name].strip() for name in _FILTERS if ask.query.get(name, "").strip()}
    query = dict(asked)
    if "since" in query and "T" not in query["since"]:
        query["since"] += "T00:00:00Z"
    found = await ask.api.get("/audit", **query, before=ask.query.get("before"))
    rows = [{**row, "did": words.did(row)} for row in found["rows"]]
    older = f"/log?{urlencode({**asked, 'before': found['next']})}" if found["next"] else None
    says = {
        "rows": rows,
        "asked": asked,
        "older": older,
        "actions": sorted(words.ACTIONS.items(), key=lambda it: it[1]),
    }
    return Shown(template="log.html", says=says)


PAGES = (show_log,)
