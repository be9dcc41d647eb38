"""What costs by entries: worked out while one waits in a small shop, else read off the job that worked it out."""

from typing import Any

from laurels.console.client import ApiRefused
from laurels.console.page import Ask

AT_ONCE = 200_000
"""Entries up to which it is worked out while the person waits: some seconds. Beyond that it is a job."""


async def is_small(ask: Ask) -> bool:
    """Whether there is little enough to read, by the sums of reports and what they have yet to count."""
    found = await ask.api.get("/reports/movement")
    entries: int = found["counted"]["behind"] + sum(line["entries"] for line in found["lines"])
    return entries <= AT_ONCE


async def job_done(ask: Ask, kind: str, number: str) -> dict[str, Any]:
    """The job of a kind with this number, the newest one where none is named; empty where there is none. Raises
    `ApiRefused` for one that is no such job, or not done.
    """
    if not number:
        newest = (await ask.api.get("/jobs", kind=kind, state="done", limit=1))["jobs"]
        return newest[0] if newest else {}
    if not (number.isascii() and number.isdecimal()):
        raise _no_such_job()
    job: dict[str, Any] = await ask.api.get(f"/jobs/{number}")
    if job["kind"] != kind or job["state"] != "done":
        raise _no_such_job()
    return job


def _no_such_job() -> ApiRefused:
    return ApiRefused(404, "not-found", "There is no such job.", "", {})
