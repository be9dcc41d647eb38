"""Finance: what of the points of a month is redeemed as time goes by, and what is expected to lapse unspent."""

from typing import Any

from laurels.console.page import Ask, Shown, page
from laurels.console.views.worked_out import is_small, job_done


@page("GET", "/finance/breakage", "reports:read")
async def show_breakage(ask: Ask) -> Shown:
    """The triangle, with its factors; in a large shop as the job of the liability worked it out last, or this one."""
    number = ask.query.get("job", "")
    if number or not await is_small(ask):
        job = await job_done(ask, "liability", number)
        return _shown(job["tally"]["expected"] if job else None, job)
    return _shown(await ask.api.get("/breakage"), None)


def _shown(found: dict[str, Any] | None, job: dict[str, Any] | None) -> Shown:
    """`found` is None where it was not worked out yet, `job` where it was just now."""
    cohorts = [] if found is None else found["cohorts"]
    ages = max((len(each["redeemed"]) for each in cohorts), default=0)
    rows = [{**each, "redeemed": each["redeemed"] + [None] * (ages - len(each["redeemed"]))} for each in cohorts]
    if found is not None:
        found = {"running": "", **found}  # jobs of earlier versions did not say it
    says = {"found": found, "cohorts": rows, "ages": ages, "job": job}
    return Shown(template="breakage.html", says=says)


PAGES = (show_breakage,)
