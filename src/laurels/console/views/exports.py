"""Files that take long to write: entries, and the log. Each is a job; what it gave is fetched on its page."""

from laurels.console.page import Ask, Elsewhere, page
from laurels.console.views.periods import as_instant


@page("POST", "/exports", "reports:read", "audit:read")
async def export(ask: Ask) -> Elsewhere:
    """Have a file written, of whole days."""
    period = {"from": as_instant(ask.form.get("from"), ask.zone), "to": as_instant(ask.form.get("to"), ask.zone)}
    asked = {"kind": "export", "what": ask.form.get("what", ""), "format": ask.form.get("format", "csv")}
    job = await ask.api.post("/jobs", {**asked, **{name: at for name, at in period.items() if at is not None}})
    return Elsewhere(f"/jobs/{job['number']}")


PAGES = (export,)
