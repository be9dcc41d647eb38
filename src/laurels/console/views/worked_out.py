"""What costs by entries: worked out while one waits in a small shop, else read off the job that worked it out."""

import csv
import io
from collections.abc import Mapping
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


async def named_in_file(ask: Ask, job: Mapping[str, Any], *lists: str) -> dict[str, list[dict[str, Any]]]:
    """Lists of a report that name customers, from its file; empty where that is kept no more. That it was looked at is
    recorded.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in lists}
    if job["file"]:
        content = await ask.api.get_file(f"/jobs/{job['number']}/file")
        for figure, of, value in csv.reader(io.StringIO(content.decode(), newline="")):
            if figure in found:
                number, _, name = of.partition(".")
                found[figure].setdefault(number, {})[name] = int(value) if name in _NUMBERS else value or None
    return {figure: [*rows.values()] for figure, rows in found.items()}


_NUMBERS = frozenset({"member", "points", "before", "after"})


def _no_such_job() -> ApiRefused:
    return ApiRefused(404, "not-found", "There is no such job.", "", {})
