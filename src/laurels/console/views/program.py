"""Rules: the versions, how they differ, what a new one would do, and its approval by a second person."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.periods import instant
from laurels.console.views.worked_out import named_in_file

LOOK = ("program:write", "program:approve", "reports:read")
_REFUSED = frozenset({"invalid-input", "conflict", "not-allowed", "not-found"})


@page("GET", "/program", *LOOK)
async def list_rules(ask: Ask) -> Shown:
    """Versions, drafts, and who did what."""
    return await _list(ask)


@page("POST", "/program", "program:write", takes_file=True)
async def submit(ask: Ask) -> Shown | Elsewhere:
    """Hand rules in. It changes nothing yet; what is wrong is said with its line."""
    text = ask.form.get("text", "").replace("\r\n", "\n")
    try:
        if ask.file is not None:
            text = ask.file.content.decode("utf-8-sig").replace("\r\n", "\n")
        draft = await ask.api.post("/programs", {"text": text})
    except UnicodeDecodeError:
        return await _list(ask, fault="The file is not UTF-8.", status=422)
    except ApiRefused as error:
        if error.kind not in _REFUSED:
            raise
        fault = error.fields.get("text", error.message)
        return await _list(ask, text=text, fault=fault, status=error.status)
    return Elsewhere(f"/program/{draft['digest']}")


@page("GET", "/program/{which:str}", *LOOK)
async def show_rules(ask: Ask) -> Shown:
    """One version or draft: its text, and how it differs from what is in force."""
    return await _show(ask)


@page("POST", "/program/{which:str}/rehearse", "program:write")
async def rehearse(ask: Ask) -> Elsewhere:
    """Try the rules on what the ledger has, as a job."""
    job = await ask.api.post("/jobs", {"kind": "rehearsal", "program": ask.path["which"]})
    return Elsewhere(f"/jobs/{job['number']}")


@page("GET", "/program/rehearsals/{job:str}", "program:write", "program:approve", "audit:read")
async def show_rehearsal(ask: Ask) -> Shown:
    """Who would gain and who would lose."""
    job = await _rehearsal(ask, ask.path["job"])
    people = await named_in_file(ask, job, "gain_most", "lose_most", "changed")
    found = {**job["tally"]["rehearsal"], **people}
    says = {"job": job, "found": found, "may_approve": _may_approve(ask, job)}
    return Shown(template="rehearsal.html", says=says)


@page("GET", "/program/{which:str}/approve", "program:approve")
async def ask_to_approve(ask: Ask) -> Shown:
    """What approving does."""
    return await _approval(ask, ask.query.get("job", ""))


@page("POST", "/program/{which:str}/approve", "program:approve")
async def approve(ask: Ask) -> Shown | Elsewhere:
    """Put the rules in force, on a rehearsal; the person has typed the version. What this form has done already, where
    it is sent twice, is shown.
    """
    number = ask.form.get("job", "")
    job = await _rehearsal(ask, number)
    if ask.form.get("version", "").strip() != str(job["tally"]["rehearsal"]["version"]):
        return await _approval(ask, number, fault="Type the number of the version that you approve.")
    body: dict[str, Any] = {"rehearsal": job["tally"]["rehearsal"]["digest"]}
    try:
        await ask.api.post(f"/programs/{ask.path['which']}/approve", body)
    except ApiRefused as error:
        if error.kind not in _REFUSED:
            raise
        if not await _is_published(ask, ask.path["which"]):
            return await _approval(ask, number, fault=error.message, status=error.status)
    return Elsewhere(f"/program/{job['tally']['rehearsal']['version']}")


async def _list(ask: Ask, *, text: str = "", fault: str = "", status: int = 200) -> Shown:
    found = await ask.api.get("/programs")
    says = {
        "published": found["published"][::-1],
        "drafts": found["drafts"],
        "events": found["events"][:-11:-1],
        "text": text,
        "fault": fault,
        "may_submit": "program:write" in ask.person.scopes,
        "in_force": _in_force(found["published"], ask.now),
    }
    return Shown(template="program.html", says=says, status=status)


async def _show(ask: Ask) -> Shown:
    which = ask.path["which"]
    program = await ask.api.get(f"/programs/{which}")
    found = await ask.api.get("/programs")
    versions = [each["version"] for each in found["published"]]
    draft = next((each for each in found["drafts"] if each["digest"] == program["digest"]), None)
    before = max((each for each in versions if each < program["version"]), default=None)
    differences = []
    if before is not None:
        differences = await ask.api.get(f"/programs/{before}/diff", to=which)
    says = {
        "program": program,
        "which": which,
        "draft": draft,
        "published": next((each for each in found["published"] if each["version"] == program["version"]), None),
        "before": before,
        "differences": differences,
        "may_rehearse": "program:write" in ask.person.scopes,
    }
    return Shown(template="rules.html", says=says)


async def _approval(ask: Ask, number: str, *, fault: str = "", status: int = 422) -> Shown:
    job = await _rehearsal(ask, number)
    program = await ask.api.get(f"/programs/{ask.path['which']}")
    found = await ask.api.get("/programs")
    draft = next((each for each in found["drafts"] if each["digest"] == program["digest"]), None)
    says = {
        "job": job,
        "found": job["tally"]["rehearsal"],
        "program": program,
        "draft": draft,
        "which": ask.path["which"],
        "fault": fault,
        "is_own": draft is not None and draft["submitted_by"] == f"person:{ask.person.sub}",
    }
    return Shown(template="approve.html", says=says, status=status if fault else 200)


async def _rehearsal(ask: Ask, number: str) -> dict[str, Any]:
    """The job of a rehearsal that came to its end. Raises `ApiRefused`."""
    job: dict[str, Any] = await ask.api.get(f"/jobs/{quote(number or '0', safe='')}")
    if job["kind"] != "rehearsal" or "rehearsal" not in job["tally"]:
        raise ApiRefused(404, "not-found", "There is no such rehearsal.", "", {})
    return job


async def _is_published(ask: Ask, digest: str) -> bool:
    return any(each["digest"] == digest for each in (await ask.api.get("/programs"))["published"])


def _may_approve(ask: Ask, job: Mapping[str, Any]) -> bool:
    return "program:approve" in ask.person.scopes and bool(job["tally"]["kept"])


def _in_force(published: list[dict[str, Any]], now: int) -> int | None:
    """The version that holds now."""
    from_at = [(each["version"], each["from"]) for each in published]
    return max((version for version, at in from_at if at is None or instant(at) <= now), default=None)


PAGES = (list_rules, submit, show_rules, rehearse, show_rehearsal, ask_to_approve, approve)
