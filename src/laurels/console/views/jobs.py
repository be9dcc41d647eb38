"""Jobs: what takes long, how far it is, and what came of it."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from laurels.console import formats, words
from laurels.console.page import Ask, Download, Elsewhere, Shown, page

LOOK = (
    "jobs:write",
    "points:adjust",
    "points:approve",
    "program:write",
    "program:approve",
    "audit:read",
    "reports:read",
)
_CSV = "text/csv; charset=utf-8"
ENDED = frozenset({"done", "failed", "stopped", "rejected"})
UNDER_WAY = frozenset({"ready", "running"})


@page("GET", "/jobs", *LOOK)
async def list_jobs(ask: Ask) -> Shown:
    """The newest jobs that the person may see."""
    found = await ask.api.get("/jobs", before=ask.query.get("before"))
    older = f"/jobs?before={found['next']}" if found["next"] else None
    rows = [told(ask, job) for job in found["jobs"]]
    says = {"jobs": rows, "older": older, "is_first": "before" not in ask.query, "may_start": "jobs:write" in _of(ask)}
    return Shown(template="jobs.html", says=says)


@page("POST", "/jobs", "jobs:write")
async def start_job(ask: Ask) -> Elsewhere:
    """Start a check of the ledger, or make roll-ups anew."""
    job = await ask.api.post("/jobs", {"kind": ask.form.get("kind", "")})
    return Elsewhere(f"/jobs/{job['number']}")


@page("GET", "/jobs/{job:str}", *LOOK)
async def show_job(ask: Ask) -> Shown:
    """One job."""
    job = await ask.api.get(f"/jobs/{ask.path['job']}")
    is_own = job["actor"] == f"person:{ask.person.sub}"
    may_stop = job["state"] not in ENDED and not job["stopping"] and (is_own or "jobs:write" in _of(ask))
    may_decide = job["state"] == "proposed" and not is_own and "points:approve" in _of(ask)
    may_fetch = job["file"] and (is_own or job["kind"] != "export")
    says = {
        "job": told(ask, job),
        "may_stop": may_stop,
        "may_decide": may_decide,
        "may_fetch": may_fetch,
        "is_running": job["state"] in UNDER_WAY,
    }
    return Shown(template="job.html", says=says)


@page("POST", "/jobs/{job:str}/stop", "jobs:write", "points:adjust", "program:write", "reports:read", "audit:read")
async def stop_job(ask: Ask) -> Elsewhere:
    """Stop it."""
    await ask.api.post(f"/jobs/{ask.path['job']}/stop")
    return Elsewhere(f"/jobs/{ask.path['job']}")


@page("GET", "/jobs/{job:str}/file", *LOOK)
async def fetch_file(ask: Ask) -> Download:
    """What it gave. A long export comes piece by piece; its first one is asked for before anything is answered."""
    path = f"/jobs/{ask.path['job']}"
    job = await ask.api.get(path)
    name = f"job-{job['number']}.csv"
    if job["kind"] != "export":
        return Download(name, await ask.api.get_file(f"{path}/file"), _CSV)
    name = f"{job['about']['what']}-{job['number']}.{job['about']['format']}"
    first = await ask.api.get_file(f"{path}/file", part=1)
    if job["about"]["format"] == "parquet":
        return Download(name, first, "application/vnd.apache.parquet")

    async def pieces() -> AsyncIterator[bytes]:
        yield first
        for part in range(2, job["tally"]["parts"] + 1):
            yield await ask.api.get_file(f"{path}/file", part=part)

    return Download(name, pieces(), _CSV)


def told(ask: Ask, job: Mapping[str, Any]) -> dict[str, Any]:
    """A job in words."""
    title, done = words.JOBS.get(job["kind"], job["kind"]), formats.number(job["done"])
    about = job["about"]
    if job["kind"] == "corrections":
        title = f"Corrections of {formats.count(about['customers'], 'customer', 'customers')}"
        if about["rows"] == about["above"] == 1:
            title = "A correction above a limit"
    if job["kind"] == "erasures":
        title = f"Erasure of {formats.count(job['total'], 'customer', 'customers')}"
    if job["kind"] == "export":
        title = f"{words.EXPORTS[about['what']]} as a file"
    if job["kind"] == "rehearsal":
        title = f"Rehearsal of {about['which'][:12]}"
    return {
        **job,
        "title": title,
        "by": words.actor(job["actor"], ask.person.sub),
        "decided_by": words.actor(job["approver"], ask.person.sub),
        "word": words.JOB_STATES.get(job["state"], job["state"]),
        "progress": f"{done} of {formats.number(job['total'])}" if job["total"] else done,
        "outcome": _outcome(job),
    }


def _outcome(job: Mapping[str, Any]) -> list[str]:
    """What came of it, in sentences."""
    tally = job["tally"]
    if job["kind"] == "corrections" and tally:
        lines = [f"{formats.count(tally['made'], 'correction was', 'corrections were')} made: "]
        lines[0] += f"{formats.points_of(tally['given'])} given, {formats.number(tally['taken'])} taken."
        if tally["before"]:
            lines.append(f"{formats.count(tally['before'], 'row was', 'rows were')} here before, and counted then.")
        if tally["refused"]:
            lines.append(f"{formats.count(tally['refused'], 'row was', 'rows were')} not made; the file says why.")
        return lines
    if job["kind"] == "erasures" and tally:
        return [f"{formats.count(tally['erased'], 'customer is', 'customers are')} erased."]
    if job["kind"] == "export" and job["state"] == "done":
        return [f"{formats.count(tally['rows'], 'row', 'rows')}. The file is for who asked for it, for seven days."]
    if job["kind"] == "retry" and tally:
        tried = formats.count(tally["retried"], "document goes", "documents go")
        return [f"{tried} the usual way again.", f"{formats.number(tally['stay'])} stay where they are."]
    if job["kind"] == "verify" and tally:
        found = formats.number(tally["findings"])
        checked = f"{formats.count(tally['checked'], 'entry', 'entries')} checked."
        return [checked, "All is as it should be." if not tally["findings"] else f"{found} things are not."]
    return []


def _of(ask: Ask) -> frozenset[str]:
    return ask.person.scopes


PAGES = (list_jobs, start_job, show_job, stop_job, fetch_file)
