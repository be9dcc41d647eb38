"""Customers: find one, and those that the person looked at last."""

from typing import Any
from urllib.parse import urlencode

from laurels.console import words
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.texts import unseen_removed

LOOKED_AT = 10
_ROWS = 100
_MOST_SOUGHT = 255


@page("GET", "/customers", "members:read")
async def show_customers(ask: Ask) -> Shown | Elsewhere:
    """The search, and the last customers that this person looked at; or what was found, and the customer's page at once
    where one alone was. What was looked for is sealed in the address, so that the way back from a customer leads here.
    """
    sought = ask.seal.open(ask.query.get("sought", ""))
    if not sought:
        says: dict[str, Any] = {"words_sought": None, "hits": [], "tried": [], "last": await _last(ask)}
        return Shown(template="customers.html", says=says)
    found = await ask.api.post("/search", {"q": sought})
    exact = [hit for hit in found["hits"] if hit["kind"] != "prefix" and hit["number"] is not None]
    if len({hit["number"] for hit in exact}) == 1 and len(exact) == len(found["hits"]):
        return Elsewhere(address(exact[0]) or "/customers")
    hits = [{**hit, "to": address(hit), "what": words.HITS.get(hit["kind"], hit["kind"])} for hit in found["hits"]]
    tried = [words.TRIED.get(each, each) for each in found["tried"]]
    says = {"words_sought": sought, "hits": hits, "tried": tried, "last": []}
    return Shown(template="customers.html", says=says)


@page("POST", "/customers", "members:read")
async def find_customer(ask: Ask) -> Elsewhere:
    """Look for what was written."""
    sought = unseen_removed(ask.form.get("q", ""))[:_MOST_SOUGHT]
    return Elsewhere(f"/customers?{urlencode({'sought': ask.seal.close(sought)})}" if sought else "/customers")


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


PAGES = (show_customers, find_customer)
