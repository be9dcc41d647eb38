"""Finance: what the shop owes in points at an instant, and how much of it is expected to be redeemed."""

from typing import Any

from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.periods import as_instant, instant, month_begins
from laurels.console.views.worked_out import is_small, job_done


@page("GET", "/finance/liability", "reports:read")
async def show_liability(ask: Ask) -> Shown:
    """As of now, or of the beginning of a day; in a large shop as it was worked out last, or by this job."""
    day, number = ask.query.get("at", "").strip(), ask.query.get("job", "")
    if number or not await is_small(ask):
        return _shown(ask, day, job=await job_done(ask, "liability", number))
    try:
        found = await ask.api.get("/liability", at=_instant(ask, day))
        return _shown(ask, day, found=found, expected=await ask.api.get("/breakage"))
    except ApiRefused as error:
        if error.kind not in {"conflict", "invalid-input"}:
            raise
        return _shown(ask, day, fault=error.fields.get("at", error.message), status=error.status)


@page("POST", "/finance/liability", "reports:read")
async def work_out(ask: Ask) -> Elsewhere | Shown:
    """Have it worked out as a job."""
    day = ask.form.get("at", "").strip()
    try:
        job = await ask.api.post("/jobs", {"kind": "liability", **({"at": _instant(ask, day)} if day else {})})
    except ApiRefused as error:
        if error.kind != "invalid-input":
            raise
        return _shown(ask, day, job={}, fault=error.fields.get("at", error.message), status=error.status)
    return Elsewhere(f"/jobs/{job['number']}")


def _instant(ask: Ask, day: str) -> str | None:
    """When a day begins, as the API takes it; what is no day is the API's to refuse."""
    return (as_instant(day, ask.zone) or day) if day else None


def _shown(
    ask: Ask,
    day: str,
    *,
    found: dict[str, Any] | None = None,
    expected: dict[str, Any] | None = None,
    job: dict[str, Any] | None = None,
    fault: str = "",
    status: int = 200,
) -> Shown:
    """`job` is the one that it comes of; empty where there was none yet, None where it was worked out just now."""
    if job:
        worked_out = job["tally"]
        found = worked_out["liability"]
        expected = worked_out["expected"]
    this_month = month_begins(ask.today)
    ended = month_begins(this_month, 1).isoformat(), this_month.isoformat()
    says = {
        "month_ended": ended,
        "is_ahead": found is not None and instant(found["at"]) > ask.now,
        "day": day,
        "found": found,
        "fault": fault,
        "expected": expected,
        "is_job": job is not None,
        "job": job,
    }
    return Shown(template="liability.html", says=says, status=status)


PAGES = (show_liability, work_out)
