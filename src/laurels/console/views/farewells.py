"""Merge and erase: what cannot be undone, with both sides and all that goes in view before it is done."""

from typing import Any
from urllib.parse import quote

from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.enrolled import enrolled_customer

_DIGITS = 10
_REFUSED = frozenset({"conflict", "points-out-of-range", "not-found", "invalid-input"})


@page("GET", "/customers/{number:str}/merge", "points:approve")
async def ask_to_merge(ask: Ask) -> Shown:
    """Which other customer this one becomes, and what comes of both."""
    return await _merging(ask, ask.query.get("into", "").strip().replace(",", ""))


@page("POST", "/customers/{number:str}/merge", "points:approve")
async def merge(ask: Ask) -> Shown | Elsewhere:
    """Make the two one. The same form again leads where the first one did."""
    number, into = ask.path["number"], ask.form.get("into", "")
    there: dict[str, Any] = await ask.api.get(f"/members/number/{number}")
    if there["state"] == "merged" and str(there["merged_into"]) == into:
        return Elsewhere(f"/customers/{into}")
    gone = await enrolled_customer(ask)
    other = await _other(ask, into)
    if other is None or ask.form.get("step") != "do":
        return await _merging(ask, into)
    path = f"/members/{quote(gone['member_id'], safe='')}/merge"
    try:
        await ask.api.post(path, {"into": other["member_id"]})
    except ApiRefused as error:
        if error.kind not in _REFUSED:
            raise
        return await _merging(ask, into, fault=error.message)
    return Elsewhere(f"/customers/{other['number']}")


@page("GET", "/customers/{number:str}/erase", "points:approve")
async def ask_to_erase(ask: Ask) -> Shown:
    """What goes, and what stays."""
    return _erasing(await enrolled_customer(ask))


@page("POST", "/customers/{number:str}/erase", "points:approve")
async def erase(ask: Ask) -> Shown | Elsewhere:
    """Erase the customer whose id was typed. Who is erased already, by this form sent twice, is shown as that."""
    there: dict[str, Any] = await ask.api.get(f"/members/number/{ask.path['number']}")
    if there["state"] == "erased":
        return Elsewhere(f"/customers/{there['number']}")
    customer = await enrolled_customer(ask)
    if ask.form.get("typed", "").strip() != customer["member_id"]:
        return _erasing(customer, fault="Type the id as it stands above, letter for letter.")
    await ask.api.delete(f"/members/{quote(customer['member_id'], safe='')}")
    return Elsewhere(f"/customers/{customer['number']}")


async def _merging(ask: Ask, into: str, fault: str = "") -> Shown:
    customer = await enrolled_customer(ask)
    other = await _other(ask, into)
    if into and other is None:
        fault = "There is no such customer, or it is this one."
    says = {"customer": customer, "other": other, "into": into, "fault": fault}
    return Shown(template="merge.html", says=says, status=422 if fault else 200)


async def _other(ask: Ask, into: str) -> dict[str, Any] | None:
    """The customer with this number, other than the one that the page is about."""
    if not (into.isascii() and into.isdecimal() and len(into) < _DIGITS) or into == ask.path["number"]:
        return None
    try:
        found: dict[str, Any] = await ask.api.get(f"/members/number/{into}")
    except ApiRefused as error:
        if error.kind != "not-found":
            raise
        return None
    return found if found["state"] == "enrolled" else None


def _erasing(customer: dict[str, Any], fault: str = "") -> Shown:
    return Shown(template="erase.html", says={"customer": customer, "fault": fault}, status=422 if fault else 200)


PAGES = (ask_to_merge, merge, ask_to_erase, erase)
