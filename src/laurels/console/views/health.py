"""Health: how Laurels gets on, in one line first; as text for a ticket too."""

from collections.abc import Iterator, Mapping
from typing import Any

from laurels.console import formats, words
from laurels.console.page import Ask, Shown, page

MUCH_BEHIND, MUCH_READY, MUCH_AHEAD_S = 10_000, 10_000, 60


@page("GET", "/health", "status:read")
async def show_health(ask: Ask) -> Shown:
    """All well, or what is not."""
    status = await ask.api.get("/status")
    return Shown(template="health.html", says={"status": status, "troubles": [*_troubles(status)]})


def _troubles(status: Mapping[str, Any]) -> Iterator[str]:
    """What somebody has to look at."""
    if status["counts"] is None:
        yield "The ledger does not answer: nothing is accepted, and no customer is shown."
    if status["behind"] is None:
        yield "The boards are not served here, or not known to be up to date."
    elif status["behind"] > MUCH_BEHIND:
        yield f"The boards are {formats.number(status['behind'])} entries behind."
    for role in status["roles"]:
        if role["state"] != "running":
            yield f"{role['role']} {words.ROLE_STATES.get(role['state'], role['state'])}."
    ahead_s = status.get("ahead_s") or 0  # an older Laurels does not say it
    if ahead_s > MUCH_AHEAD_S:
        yield f"The last entry was recorded {formats.number(ahead_s)} seconds ahead of now: a clock was wrong."
    if status["checked"] is not None and status["checked"]["findings"]:
        yield "The last check of the ledger found what is not as it should be: its job tells what."
    if status["counts"] is not None and status["counts"]["ready"] > MUCH_READY:
        yield f"{formats.number(status['counts']['ready'])} documents wait to be awarded."


PAGES = (show_health,)
