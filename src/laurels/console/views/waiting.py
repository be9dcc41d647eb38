"""What waits for the person who looks: only what the person's roles can act on."""

from laurels.console import words
from laurels.console.page import Ask

MANY = 50


async def waiting_for(ask: Ask) -> list[tuple[str, str, str]]:
    """Sentences, each with where it leads and what is done there."""
    found: list[tuple[str, str, str]] = []
    scopes, own = ask.person.scopes, f"person:{ask.person.sub}"
    if "points:approve" in scopes:
        jobs = (await ask.api.get("/jobs", state="proposed", limit=MANY))["jobs"]
        count = sum(job["actor"] != own for job in jobs)
        if count:
            found.append(
                (f"{_about(count, 'proposal waits', 'proposals wait')} for your approval", "/proposals", "Look at them")
            )
    if "program:approve" in scopes:
        drafts = (await ask.api.get("/programs"))["drafts"]
        count = sum(draft["submitted_by"] != own for draft in drafts)
        if count:
            found.append(
                (f"{_about(count, 'version waits', 'versions wait')} for approval", "/program", "Look at the rules")
            )
    if "quarantine:write" in scopes:
        count = len((await ask.api.get("/quarantine", limit=MANY))["documents"])
        if count:
            found.append(
                (f"{_about(count, 'document waits', 'documents wait')} for a decision", "/work", "Open the work list")
            )
    return found


def _about(count: int, one: str, many: str) -> str:
    """A number as far as it was counted."""
    return f"{MANY} or more {many}" if count >= MANY else words.count(count, one, many)
