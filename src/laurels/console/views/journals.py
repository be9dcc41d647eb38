"""Finance: journals of points, each beginning where the one before ended, so that they tile."""

from typing import Any

from laurels.console import words
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.jobs import UNDER_WAY

_PAGE = 200


@page("GET", "/finance/journals", "reports:read")
async def list_journals(ask: Ask) -> Shown:
    """The journals that were drawn up, newest first, and the way to the next one."""
    return await _shown(ask)


@page("POST", "/finance/journals", "reports:read")
async def draw_up(ask: Ask) -> Elsewhere | Shown:
    """Draw up the next one, as a job: it begins where the last of those that tile ended, and ends where the feed does.
    Where another was begun since the form was shown, nothing is drawn up twice.
    """
    under_way, tiles = await _newest(ask)
    after = _end_of(tiles)
    if under_way is not None:
        return Elsewhere(f"/jobs/{under_way['number']}")
    if ask.form.get("after", "") != after:
        return await _shown(ask, fault="Another journal was drawn up meanwhile; the next one begins where it ended.")
    job = await ask.api.post("/jobs", {"kind": "journal", **({"after": after} if after else {})})
    return Elsewhere(f"/jobs/{job['number']}")


async def _newest(ask: Ask) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The journal that is being drawn up, if there is one, and those that tile."""
    newest = (await ask.api.get("/jobs", kind="journal", limit=1))["jobs"]
    under_way = newest[0] if newest and newest[0]["state"] in UNDER_WAY else None
    done: list[dict[str, Any]] = []
    before = None
    while True:
        found = await ask.api.get("/jobs", kind="journal", state="done", limit=_PAGE, before=before)
        done += found["jobs"]
        if not found["next"]:
            return under_way, tiling(done[::-1])
        before = found["next"]


def tiling(journals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of journals that were drawn up, oldest first, those that hold every entry once: from the first of all entries on,
    each begins at the mark where the one before ended, whenever it was drawn up.
    """
    following: dict[str, dict[str, Any]] = {}
    for job in journals:
        after = job["tally"]["after"] if job["about"].get("after") else ""
        if after != job["tally"]["to"]:  # one without entries leads nowhere
            following.setdefault(after, job)
    tiles, at = [], ""
    while at in following:
        tiles.append(following.pop(at))
        at = tiles[-1]["tally"]["to"]
    return tiles


def _end_of(tiles: list[dict[str, Any]]) -> str:
    """The mark after which the next one begins."""
    return tiles[-1]["tally"]["to"] if tiles else ""


async def _shown(ask: Ask, *, fault: str = "") -> Shown:
    before = ask.query.get("before")
    under_way, tiles = await _newest(ask)
    own = {job["number"] for job in tiles}
    found = await ask.api.get("/jobs", kind="journal", state="done", before=before)
    says = {
        "journals": [{**_told(job), "is_tile": job["number"] in own} for job in found["jobs"]],
        "under_way": under_way,
        "after": _end_of(tiles),
        "older": f"/finance/journals?before={found['next']}" if found["next"] else None,
        "is_first": before is None,
        "fault": fault,
    }
    return Shown(template="journals.html", says=says, status=409 if fault else 200)


def _told(job: dict[str, Any]) -> dict[str, Any]:
    """A journal with its points by kind in words, in the order of a statement."""
    kinds = job["tally"]["kinds"]
    return {**job, "kinds": [(label, kinds[kind]) for kind, label in words.MOVED.items() if kind in kinds]}


PAGES = (list_journals, draw_up)
