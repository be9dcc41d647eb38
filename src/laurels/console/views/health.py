"""Health: how Laurels gets on, in one line first; as text for a ticket too."""

from collections.abc import Iterator, Mapping
from typing import Any

from laurels.clock import MINUTE
from laurels.console import formats, words
from laurels.console.page import Ask, Shown, page
from laurels.console.views.periods import instant

MUCH_BEHIND, MUCH_READY, MUCH_AHEAD_S = 10_000, 10_000, 60
LONG_WAITED = 5 * MINUTE
_ON_ONE_HOST = "sqlite"
"""A ledger whose processes all share one state directory, so that roles which are not told run nowhere."""

_AWARDS = "award"


@page("GET", "/health", "status:read")
async def show_health(ask: Ask) -> Shown:
    """All well, or what is not."""
    status = await ask.api.get("/status")
    return Shown(template="health.html", says={"status": status, "troubles": [*_troubles(ask, status)]})


def _troubles(ask: Ask, status: Mapping[str, Any]) -> Iterator[str]:
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
    yield from _unawarded(ask, status)
    ahead_s = status.get("ahead_s") or 0  # an older Laurels does not say it
    if ahead_s > MUCH_AHEAD_S:
        yield f"The last entry was recorded {formats.number(ahead_s)} seconds ahead of now: a clock was wrong."
    if status["checked"] is not None and status["checked"]["findings"]:
        yield "The last check of the ledger found what is not as it should be: its job tells what."


def _unawarded(ask: Ask, status: Mapping[str, Any]) -> Iterator[str]:
    if status["ledger"] == _ON_ONE_HOST and all(role["role"] != _AWARDS for role in status["roles"]):
        yield "Nothing awards points here: laurels serve, or laurels work, does not run."
    counts = status["counts"]
    if counts is None:
        return
    waits = counts["ready_since"]
    if waits and instant(status["at"]) - instant(waits) > LONG_WAITED:
        yield f"What came in has waited since {formats.when(waits, ask.zone)} to be awarded."
    if counts["ready"] > MUCH_READY:
        yield f"{formats.number(counts['ready'])} documents wait to be awarded."


PAGES = (show_health,)
