"""Rehearsal: what a new program would have made of the documents that a ledger has. Nothing is written.

All documents are judged twice, in the order of recording: under the programs that stand, and with the new one in force
from an instant on. The first must come out as the ledger has it, to the last point; else the rehearsal refuses itself.
"""

import hashlib
from collections import Counter

import msgspec
from msgspec import Struct

from laurels.awarding.programs import Programs
from laurels.awarding.replaying import Replay
from laurels.errors import LaurelsError, Refused
from laurels.ledger import Awarded, Outcome, Upkeep
from laurels.model import DocumentKind, Entry, EntryKind
from laurels.model.details import Details
from laurels.program import Program, reason_of

MOST_NAMED = 20
"""Orders that are named, of those that change most."""


class ChangedOrder(Struct, frozen=True, kw_only=True):
    """An order that would have other points, with both reasons."""

    source: str
    order_id: str
    before: int
    after: int
    why_before: str
    why_after: str


class Rehearsal(Struct, frozen=True, kw_only=True):
    """What came of it. `points` and `would_be` are members' totals; `gain`, `lose` and `alike` are members, `best` and
    `worst` the most that one would gain and lose. `parts` are points by what gives them in the orders of the period.
    `quarantined` are reasons that only the new program has. `digest` is of the inputs and all of this.
    """

    documents: int
    orders: int
    points: int
    would_be: int
    gain: int
    lose: int
    alike: int
    best: int
    worst: int
    parts: dict[str, int]
    quarantined: dict[str, int]
    changed: list[ChangedOrder]
    digest: str


async def rehearse(
    ledger: Upkeep,
    published: list[tuple[int | None, Program]],
    new: Program,
    *,
    begins: int | None,
    ends: int,
) -> Rehearsal:
    """Rehearse a program on what occurred before `ends`, with `new` in force from `begins` (None: from ever). Twice the
    judging of every document. Raises `Refused` where the ledger does not come out of its own documents.
    """
    others = [(at, program) for at, program in published if program.version != new.version]
    stage = others if begins is not None else []
    rehearsing = _Rehearsing(Replay(Programs(published)), Replay(Programs([*stage, (begins, new)])), begins)
    async for chunk in ledger.awarded():
        for document in chunk:
            if document.entry.occurred_at < ends:
                rehearsing.take(document)
    return rehearsing.result(new)


class _Rehearsing:
    def __init__(self, stands: Replay, new: Replay, begins: int | None) -> None:
        self._stands, self._new = stands, new
        self._begins = begins
        self._documents = self._orders = 0
        self._parts: Counter[str] = Counter()
        self._quarantined: Counter[str] = Counter()
        self._changed: list[ChangedOrder] = []

    def take(self, document: Awarded) -> None:
        before = self._stands.take(document)
        _check(document, before)
        self._documents += 1
        try:
            after = self._new.take(document)
        except LaurelsError as error:
            self._quarantined[error.message] += 1
            return
        for quarantined in after.quarantined:
            self._quarantined[quarantined.reason] += 1
        if document.kind is DocumentKind.ORDER and (self._begins is None or document.entry.occurred_at >= self._begins):
            self._compare(document, before, after)

    def result(self, new: Program) -> Rehearsal:
        members = self._stands.members.keys() | self._new.members.keys()
        was, will = (
            {member: replay.members[member].totals.balance for member in members if member in replay.members}
            for replay in (self._stands, self._new)
        )
        changes = [will.get(member, 0) - was.get(member, 0) for member in members]
        found = Rehearsal(
            documents=self._documents,
            orders=self._orders,
            points=sum(was.values()),
            would_be=sum(will.values()),
            gain=sum(change > 0 for change in changes),
            lose=sum(change < 0 for change in changes),
            alike=sum(not change for change in changes),
            best=max(changes, default=0),
            worst=min(changes, default=0),
            parts=dict(self._parts),
            quarantined=dict(self._quarantined),
            changed=self._most_changed(),
            digest="",
        )
        return _signed(found, new)

    def _compare(self, document: Awarded, before: Outcome, after: Outcome) -> None:
        self._orders += 1
        earned = _earned(after)
        if earned is None:
            return
        program, points = self._new.programs.version(earned.program_version), earned.points
        details = Details.decode(earned.details)
        if program.plan.carries or not details.parts:
            self._parts["points"] += points
        else:
            self._parts.update(dict(details.parts))
        was = _earned(before)
        if was is not None and was.points != points:
            self._changed.append(
                ChangedOrder(
                    source=document.source,
                    order_id=document.id,
                    before=was.points,
                    after=points,
                    why_before=reason_of(was, self._stands.programs.version(was.program_version)),
                    why_after=reason_of(earned, program),
                )
            )
            if len(self._changed) > 50 * MOST_NAMED:
                self._changed = self._most_changed()

    def _most_changed(self) -> list[ChangedOrder]:
        ranked = sorted(self._changed, key=lambda each: (-abs(each.after - each.before), each.source, each.order_id))
        return ranked[:MOST_NAMED]


def _check(document: Awarded, outcome: Outcome) -> None:
    entry = document.entry
    if not outcome.postings or (outcome.postings[0].kind, outcome.postings[0].points) != (entry.kind, entry.points):
        got = outcome.postings[0].points if outcome.postings else [each.reason for each in outcome.quarantined]
        raise Refused(
            f"the {document.kind} {document.source}/{document.id} gives {got} and not the {entry.points} points that "
            f"the ledger has (entry {entry.loyalty_id}): it cannot be rehearsed on"
        )


def _earned(outcome: Outcome) -> Entry | None:
    """What an order earned, as an entry that can be put in words."""
    for posting in outcome.postings:
        if posting.kind is EntryKind.EARN:
            return Entry(
                shard=0,
                position=0,
                kind=posting.kind,
                member=posting.member,
                points=posting.points,
                currency=posting.currency,
                amount=posting.amount,
                program_version=posting.program_version,
                occurred_at=posting.occurred_at,
                board_at=posting.board_at,
                recorded_at=posting.occurred_at,
                details=posting.details,
            )
    return None


def _signed(found: Rehearsal, new: Program) -> Rehearsal:
    content = new.text.encode() + msgspec.json.encode(found)
    return msgspec.structs.replace(found, digest=hashlib.sha256(content).hexdigest())
