"""What waits for the person who looks: only what the person's roles can act on."""

import asyncio
from collections.abc import Mapping

from laurels.clock import SECOND
from laurels.console import formats
from laurels.console.client import ApiAway, ApiRefused
from laurels.console.page import Ask
from laurels.console.sign_in import Person

MOST = 100
"""So many are counted; where there are as many, it is said that there may be more."""

WITHIN_S = 1.0
"""How long a page waits for its counts. It is shown without them where the ledger takes longer, or is away."""

Waiting = Mapping[str, int]
"""How much waits, by the address where it is decided on."""

KEPT, _MOST_PEOPLE = 10 * SECOND, 1000
"""How long counts are remembered, and of how many people."""

PROPOSALS, DOCUMENTS, VERSIONS = "/proposals", "/work", "/program"

_SENTENCES: Mapping[str, tuple[str, str, str]] = {
    PROPOSALS: ("proposal waits for your approval", "proposals wait for your approval", "Look at them"),
    VERSIONS: ("version waits for approval", "versions wait for approval", "Look at the rules"),
    DOCUMENTS: ("document waits for a decision", "documents wait for a decision", "Open the work list"),
}
"""What waits at an address: of one, of many, and what is done there."""


class NavigationCounts:
    """What waits, counted for the navigation of each page; remembered for some seconds while a person only looks."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, frozenset[str], Waiting]] = {}
        self._changes = 0

    async def of(self, ask: Ask) -> Waiting | None:
        """See `counts_for`. What cannot be told now is asked for again by the next page; and so is what was counted
        while somebody did something, since it may be the count of before.
        """
        sub, scopes = ask.person.sub, ask.person.scopes
        until, had, kept = self._kept.get(sub, (0, scopes, {}))
        if ask.now < until and had == scopes:
            return kept
        changes = self._changes
        counts = await counts_for(ask)
        if counts is not None and changes == self._changes:
            if len(self._kept) >= _MOST_PEOPLE:
                self._kept.clear()
            self._kept[sub] = ask.now + KEPT, scopes, counts
        return counts

    def forget(self, person: Person) -> None:
        """Somebody did something: what waits is counted anew."""
        self._changes += 1
        self._kept.pop(person.sub, None)


async def counts_for(ask: Ask) -> Waiting | None:
    """How much waits; None where that cannot be told now. Two calls (more for who has made a hundred proposals that
    wait), none of which is a look that is recorded.
    """
    try:
        async with asyncio.timeout(WITHIN_S):
            proposals, documents = await asyncio.gather(_proposals(ask), _documents(ask))
    except (ApiRefused, ApiAway, TimeoutError):
        return None
    return {path: count for path, count in ((PROPOSALS, proposals), (DOCUMENTS, documents)) if count}


async def versions_for(ask: Ask) -> int:
    """How many versions of the rules wait for this person. That they were looked at is recorded."""
    if "program:approve" not in ask.person.scopes:
        return 0
    drafts = (await ask.api.get("/programs"))["drafts"]
    return sum(draft["submitted_by"] != _own(ask) for draft in drafts)


def sentences(counts: Waiting) -> list[tuple[str, str, str]]:
    """What waits in words, each with where it leads and what is done there."""
    return [
        (f"{shown(counts[path])} {one if counts[path] == 1 else many}", path, does)
        for path, (one, many, does) in _SENTENCES.items()
        if counts.get(path)
    ]


def shown(count: int) -> str:
    """A number as far as it was counted, such as 99+."""
    return formats.number(count) if count < MOST else f"{MOST - 1}+"


async def _proposals(ask: Ask) -> int:
    """Those that others made: nobody approves their own."""
    if "points:approve" not in ask.person.scopes:
        return 0
    count, before = 0, None
    while count < MOST:
        found = await ask.api.get("/jobs", state="proposed", limit=MOST, before=before)
        count += sum(job["actor"] != _own(ask) for job in found["jobs"])
        before = found["next"]
        if before is None:
            break
    return count


async def _documents(ask: Ask) -> int:
    if "quarantine:write" not in ask.person.scopes:
        return 0
    causes = (await ask.api.get("/quarantine/reasons", most=MOST))["causes"]
    return sum(each["documents"] for each in causes)


def _own(ask: Ask) -> str:
    return f"person:{ask.person.sub}"
