"""The programs: handed in as drafts, put in force by an act, for ever as they were."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from laurels.errors import ProgramError
from laurels.ledger.program_log import PUBLISHED, ProgramAct, ProgramEvent, breaks, digest_of
from laurels.ledger.upkeep import Finding

OTHER_RULES = "Version {version} of the program is published with other rules. Give the changed program a new version."
"""What to say of a program that would change a published one."""


class PublishedProgram(Struct, frozen=True, kw_only=True):
    """A published version. It is in force from `from_at` on; None: it always was."""

    version: int
    text: str
    from_at: int | None
    published_at: int
    actor: str | None


class Draft(Struct, frozen=True, kw_only=True):
    """A program that was handed in. `digest` is of its exact bytes; approved by somebody, it is published."""

    digest: str
    version: int
    text: str
    submitted_by: str
    submitted_at: int
    approved_by: str | None
    approved_at: int | None


def to_publish(
    published: Sequence[PublishedProgram], version: int, text: str, from_at: int | None, *, actor: str | None, now: int
) -> PublishedProgram | None:
    """The program to write where a version is published beside these; None where it is there already. Raises
    `ProgramError`, as `ProgramStore.publish` does.
    """
    for each in published:
        if each.version == version:
            if each.text != text:
                raise ProgramError(OTHER_RULES.format(version=version))
            return None
    if not published:
        return PublishedProgram(version=version, text=text, from_at=None, published_at=now, actor=actor)
    last = published[-1]
    if version < last.version:
        raise ProgramError(
            f"Version {version} of the program is not above the last published one, {last.version}. Raise it."
        )
    if from_at is not None and from_at < now:
        raise ProgramError(f"Version {version} would be in force from before now. Give it a later `from`, or none.")
    from_at = now if from_at is None else from_at
    if last.from_at is not None and from_at <= last.from_at:
        raise ProgramError(
            f"Version {version} would be in force from before version {last.version} is. Give it a later `from`."
        )
    return PublishedProgram(version=version, text=text, from_at=from_at, published_at=now, actor=actor)


def recorded(did: ProgramEvent, program: PublishedProgram) -> ProgramEvent:
    """The act that puts a program in force, with from when on, which the record's chain then covers. One that ends a
    campaign says why instead, and is in force from when it is published.
    """
    if did.act == ProgramAct.STOP:
        return did
    return replace(did, content=msgspec.json.encode({"from_at": program.from_at}).decode())


def findings_of(
    published: Sequence[PublishedProgram], drafts: Sequence[Draft], events: Sequence[ProgramEvent]
) -> list[Finding]:
    """What is wrong with published programs, drafts, and the record of what was done with them, oldest first: rows that
    do not follow, and programs that are not as they were handed in, or in force otherwise than they were published.
    Versions below the first that is in the record are older than it: version 0.1 kept none.
    """
    found = breaks(events)
    recorded = {each.version: each for each in events if each.act in PUBLISHED}
    before = {each.position: last.at for last, each in pairwise(events)}
    first, is_first = min(recorded, default=None), True
    for program in published:
        event, where = recorded.pop(program.version, None), f"program {program.version}"
        if event is None and first is not None and program.version > first:
            found.append(Finding(where, "nobody published it: the record has no such version"))
        elif event is not None and (event.digest, event.actor) != (digest_of(str(program.text)), program.actor):
            found.append(Finding(where, "it is not what was published: the record says otherwise"))
        elif event is not None and not _is_in_force_as(program, event, before.get(event.position), is_first=is_first):
            found.append(Finding(where, "since or from when it is in force is not what the record says"))
        is_first = False
    found += [Finding(f"program {version}", "it was published and is missing") for version in recorded]
    submitted = {each.digest: each for each in events if each.act == ProgramAct.SUBMIT}
    decided = {each.digest: each for each in events if each.act in PUBLISHED}
    for draft in drafts:
        if not _is_as_submitted(draft, submitted.pop(draft.digest, None), decided.get(draft.digest), before):
            found.append(Finding(f"draft {draft.digest}", "who handed it in or approved it, or what, was changed"))
    return found + [Finding(f"draft {digest}", "it was handed in and is missing") for digest in submitted]


def _is_in_force_as(program: PublishedProgram, event: ProgramEvent, before: int | None, *, is_first: bool) -> bool:
    """Whether a program is in force as the record says. Of one that was published before the record told from when, it
    can only be said that this was not before it was published.
    """
    if not _is_when(program.published_at, event, before):
        return False
    if event.act == ProgramAct.STOP:
        return program.from_at == (None if is_first else program.published_at)
    if event.content is None:
        return is_first if program.from_at is None else not is_first and program.from_at >= program.published_at
    return event.content == recorded(event, program).content


def _is_as_submitted(
    draft: Draft, event: ProgramEvent | None, decided: ProgramEvent | None, before: Mapping[int, int]
) -> bool:
    if event is None or (event.digest, event.version) != (digest_of(str(draft.text)), draft.version):
        return False
    if event.actor != draft.submitted_by or not _is_when(draft.submitted_at, event, before.get(event.position)):
        return False
    if decided is not None and decided.act == ProgramAct.APPROVE:
        return decided.actor == draft.approved_by and _is_when(draft.approved_at, decided, before.get(decided.position))
    return decided is not None or draft.approved_by is None  # published without the draft, it may be approved again


def _is_when(at: int | None, event: ProgramEvent, before: int | None) -> bool:
    """Whether something was done at an instant, by the record: its time never goes back, that of the clock may."""
    return at == event.at or (isinstance(at, int) and at < event.at and before == event.at)


class ProgramStore(Protocol):
    """Program versions. A published one never changes."""

    async def programs(self) -> list[PublishedProgram]:
        """All published versions, by version."""
        ...

    async def publish(self, version: int, text: str, from_at: int | None, *, actor: str) -> list[PublishedProgram]:
        """Publish a version; gives all published ones. Where the ledger has none yet, it is in force from ever; any
        other from `from_at`, None: from now on. The same text again changes nothing.

        Raises `ProgramError` for other text under a used version, for a version that is not above the last one, and
        for one that would be in force before it.
        """
        ...

    async def submit(self, version: int, text: str, *, actor: str) -> Draft:
        """Keep a program as a draft. The same bytes again give the draft that is there."""
        ...

    async def drafts(self) -> Sequence[Draft]:
        """All drafts, the newest first."""
        ...

    async def approve(
        self, digest: str, from_at: int | None, *, actor: str, by_another: bool, rehearsal: str | None = None
    ) -> list[PublishedProgram]:
        """Publish a draft; gives all published versions. `rehearsal`: the digest of one that was kept of it, is younger
        than a week, and saw every published version. With `by_another` it has to be named, and the one who submitted
        the draft may not approve it. Raises `NotFound`, `NotAllowed`, and like `publish`.
        """
        ...

    async def keep_rehearsal(self, digest: str, rehearsal: str, content: str, *, actor: str) -> ProgramEvent:
        """Keep what a rehearsal of a draft found, by its own digest. Raises `NotFound` where there is no such draft."""
        ...

    async def stop(self, version: int, text: str, *, actor: str, why: str) -> list[PublishedProgram]:
        """Publish a version that does nothing but end a campaign; it is in force from now on. Raises like `publish`."""
        ...

    async def program_events(self) -> list[ProgramEvent]:
        """What was done with programs, and by whom, oldest first."""
        ...
