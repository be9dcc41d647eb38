"""Let points live longer: a form, then what it does, then the button that hands it in; another person approves it."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page

_SAID = ("first", "last", "until", "from")
_NO_DAY = "Write a day, such as 2027-02-01."
_FAULTY = 422


@page("GET", "/program/extend", "program:write")
async def ask_to_extend(ask: Ask) -> Shown:
    """The form; days that the address names stand in it."""
    return _shown({name: ask.query.get(name, "") for name in _SAID})


@page("POST", "/program/extend", "program:write")
async def extend(ask: Ask) -> Shown | Elsewhere:
    """Check the form and say what it does; or hand it in. A form that was changed after its check is checked anew."""
    form = {name: ask.form.get(name, "").strip() for name in _SAID}
    faults = {name: _NO_DAY for name in _SAID if not _is_day(form[name]) and (form[name] or name != "from")}
    if faults:
        return _shown(form, faults=faults)
    body: dict[str, Any] = {"expiring": [form["first"], form["last"]], "until": form["until"]}
    if form["from"]:
        body["from"] = _begin_of(form["from"], ask.zone)
    is_checked = ask.form.get("step") == "do" and ask.form.get("checked") == _checked(form)
    try:
        if not is_checked:
            return _shown({**form, "checked": _checked(form)}, await ask.api.post("/programs/extend", body, check=1))
        draft = await ask.api.post("/programs/extend", body)
    except ApiRefused as error:
        if error.kind != "invalid-input":
            raise
        faults = {_FIELDS.get(name, ""): text for name, text in error.fields.items()} or {"": error.message}
        return _shown(form, faults=faults, status=error.status)
    return Elsewhere(f"/program/{draft['digest']}")


_FIELDS = {"expiring": "first", "until": "until", "from": "from"}
"""The API's fields, by those of the form."""


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _begin_of(text: str, zone: ZoneInfo) -> str:
    """The instant at which a day begins."""
    return datetime.combine(date.fromisoformat(text), time(), zone).isoformat()


def _checked(form: Mapping[str, str]) -> str:
    """What tells whether a form is the one that was checked. No secret: whoever sends it may send any form."""
    return hashlib.blake2b("\n".join(form[name] for name in _SAID).encode(), digest_size=12).hexdigest()


def _shown(
    form: Mapping[str, str],
    effect: Mapping[str, Any] | None = None,
    *,
    faults: Mapping[str, str] | None = None,
    status: int = 0,
) -> Shown:
    says = {"form": form, "effect": effect, "faults": faults or {}}
    return Shown(template="extend.html", says=says, status=status or (_FAULTY if faults else 200))


PAGES = (ask_to_extend, extend)
