"""What waits for the person who looks: only what the person's roles can act on."""

import asyncio

from laurels.console import words
from laurels.console.page import Ask

MANY = 50


async def waiting_for(ask: Ask) -> list[tuple[str, str, str]]:
    """Sentences, each with where it leads and what is done there."""
    return [each for each in await asyncio.gather(_proposals(ask), _versions(ask), _documents(ask)) if each is not None]


async def _proposals(ask: Ask) -> tuple[str, str, str] | None:
    if "points:approve" not in ask.person.scopes:
        return None
    jobs = (await ask.api.get("/jobs", state="proposed", limit=MANY))["jobs"]
    count = sum(job["actor"] != _own(ask) for job in jobs)
    what = f"{_about(count, 'proposal waits', 'proposals wait')} for your approval"
    return (what, "/proposals", "Look at them") if count else None


async def _versions(ask: Ask) -> tuple[str, str, str] | None:
    if "program:approve" not in ask.person.scopes:
        return None
    drafts = (await ask.api.get("/programs"))["drafts"]
    count = sum(draft["submitted_by"] != _own(ask) for draft in drafts)
    what = f"{_about(count, 'version waits', 'versions wait')} for approval"
    return (what, "/program", "Look at the rules") if count else None


async def _documents(ask: Ask) -> tuple[str, str, str] | None:
    if "quarantine:write" not in ask.person.scopes:
        return None
    count = len((await ask.api.get("/quarantine", limit=MANY))["documents"])
    what = f"{_about(count, 'document waits', 'documents wait')} for a decision"
    return (what, "/work", "Open the work list") if count else None


def _own(ask: Ask) -> str:
    return f"person:{ask.person.sub}"


def _about(count: int, one: str, many: str) -> str:
    """A number as far as it was counted."""
    return f"{MANY} or more {many}" if count >= MANY else words.count(count, one, many)
