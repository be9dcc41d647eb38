"""The log: who looked at what, and changed what."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from laurels.console import words
from laurels.console.client import ApiRefused
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
    try:
        found = await ask.api.get("/audit", **query, before=ask.query.get("before"))
    except ApiRefused as error:
        if error.kind != "invalid-input":
            raise
        return _shown(asked, {"rows": [], "next": None}, faults=error.fields)
    return _shown(asked, found)


def _shown(asked: Mapping[str, str], found: Mapping[str, Any], *, faults: Mapping[str, str] | None = None) -> Shown:
    rows = [{**row, "did": words.did(row)} for row in found["rows"]]
    older = f"/log?{urlencode({**asked, 'before': found['next']})}" if found["next"] else None
    says = {
        "rows": rows,
        "asked": asked,
        "older": older,
        "searched_to": found.get("searched_to"),
        "actions": sorted(words.ACTIONS.items(), key=lambda it: it[1]),
        "faults": faults or {},
    }
    return Shown(template="log.html", says=says, status=422 if faults else 200)


PAGES = (show_log,)
