"""Rehearsal: what a new program would have made of the documents that a ledger has. Nothing is written.

All documents are judged twice, in the order of recording: under the programs that stand, and with the new one in force
from an instant on. The first must come out as the ledger has it, to the last point; else the rehearsal refuses itself.
"""

import asyncio
from collections import Counter

from laurels.awarding.causes import cause_of
from laurels.awarding.ordering import in_order
from laurels.awarding.programs import Programs
from laurels.awarding.rehearsed import (
    ChangedOrder,
    Rehearsal,
    deciles,
    differing,
    member_changes,
    most,
    parts_of_entry,
    tier_moves,
    value_of,
)
from laurels.awarding.replaying import Replay, asks_people, read_persons
from laurels.awarding.seeing import Seeing
from laurels.errors import LaurelsError
from laurels.ledger import Awarded, Outcome, Upkeep
from laurels.ledger.turns import DOCUMENTS_AT_ONCE
from laurels.model import DocumentKind, Entry, EntryKind
from laurels.model.details import Details
from laurels.model.times import format_instant
from laurels.program import Program, reason_of
from laurels.program.local_time import NEVER

MOST_NAMED = 20
"""Orders that are named, of those that change most."""


async def rehearse(
    ledger: Upkeep,
    published: list[tuple[int | None, Program]],
    new: Program,
    *,
    begins: int | None,
    ends: int,
) -> Rehearsal:
    """Rehearse a program on what occurred before `ends`, with `new` in force from `begins` (None: from ever). Twice the
    judging of every document. An order stands as it is of which no more is kept than the frame that it was awarded in,
    or of whose member other is said now, which is warned of. Raises `Refused` where the ledger does not come out of its
    own documents.
    """
    stage: list[tuple[int | None, Program]] = []
    for at, program in published:
        if program.version != new.version and begins is not None and (at is None or at < begins):
            stage.append((at, program))
        elif program.version != new.version:  # judges nothing; orders of which no more is kept than a frame name it
            stage.append((begins if program.version < new.version else NEVER, program))
    stands, tried = Programs(published), Programs([*stage, (begins, new)])
    persons = await read_persons(ledger, stands, tried)
    rehearsing = _Rehearsing(Replay(stands, persons), Replay(tried, persons), begins, ends)
    seeing = Seeing(new, begins)
    taken = 0
    async for document in in_order(ledger, framed=asks_people(stands)):
        if not isinstance(document, Awarded):
            rehearsing.join(document)
        elif document.entry.occurred_at < ends:
            seeing.look_at(document, as_it_was=rehearsing.take(document))
            taken += 1
            if taken % DOCUMENTS_AT_ONCE == 0:
                await asyncio.sleep(0)
    return rehearsing.result(new, seeing.unseen(persons.values()))


_Changed = tuple[str, str, Entry, Entry]
"""An order that would have other points: its source and id, and what it earned by the one and by the other. It is put
in words only where it is among those that are named.
"""


class _Rehearsing:
    def __init__(self, stands: Replay, new: Replay, begins: int | None, ends: int) -> None:
        self._stands, self._new = stands, new
        self._begins, self._ends = begins, ends
        self._documents = self._orders = self._changed_orders = 0
        self._parts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._bound: Counter[str] = Counter()
        self._gave: set[str] = set()
        self._quarantined: Counter[str] = Counter()
        self._changed: list[_Changed] = []

    def take(self, document: Awarded) -> bool:
        """Judge a document by both; gives whether it stands as it is since other was said of its member."""
        was = self._stands.take_as_it_was(document)
        self._documents += 1
        try:
            after = self._new.take(document, was)
        except LaurelsError as error:
            self._quarantined[cause_of(error.message)] += 1
            return was.in_frame
        for quarantined in after.quarantined:
            self._quarantined[cause_of(quarantined.reason)] += 1
        if document.kind is DocumentKind.ORDER and (self._begins is None or document.entry.occurred_at >= self._begins):
            self._orders += 1
            self._compare(document, was.outcome, after)
        return was.in_frame

    def join(self, merger: Entry) -> None:
        self._stands.join(merger)
        self._new.join(merger)

    def result(self, new: Program, unseen: list[str]) -> Rehearsal:
        members = member_changes(self._stands, self._new)
        changes = [each.after - each.before for each in members]
        return Rehearsal(
            version=new.version,
            newest=self._stands.programs.current.version,
            begins=None if self._begins is None else format_instant(self._begins),
            ends=format_instant(self._ends),
            documents=self._documents,
            orders=self._orders,
            points=sum(each.before for each in members),
            would_be=sum(each.after for each in members),
            gain=sum(change > 0 for change in changes),
            lose=sum(change < 0 for change in changes),
            alike=sum(not change for change in changes),
            best=max(changes, default=0),
            worst=min(changes, default=0),
            deciles=deciles(members),
            gain_most=most(members, 1),
            lose_most=most(members, -1),
            parts=dict(self._parts),
            reasons=dict(sorted(self._reasons.items())),
            bound=dict(sorted(self._bound.items())),
            never=[each.name for each in new.campaigns if (each.group or each.name) not in self._gave],
            tiers=tier_moves(self._stands, self._new, self._ends),
            value=value_of(sum(changes), new),
            quarantined=dict(self._quarantined),
            unseen=unseen,
            changed_orders=self._changed_orders,
            changed=[self._worded(*each) for each in self._most_changed()],
        ).signed(new)

    def _compare(self, document: Awarded, before: Outcome, after: Outcome) -> None:
        earned, was = _earned(after), _earned(before)
        if earned is None:
            return
        program, points = self._new.programs.version(earned.program_version), earned.points
        details = Details.decode(earned.details)
        parts = parts_of_entry(earned, details, program)
        if program.plan.carries or not details.parts:
            self._parts["points"] += points
        else:
            self._parts.update(dict(details.parts))
        self._gave.update(parts)
        self._bound.update(name for name, _ in details.bound)
        if was is None:
            return
        stood = self._stands.programs.version(was.program_version)
        self._reasons.update(differing(parts_of_entry(was, Details.decode(was.details), stood), parts))
        if was.points == points:
            return
        self._changed_orders += 1
        self._changed.append((document.source, document.id, was, earned))
        if len(self._changed) > 50 * MOST_NAMED:
            self._changed = self._most_changed()

    def _most_changed(self) -> "list[_Changed]":
        def rank(each: _Changed) -> tuple[int, str, str]:
            source, id, was, earned = each
            return -abs(earned.points - was.points), source, id

        return sorted(self._changed, key=rank)[:MOST_NAMED]

    def _worded(self, source: str, id: str, was: Entry, earned: Entry) -> ChangedOrder:
        return ChangedOrder(
            source=source,
            order_id=id,
            before=was.points,
            after=earned.points,
            why_before=reason_of(was, self._stands.programs.version(was.program_version)),
            why_after=reason_of(earned, self._new.programs.version(earned.program_version)),
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
