"""Customers: find one, and those that the person looked at last."""

from typing import Any

from laurels.console import words
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.texts import unseen_removed

LOOKED_AT = 10
_ROWS = 100


@page("GET", "/customers", "members:read")
async def ask_for_customer(ask: Ask) -> Shown:
    """The search, and the last customers that this person looked at."""
    return Shown(
        template="customers.html", says={"words_sought": None, "hits": [], "tried": [], "last": await _last(ask)}
    )


@page("POST", "/customers", "members:read")
async def find_customer(ask: Ask) -> Shown | Elsewhere:
    """What was found; the customer's page at once where one alone was. What was looked for stands in no address."""
    sought = unseen_removed(ask.form.get("q", ""))
    if not sought:
        return Elsewhere("/customers")
    found = await ask.api.post("/search", {"q": sought[:255]})
    exact = [hit for hit in found["hits"] if hit["kind"] != "prefix" and hit["number"] is not None]
    if len({hit["number"] for hit in exact}) == 1 and len(exact) == len(found["hits"]):
        return Elsewhere(address(exact[0]) or "/customers")
    hits = [{**hit, "to": address(hit), "what": words.HITS.get(hit["kind"], hit["kind"])} for hit in found["hits"]]
    says = {"words_sought": sought, "hits": hits, "tried": found["tried"], "last": []}
    return Shown(template="customers.html", says=says)


def address(hit: dict[str, Any]) -> str | None:
    """Where a hit leads: the customer, opened at the entry that the document led to."""
    if hit["number"] is None:
        return None
    entry = hit.get("loyaltyId")
    return f"/customers/{hit['number']}" + (f"?entry={entry}#{entry}" if entry else "")


async def _last(ask: Ask) -> list[dict[str, Any]]:
    """The customers that this person looked at, the last one first, each once."""
    rows = (await ask.api.get("/audit/own", action="show_customer", limit=_ROWS))["rows"]
    numbers: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row["member"] is not None and row["outcome"] == "done":
            numbers.setdefault(row["member"], row)
    return [*numbers.values()][:LOOKED_AT]


PAGES = (ask_for_customer, find_customer)
