"""Files that take long to write: entries, and the log. Each is a job; what it gave is fetched on its page."""

from laurels.console.page import Ask, Elsewhere, page
from laurels.console.views.periods import as_instant


@page("POST", "/exports", "reports:read", "audit:read")
async def export(ask: Ask) -> Elsewhere:
    """Have a file written, of whole days."""
    period = {name: _instant(ask, ask.form.get(name, "")) for name in ("from", "to")}
    asked = {"kind": "export", "what": ask.form.get("what", ""), "format": ask.form.get("format", "csv")}
    job = await ask.api.post("/jobs", {**asked, **{name: at for name, at in period.items() if at}})
    return Elsewhere(f"/jobs/{job['number']}")


def _instant(ask: Ask, day: str) -> str:
    """The beginning of a day; what is none goes as it is, and is refused: without it all would be written."""
    return as_instant(day, ask.zone) or day


PAGES = (export,)
