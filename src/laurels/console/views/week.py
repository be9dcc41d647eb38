"""The Monday report: what happened in a week, and how customers stand. It reads every entry, so it is a job."""

from typing import Any

from laurels.console import words
from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.periods import as_instant
from laurels.console.views.worked_out import job_done, named_in_file

_LATE = ((1, "1 day"), (7, "2 to 7 days"), (30, "8 to 30 days"))
_LATER = "more than 30 days"
_NO_DAY = "Give a day such as 23 Nov 2026, of 1970 or later."


@page("GET", "/overview/week", "reports:read")
async def show_week(ask: Ask) -> Shown:
    """The report that was made last, or by this job."""
    return await _shown(ask, await job_done(ask, "week", ask.query.get("job", "")))


@page("POST", "/overview/week", "reports:read")
async def report_week(ask: Ask) -> Elsewhere | Shown:
    """Have one made, of the week of a day; of the week before where none is named."""
    day = ask.form.get("of", "").strip()
    at = as_instant(day, ask.zone) if day else None
    if day and at is None:
        return await _shown(ask, await job_done(ask, "week", ""), day=day, fault=_NO_DAY)
    try:
        job = await ask.api.post("/jobs", {"kind": "week", **({"at": at} if at else {})})
    except ApiRefused as error:
        if error.kind != "invalid-input":
            raise
        fault = f"This day {error.fields['at']}." if "at" in error.fields else error.message
        return await _shown(ask, await job_done(ask, "week", ""), day=day, fault=fault)
    return Elsewhere(f"/jobs/{job['number']}")


async def _shown(ask: Ask, job: dict[str, Any], *, day: str = "", fault: str = "") -> Shown:
    """`job` is empty where no week was reported on yet."""
    week = None
    if job:
        waiting = {words.CAUSES.get(cause, cause): n for cause, n in job["tally"]["quarantined"].items()}
        week = {**job["tally"], "quarantined": waiting, **await named_in_file(ask, job, "largest")}
    says = {
        "job": job,
        "week": week,
        "moved": [] if week is None else _in_words(week["points"]),
        "actors": [] if week is None else [(words.actor(by, ask.person.sub), n) for by, n in week["actors"].items()],
        "late": [] if week is None else late(week["late"]),
        "tiers": [] if week is None else [("No tier" if of == "none" else of, n) for of, n in week["tiers"].items()],
        "day": day,
        "fault": fault,
    }
    return Shown(template="week.html", says=says, status=422 if fault else 200)


def _in_words(points: dict[str, int]) -> list[tuple[str, int]]:
    """Points by kind, in the order of a statement."""
    return [(label, points[kind]) for kind, label in words.MOVED.items() if kind in points]


def late(orders: dict[str, int]) -> list[tuple[str, int]]:
    """Orders by how late they were recorded, in a few steps; `orders` has them by days."""
    steps: dict[str, int] = {}
    for days, count in sorted((int(days), count) for days, count in orders.items()):
        step = next((name for most, name in _LATE if days <= most), _LATER)
        steps[step] = steps.get(step, 0) + count
    return [*steps.items()]


PAGES = (show_week, report_week)
