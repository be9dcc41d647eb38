"""How a program comes into force: handed in, rehearsed, approved; and how a campaign is ended early."""

from collections.abc import Sequence

import msgspec

from laurels import clock
from laurels.awarding.programs import check_publishable
from laurels.awarding.rehearsed import Rehearsal
from laurels.awarding.rehearsing import rehearse
from laurels.clock import DAY, MINUTE
from laurels.errors import NotFound, ProgramError
from laurels.ledger import Draft, Ledger, PublishedProgram
from laurels.model.times import format_instant
from laurels.program import Program, parse_program, stopped, with_extension

OPEN_FOR = 7 * DAY
"""So long somebody has to approve what is extended, where nobody says from when it holds."""


async def submit(ledger: Ledger, program: Program, *, actor: str) -> Draft:
    """Keep a program as a draft. Raises `ProgramError` where it could never be put in force here."""
    check_publishable(program, await ledger.programs())
    return await ledger.submit(program.version, program.text, actor=actor)


async def rehearse_here(
    ledger: Ledger, new: Program, *, begins: int | None, ends: int, actor: str
) -> tuple[Rehearsal, bool]:
    """Rehearse a program on a ledger's documents; gives what came of it, and whether it is kept, to be approved by:
    that is where exactly these bytes were handed in. Raises `Refused`. Costs twice the judging of every document.
    """
    published = await ledger.programs()
    stand = [(each.from_at, parse_program(each.text)) for each in published]
    found = await rehearse(ledger, stand, new, begins=begins, ends=ends)
    draft = next((each for each in await ledger.drafts() if each.text == new.text), None)
    if draft is None:
        return found, False
    content = msgspec.json.encode(found).decode()
    await ledger.keep_rehearsal(draft.digest, found.digest, content, actor=actor)
    return found, True


async def approve(
    ledger: Ledger, digest: str, from_at: int | None, *, actor: str, by_another: bool, rehearsal: str | None
) -> PublishedProgram:
    """Put a draft in force, from what it says itself where `from_at` is None. `digest` and `rehearsal` may be the
    beginnings of theirs. Raises like `Ledger.approve`.
    """
    draft = find_draft(await ledger.drafts(), digest)
    program = parse_program(draft.text)
    if from_at is None:
        from_at = program.from_at
    check_publishable(program, await ledger.programs(), clock.now() if from_at is None else from_at)
    if rehearsal is not None:
        rehearsal = await _whole(ledger, draft.digest, rehearsal)
    published = await ledger.approve(draft.digest, from_at, actor=actor, by_another=by_another, rehearsal=rehearsal)
    return next(each for each in published if each.version == draft.version)


async def stop(ledger: Ledger, campaign: str, *, now: int, actor: str, why: str) -> PublishedProgram:
    """End a campaign a minute from now, by a version that does nothing else. Raises `ProgramError`."""
    published = await ledger.programs()
    last = published[-1]
    if last.from_at is not None and last.from_at > now:
        raise ProgramError(
            f"Version {last.version} is in force only later, so nothing can be published before it. "
            f"Submit version {last.version + 1} without the campaign."
        )
    text = stopped(parse_program(last.text), campaign, last.version + 1, now + MINUTE)
    parse_program(text)
    return (await ledger.stop(last.version + 1, text, actor=actor, why=why))[-1]


async def extend(ledger: Ledger, expiring: tuple[str, str], until: str, from_at: int | None, *, now: int) -> Program:
    """The program of a version that extends points that would lapse from one day on and before another, and does
    nothing else: to be submitted; the draft that says so already, where there is one. It holds `from_at`; None: in a
    week, or when the first of those days begins, where that is sooner. Raises `ProgramError`.
    """
    published = await ledger.programs()
    last, before = published[-1], parse_program(published[-1].text)
    open_drafts = [each for each in await ledger.drafts() if each.version > last.version]
    version = max([last.version, *(each.version for each in open_drafts)]) + 1
    program = _extended(before, expiring, until, version, now + OPEN_FOR if from_at is None else from_at)
    for each in map(parse_program, (draft.text for draft in open_drafts)):
        if each.extensions == program.extensions and from_at in {None, each.from_at} and (each.from_at or 0) > now:
            return each
    if from_at is None and program.extensions[-1].begins <= now:
        raise ProgramError("expiring: must begin later than now: what has lapsed stays so")
    if from_at is None and program.extensions[-1].begins < now + OPEN_FOR:
        program = _extended(before, expiring, until, version, program.extensions[-1].begins)
    check_publishable(program, published)
    if program.from_at is None or program.from_at <= max(now, last.from_at or now):
        holds = f"from when version {last.version} holds"
        and_than = "" if last.from_at is None else f", and than {format_instant(last.from_at)}, {holds}"
        raise ProgramError(f"from: must be later than now{and_than}")
    return program


def _extended(before: Program, expiring: tuple[str, str], until: str, version: int, from_at: int) -> Program:
    return parse_program(with_extension(before, expiring, until, version=version, from_at=from_at))


def find_draft(drafts: Sequence[Draft], digest: str) -> Draft:
    """The draft whose digest begins so. Raises `NotFound` unless it is one."""
    found = [draft for draft in drafts if digest and draft.digest.startswith(digest)]
    if len(found) != 1:
        raise NotFound(f"There is no draft or version {digest}. `laurels program list` shows them.")
    return found[0]


async def _whole(ledger: Ledger, digest: str, rehearsal: str) -> str:
    """The digest of the rehearsal of a draft that begins so; what fits none is told by whom it is given to."""
    kept = {each.rehearsal for each in await ledger.program_events() if each.digest == digest and each.rehearsal}
    found = [each for each in kept if rehearsal and each.startswith(rehearsal)]
    return found[0] if len(found) == 1 else rehearsal
