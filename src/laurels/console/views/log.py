"""The log: who looked at what, and changed what."""

from urllib.parse import urlencode

from laurels.console import words
from laurels.console.page import Ask, Shown, page
from laurels.console.views.periods import as_instant

_FILTERS = ("sub", "member", "action", "since", "until")


@page("GET", "/log", "audit:read")
async def show_log(ask: Ask) -> Shown:
    """A page of the log, by person, customer, what was done, from which day on up to which, without that one; of all
    that was done, or of changes alone.
    """
    asked = {name: ask.query[name].strip() for name in _FILTERS if ask.query.get(name, "").strip()}
    query = dict(asked)
    for name in ("since", "until"):
        if name in query:
            query[name] = as_instant(query[name], ask.zone) or query[name]
    if ask.query.get("only") == "changes":
        asked["only"] = query["only"] = "changes"
    found = await ask.api.get("/audit", **query, before=ask.query.get("before"))
    rows = [{**row, "did": words.did(row)} for row in found["rows"]]
    older = f"/log?{urlencode({**asked, 'before': found['next']})}" if found["next"] else None
    says = {
        "rows": rows,
        "asked": asked,
        "older": older,
        "searched_to": found.get("searched_to"),
        "actions": sorted(words.ACTIONS.items(), key=lambda it: it[1]),
    }
    return Shown(template="log.html", says=says)


PAGES = (show_log,)
