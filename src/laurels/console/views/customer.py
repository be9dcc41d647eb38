"""A customer: what there is to spend, how it came about, and why."""

import asyncio
from collections.abc import Mapping
from itertools import groupby
from typing import Any
from urllib.parse import quote, urlencode

from laurels.console import formats, words
from laurels.console.page import Ask, Shown, page

SHOWN = 50
DATES = 8
"""Points that become usable, and lapse, at so many instants are told."""


@page("GET", "/customers/{number:str}", "members:read")
async def show_customer(ask: Ask) -> Shown:
    """The customer, and a page of the timeline. The look is recorded by the first call; the others go together."""
    number = ask.path["number"]
    customer = await ask.api.get(f"/members/number/{number}")
    chosen = ask.query.get("show", "all")
    name = chosen if chosen in words.FILTERS else "all"
    before = ask.query.get("before")
    kinds = words.FILTERS[name][1] or None
    found, looks, purse = await asyncio.gather(
        ask.api.get(f"/members/number/{number}/timeline", kinds=kinds, before=before, limit=SHOWN),
        _looks(ask, customer["number"]),
        _purse(ask, customer),
    )
    rows = [_row(ask, entry, ask.query.get("entry")) for entry in found["entries"]]
    return Shown(
        template="customer.html",
        says={
            "customer": customer,
            "months": [(first["recorded_at"], [first, *rest]) for first, rest in _by_month(rows)],
            "filters": _filters(number, name),
            "older": _address(number, show=name, before=found["next"]) if found["next"] else None,
            "searched_to": found.get("searched_to"),
            "is_first": before is None,
            "did": _did(ask, customer, rows),
            "may": _may(ask, customer),
            "looks": looks,
            "as_of": customer["as_of"],
            "contact": None,
            "purse": purse,
        },
    )


@page("POST", "/customers/{number:str}/contact", "members:contact")
async def show_contact(ask: Ask) -> Shown:
    """Where the customer is reached: a look that is recorded by itself, so it is asked for by a button."""
    number = ask.path["number"]
    customer = await ask.api.get(f"/members/number/{number}")
    contact = await ask.api.get(f"/members/number/{number}/contact")
    return Shown(template="contact.html", says={"customer": customer, "email": contact["email"]})


def _row(ask: Ask, entry: Mapping[str, Any], opened: str | None) -> dict[str, Any]:
    """An entry in words."""
    title, icon = words.KINDS.get(entry["kind"], (entry["kind"], "pen"))
    by = words.actor(entry.get("actor"), ask.person.sub)
    amount = formats.money(entry["amount"], entry["currency"]) if "amount" in entry else ""
    if entry["kind"] == "earn" and "order_id" in entry:
        title = f"Order {entry['order_id']}"
    elif entry["kind"] == "reverse" and "refund_id" in entry:
        title = f"Refund {entry['refund_id']}"
    apart = entry["occurred_at"][:10] != entry["recorded_at"][:10]
    return {
        **entry,
        "title": title,
        "money": amount,
        "whys": _whys(entry),
        "icon": icon,
        "under": amount if entry["kind"] in {"earn", "reverse"} and amount else by,
        "by": by,
        "is_open": entry["loyaltyId"] == opened,
        "recorded_apart": apart,
        "undo_to": _undo_to(ask.path["number"], entry),
    }


def _whys(entry: Mapping[str, Any]) -> list[str]:
    """Why an entry is as it is, line by line where an order or a refund says it in parts."""
    reason = entry["reason"]
    if not reason:
        return []
    return reason.split("; ") if entry["kind"] in {"earn", "reverse"} else [reason]


def _undo_to(number: str, entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """What undoes an entry, as a link in words."""
    undo = entry.get("undo")
    if undo is None:
        return None
    match undo["action"]:
        case "adjust":
            done = entry["loyaltyId"]
            query = {"points": undo["points"], "reason": f"undoes entry {done}", "undoes": done}
            return "Undo this correction", f"/customers/{number}/correct?{urlencode(query)}"
        case "restore":
            query = {"redemption": entry["redemption_id"], "source": entry["source"], "points": undo["points"]}
            return "Give points back", f"/customers/{number}/give-back?{urlencode(query)}"
        case "cancel_refund":
            query = {"refund": entry["refund_id"], "order": entry["order_id"], "source": entry["source"]}
            return "Cancel this refund", f"/customers/{number}/cancel-refund?{urlencode(query)}"
    return None


def _by_month(rows: list[dict[str, Any]]) -> Any:
    for _, of_month in groupby(rows, key=lambda row: row["recorded_at"][:7]):
        first, *rest = of_month
        yield first, rest


def _filters(number: str, chosen: str) -> list[tuple[str, str, bool]]:
    return [(label, _address(number, show=name), name == chosen) for name, (label, _) in words.FILTERS.items()]


def _address(number: str, *, show: str, before: str | None = None) -> str:
    query = {name: value for name, value in (("show", show), ("before", before)) if value and value != "all"}
    return f"/customers/{number}" + (f"?{urlencode(query)}" if query else "") + ("" if before is None else "#timeline")


def _did(ask: Ask, customer: Mapping[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What was done just now, told from what is there: an address that is passed on tells no untruth."""
    row = next((row for row in rows if row["loyaltyId"] == ask.query.get("done")), None)
    if row is not None:
        what = (
            f"{row['title']}: {formats.signed(row['points'])}. To spend now: {formats.number(customer['available'])}."
        )
        return {"what": what, "undo": row["undo_to"]}
    number = customer["number"]
    match ask.query.get("did"):
        case "hide" if customer["hidden"]:
            return {"what": "Hidden from boards.", "undo": ("Show on boards again", f"/customers/{number}/show")}
        case "show" if not customer["hidden"]:
            return {"what": "Shown on boards.", "undo": ("Hide again", f"/customers/{number}/hide")}
        case "rename":
            return {"what": f"On boards as {customer['name']} now.", "undo": None}
        case "cancel-refund":
            return {"what": "The refund is cancelled. The points come with the next entry.", "undo": None}
    return None


async def _purse(ask: Ask, customer: Mapping[str, Any]) -> dict[str, Any]:
    """What of the points can be spent and when the rest can, what lapses, and the tier; of who is no customer any more
    nothing, and nothing but the balance where the rules have none of it.
    """
    if customer["state"] != "enrolled":
        return {"dates": []}
    found: dict[str, Any] = await ask.api.get(f"/loyalty/{quote(customer['member_id'], safe='')}/balance")
    waiting = [(each["points"], "usable", each["active_at"]) for each in found.get("pending", [])]
    lapsing = [(each["points"], "lapse", each["at"]) for each in found.get("expiring", [])]
    return {**found, "dates": sorted(waiting + lapsing, key=lambda each: each[2])[:DATES]}


def _may(ask: Ask, customer: Mapping[str, Any]) -> frozenset[str]:
    """What the person may do with this customer."""
    return ask.person.scopes if customer["state"] == "enrolled" else frozenset()


async def _looks(ask: Ask, number: int) -> list[dict[str, Any]] | None:
    """Who looked at the customer; None where the person may not see that."""
    if "audit:read" not in ask.person.scopes:
        return None
    rows: list[dict[str, Any]] = (await ask.api.get("/audit", member=number, limit=8))["rows"]
    return [{**row, "did": words.did(row)} for row in rows]


PAGES = (show_customer, show_contact)
