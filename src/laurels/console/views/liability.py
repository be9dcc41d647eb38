"""Finance: what the shop owes in points at an instant, and how much of it is expected to be redeemed."""

from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Shown, page


@page("GET", "/finance/liability", "reports:read")
async def show_liability(ask: Ask) -> Shown:
    """As of now, or of the beginning of a day (UTC)."""
    day = ask.query.get("at", "").strip()
    says = {"day": day, "found": None, "fault": "", "expected": None}
    try:
        says["found"] = await ask.api.get("/liability", at=f"{day}T00:00:00Z" if day else None)
        says["expected"] = await ask.api.get("/breakage")
    except ApiRefused as error:
        if error.kind not in {"conflict", "invalid-input"}:
            raise
        says["fault"] = error.fields.get("at", error.message)
        return Shown(template="liability.html", says=says, status=error.status)
    return Shown(template="liability.html", says=says)


PAGES = (show_liability,)
