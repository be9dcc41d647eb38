"""Proposals: what another person asks for, what it would do now, and the button that says it."""

from typing import Any

from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.jobs import told


@page("GET", "/proposals", "points:approve")
async def list_proposals(ask: Ask) -> Shown:
    """What waits for a second person."""
    found = await ask.api.get("/jobs", state="proposed", before=ask.query.get("before"))
    rows = [told(ask, job) for job in found["jobs"]]
    older = f"/proposals?before={found['next']}" if found["next"] else None
    return Shown(template="proposals.html", says={"jobs": rows, "older": older})


@page("GET", "/proposals/{job:str}", "points:approve")
async def show_proposal(ask: Ask) -> Shown:
    """A proposal, with what it would do now."""
    return await _shown(ask)


@page("POST", "/proposals/{job:str}", "points:approve")
async def decide(ask: Ask) -> Shown | Elsewhere:
    """Approve or reject it, as it was seen. Where what it would do has changed since, it is shown anew."""
    number, step = ask.path["job"], ask.form.get("step", "")
    said = {"digest": ask.form.get("digest", "")}
    try:
        if step == "approve":
            await ask.api.post(f"/proposals/{number}/approve", {**said, "preview": ask.form.get("preview", "")})
        else:
            await ask.api.post(f"/proposals/{number}/reject", said)
    except ApiRefused as error:
        if error.kind not in {"conflict", "not-allowed"}:
            raise
        return await _shown(ask, fault=error.message, status=error.status)
    return Elsewhere(f"/jobs/{number}")


async def _shown(ask: Ask, *, fault: str = "", status: int = 200) -> Shown:
    found: dict[str, Any] = await ask.api.get(f"/proposals/{ask.path['job']}")
    is_own = found["job"]["actor"] == f"person:{ask.person.sub}"
    says = {
        "proposal": found,
        "job": told(ask, found["job"]),
        "was": found["job"]["about"],
        "is_own": is_own,
        "may_decide": found["job"]["state"] == "proposed" and not is_own,
        "fault": fault,
    }
    return Shown(template="proposal.html", says=says, status=status)


PAGES = (list_proposals, show_proposal, decide)
