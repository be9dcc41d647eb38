"""Verification by judging again: what is kept of members and budgets, against what all documents lead to once more."""

import asyncio
from collections.abc import AsyncIterator

from laurels.awarding.explaining import member_at
from laurels.awarding.ordering import in_order
from laurels.awarding.programs import Programs
from laurels.awarding.replaying import Replay, asks_people, read_persons
from laurels.errors import Conflict, LaurelsError
from laurels.ledger import Awarded, Finding, Ledger, MemberState
from laurels.ledger.turns import DOCUMENTS_AT_ONCE, one_by_one
from laurels.program import ProgramState


async def verify_again(ledger: Ledger, programs: Programs, now: int) -> AsyncIterator[Finding]:
    """Members' states as of an instant, what of redemptions can come back, and what is used of budgets. Costs a
    judgement of every document; memory: by members and orders. Of documents that do not lead to what the ledger has the
    first is told: behind it nothing can be compared. Raises `Conflict` where something was written meanwhile.
    """
    began = await ledger.heads()
    replay = Replay(programs, await read_persons(ledger, programs))
    found = await _judged(ledger, replay)
    found = found or [finding async for finding in _compared(ledger, replay, now)]
    if (await ledger.heads()).version != began.version:
        raise Conflict("The ledger was written to meanwhile. Stop Laurels, and verify it again.")
    for finding in found:
        yield finding


async def _judged(ledger: Ledger, replay: Replay) -> list[Finding]:
    taken = 0
    async for document in in_order(ledger, framed=asks_people(replay.programs)):
        if not isinstance(document, Awarded):
            replay.join(document)
            continue
        try:
            replay.take_as_it_was(document)
        except LaurelsError as error:
            return [Finding(f"{document.kind} {document.source}/{document.id}", error.message)]
        taken += 1
        if taken % DOCUMENTS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return []


async def _compared(ledger: Ledger, replay: Replay, now: int) -> AsyncIterator[Finding]:
    async for number, kept, _ in one_by_one(ledger.states()):
        for what in _differing(kept, replay.members.get(number, MemberState()), replay.programs, now):
            yield Finding(f"member number {number}", f"its documents lead to another {what} than is kept")
    async for source, id_, spent in one_by_one(ledger.redeemed()):
        redemption = replay.redemptions.get((source, id_))
        if redemption is None or redemption.spent != spent:
            yield Finding(f"redemption {source}/{id_}", "what of it can come back is not what its documents lead to")
    used = await ledger.budgets()
    for name in sorted(used.keys() | replay.budgets.keys()):
        if used.get(name, 0) != replay.budgets.get(name, 0):
            said = f"{used.get(name, 0)} grains are used of it as kept, {replay.budgets.get(name, 0)} by its documents"
            yield Finding(f"budget {name}", said)


def _differing(kept: MemberState, again: MemberState, programs: Programs, now: int) -> list[str]:
    """What is kept of a member otherwise than it comes out again, as of an instant, whether or not a sweep ran."""
    if kept.state is None and again.state is None:
        return []
    is_, would_be = member_at(kept, programs, now), member_at(again, programs, now)
    return [name for name in ProgramState.__struct_fields__ if getattr(is_, name) != getattr(would_be, name)]
