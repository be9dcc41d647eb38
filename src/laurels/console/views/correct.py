"""Correct points: a form, then what it does, then the button that says it."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.enrolled import enrolled_customer
from laurels.console.views.texts import NO_WHOLE_NUMBER, SENT_BEFORE, one_line, whole_number
from laurels.model.undoing import UNDO_SOURCE, undo_key

_ENTRY = re.compile(r"[0-9]{1,5}-[0-9]{1,18}")
_SAID = ("points", "reason", "note", "until", "board", "quiet")
_NO_REASON = "Say why, for colleagues: a ticket number helps."
_UNDONE = "This correction was undone before, by a colleague or by you."
_FIELDS = {"loyalty-points": "points", "expires_at": "until"}
"""What the form calls fields of the API."""

_KEY = "Idempotency-Key"
_CONFLICT = 409
_FAULTY = 422
_REFUSED = frozenset({"invalid-input", "not-allowed", "conflict", "points-out-of-range"})
"""What is said beside the form: mending it helps."""


@page("GET", "/customers/{number:str}/correct", "points:adjust")
async def ask_for_correction(ask: Ask) -> Shown:
    """The empty form, or one that the address has filled in."""
    customer = await enrolled_customer(ask)
    form = {name: ask.query.get(name, "") for name in ("points", "reason", "note", "until", "undoes")}
    return _shown(customer, {**form, "board": "on", "quiet": "", "key": secrets.token_urlsafe(12)})


@page("POST", "/customers/{number:str}/correct", "points:adjust")
async def correct(ask: Ask) -> Shown | Elsewhere:
    """Check the form and say what it does; or do it, once for each form that was shown, and once for each correction
    that it undoes. A form that was changed after its check is checked anew: the button says what was checked.
    """
    customer = await enrolled_customer(ask)
    form = {name: ask.form.get(name, "") for name in (*_SAID, "key", "undoes")}
    form |= {name: one_line(form[name]) for name in ("reason", "note")}
    form["undoes"] = form["undoes"] if _ENTRY.fullmatch(form["undoes"]) else ""
    points, fault = _points(form["points"])
    lapse, no_day = _lapse(form["until"], ask.zone)
    faults = {"points": fault, "reason": "" if form["reason"].strip() else _NO_REASON, "until": no_day}
    if any(faults.values()):
        return _shown(customer, form, faults={name: fault for name, fault in faults.items() if fault})
    body = {
        "loyalty-points": points,
        "reason": form["reason"].strip(),
        "note": form["note"].strip(),
        "board": form["board"] == "on",
        "quiet": form["quiet"] == "on",
        **lapse,
    }
    path = f"/loyalty/{quote(customer['member_id'], safe='')}"
    try:
        if ask.form.get("step") not in {"do", "ask"} or ask.form.get("checked") != _checked(form):
            return await _effect(ask, customer, form, body)
        if ask.form.get("step") == "ask":
            asked = (await ask.api.post("/proposals", _proposal(customer, form, body)))["job"]
            return Elsewhere(f"/jobs/{asked['number']}")
        done = await ask.api.post(path, body | _circle(form), headers={_KEY: _key(form)})
    except ApiRefused as error:
        if error.kind not in _REFUSED:
            raise
        if error.kind == "conflict":
            return _done_before(customer, form)
        fields = {_FIELDS.get(name, name): text for name, text in error.fields.items()}
        faults = {"": error.message, **fields}
        return _shown(customer, form, faults={name: text for name, text in faults.items() if text}, status=error.status)
    return Elsewhere(f"/customers/{customer['number']}?done={done['loyaltyId']}")


async def _effect(ask: Ask, customer: Mapping[str, Any], form: Mapping[str, str], body: dict[str, Any]) -> Shown:
    """What the form would do; beyond what the person may decide alone, what another one would be asked for."""
    checked, limit = {**form, "checked": _checked(form)}, ""
    path = f"/loyalty/{quote(customer['member_id'], safe='')}"
    try:
        found = await ask.api.post(path, body | _circle(form), headers={_KEY: _key(form)}, check=1)
    except ApiRefused as error:
        if error.kind != "not-allowed":
            raise
        found = await ask.api.post("/proposals", _proposal(customer, form, body), check=1)
        limit = error.message
    if body["loyalty-points"] and not found["effect"]["points"]:  # it is there, so the same again gives nothing
        return _done_before(customer, form)
    return _shown(customer, checked, effect=found["effect"], limit=limit)


def _done_before(customer: Mapping[str, Any], form: Mapping[str, str]) -> Shown:
    return _shown(customer, form, faults={"": _UNDONE if form["undoes"] else SENT_BEFORE}, status=_CONFLICT)


def _key(form: Mapping[str, str]) -> str:
    """What a correction counts once by: the one that it undoes, whoever does, or the form that was shown."""
    return undo_key(form["undoes"]) if form["undoes"] else f"console-{form['key']}"


def _circle(form: Mapping[str, str]) -> dict[str, str]:
    return {"source": UNDO_SOURCE} if form["undoes"] else {}


def _proposal(customer: Mapping[str, Any], form: Mapping[str, str], body: dict[str, Any]) -> dict[str, Any]:
    return {"proposal_id": _key(form), "member_id": customer["member_id"], **body, **_circle(form)}


def _checked(form: Mapping[str, str]) -> str:
    """What tells whether a form is the one that was checked. No secret: whoever sends it may send any form."""
    said = "\n".join(form[name].strip() for name in _SAID)
    return hashlib.blake2b(said.encode(), digest_size=12).hexdigest()


def _points(text: str) -> tuple[int, str]:
    """The points that a person wrote, and what is wrong with them."""
    points = whole_number(text)
    return (0, f"{NO_WHOLE_NUMBER} or -20.") if points is None else (points, "")


def _lapse(text: str, zone: ZoneInfo) -> tuple[dict[str, str], str]:
    """What is sent for the last day on which the points can be spent, and what is wrong with it."""
    if not text.strip():
        return {}, ""
    try:
        after = date.fromisoformat(text.strip()) + timedelta(days=1)
    except (ValueError, OverflowError):
        return {}, "Write a day, such as 2027-03-31."
    return {"expires_at": datetime.combine(after, time(), zone).isoformat()}, ""


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
