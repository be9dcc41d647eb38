"""Correct points: a form, then what it does, then the button that says it."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from laurels.console import words
from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.enrolled import enrolled_customer

_WHOLE = re.compile(r"-?[0-9]{1,10}")
_FAULTY = 422
_REFUSED = frozenset({"invalid-input", "not-allowed", "conflict", "points-out-of-range"})
"""What is said beside the form: mending it helps."""


@page("GET", "/customers/{number:str}/correct", "points:adjust")
async def ask_for_correction(ask: Ask) -> Shown:
    """The empty form, or one that the address has filled in."""
    customer = await enrolled_customer(ask)
    form = {name: ask.query.get(name, "") for name in ("points", "reason", "note")}
    return _shown(customer, {**form, "board": "on", "quiet": "", "key": secrets.token_urlsafe(12)})


@page("POST", "/customers/{number:str}/correct", "points:adjust")
async def correct(ask: Ask) -> Shown | Elsewhere:
    """Check the form and say what it does; or do it, once for each form that was shown. A form that was changed after
    its check is checked anew: the button says what was checked.
    """
    customer = await enrolled_customer(ask)
    form = {name: ask.form.get(name, "") for name in ("points", "reason", "note", "board", "quiet", "key")}
    points, fault = _points(form["points"])
    if fault or not form["reason"].strip():
        faults = {"points": fault} if fault else {"reason": "Say why, for colleagues: a ticket number helps."}
        return _shown(customer, form, faults=faults)
    body = {
        "loyalty-points": points,
        "reason": form["reason"].strip(),
        "note": form["note"].strip(),
        "board": form["board"] == "on",
        "quiet": form["quiet"] == "on",
    }
    path = f"/loyalty/{quote(customer['member_id'], safe='')}"
    try:
        if ask.form.get("step") not in {"do", "ask"} or ask.form.get("checked") != _checked(form):
            return await _effect(ask, customer, form, body)
        if ask.form.get("step") == "ask":
            asked = (await ask.api.post("/proposals", _proposal(customer, form, body)))["job"]
            return Elsewhere(f"/jobs/{asked['number']}")
        done = await ask.api.post(path, body, headers={"Idempotency-Key": f"console-{form['key']}"})
    except ApiRefused as error:
        if error.kind not in _REFUSED:
            raise
        return _shown(customer, form, faults={"": error.message, **error.fields}, status=error.status)
    return Elsewhere(f"/customers/{customer['number']}?done={done['loyaltyId']}")


async def _effect(ask: Ask, customer: Mapping[str, Any], form: Mapping[str, str], body: dict[str, Any]) -> Shown:
    """What the form would do; beyond what the person may decide alone, what another one would be asked for."""
    checked = {**form, "checked": _checked(form)}
    path = f"/loyalty/{quote(customer['member_id'], safe='')}"
    try:
        return _shown(customer, checked, effect=(await ask.api.post(path, body, check=1))["effect"])
    except ApiRefused as error:
        if error.kind != "not-allowed":
            raise
        asked = await ask.api.post("/proposals", _proposal(customer, form, body), check=1)
        return _shown(customer, checked, effect=asked["effect"], limit=error.message)


def _proposal(customer: Mapping[str, Any], form: Mapping[str, str], body: dict[str, Any]) -> dict[str, Any]:
    return {"proposal_id": f"console-{form['key']}", "member_id": customer["member_id"], **body}


def _checked(form: Mapping[str, str]) -> str:
    """What tells whether a form is the one that was checked. No secret: whoever sends it may send any form."""
    said = "\n".join(form[name].strip() for name in ("points", "reason", "note", "board", "quiet"))
    return hashlib.blake2b(said.encode(), digest_size=12).hexdigest()


def _points(text: str) -> tuple[int, str]:
    """The points that a person wrote, and what is wrong with them."""
    plain = text.strip().replace(",", "").replace(words.MINUS, "-").removeprefix("+")
    if not _WHOLE.fullmatch(plain):
        return 0, "Write a whole number, such as 50 or -20."
    return int(plain), ""


def _shown(
    customer: Mapping[str, Any],
    form: Mapping[str, str],
    *,
    effect: Mapping[str, Any] | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 0,
    limit: str = "",
) -> Shown:
    faults = faults or {}
    says = {
        "customer": customer,
        "form": form,
        "effect": effect,
        "faults": faults,
        "limit": limit,
        "general": "" if set(faults) - {""} else faults.get("", ""),
    }
    return Shown(template="correct.html", says=says, status=status or (_FAULTY if faults else 200))


PAGES = (ask_for_correction, correct)
