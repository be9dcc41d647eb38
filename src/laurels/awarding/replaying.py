"""A ledger's documents judged once more, in memory: by the programs that stand, or by others. Nothing is written."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from laurels.awarding.budgets_then import moved_since
from laurels.awarding.decide import decide, decide_again
from laurels.awarding.joining import join
from laurels.awarding.keeping import program_state_of
from laurels.awarding.postings import changed_award, changed_before
from laurels.awarding.programs import Programs
from laurels.awarding.rebuilt import changed_again, order_refunded, rebuilt
from laurels.awarding.refunds import Refunds, read_refunds
from laurels.errors import Refused
from laurels.ledger import Award, Awarded, Claim, Item, MemberState, Onward, Outcome, RedemptionState, Upkeep
from laurels.ledger.claim import by_clock
from laurels.model import Balance, DocumentKind, Entry
from laurels.model.details import Details, merge_details
from laurels.program import Frame
from laurels.program.frame import Bonus, digest

NOBODY_KNOWN: Mapping[int, MemberState] = MappingProxyType({})

_NEW = MemberState()
_NAMES_ORDER = frozenset({DocumentKind.REFUND, DocumentKind.CANCELLATION, DocumentKind.AMENDMENT})


async def read_persons(ledger: Upkeep, *judging: Programs) -> Mapping[int, MemberState]:
    """What campaigns may ask of members, where a version among these does; as it is now, for no earlier state of it is
    kept. Memory: by members.
    """
    if not any(asks_people(programs) for programs in judging):
        return NOBODY_KNOWN
    return {number: person async for chunk in ledger.persons() for number, person in chunk}


def asks_people(programs: Programs) -> bool:
    """Whether a campaign of a version asks for anything of members: then frames tell what was said of them."""
    return any(program.plan.asks_people for program in programs.published.values())


class AsItWas(NamedTuple):
    """What a document led to by the programs that stand: `moved` grains more were left of budgets than were counted.
    With `in_frame` it came out in the frame that is kept alone, since other is said of its member now.
    """

    outcome: Outcome
    moved: Mapping[str, int]
    in_frame: bool


class Replay:
    """Members and orders as they come to be under some programs. Memory: by members and orders."""

    def __init__(self, programs: Programs, persons: Mapping[int, MemberState] = NOBODY_KNOWN) -> None:
        """`persons` is what campaigns may ask of members (`read_persons`); of one that is not in it, nothing."""
        self.programs = programs
        self._persons = persons
        self.members: dict[int, MemberState] = {}
        self.awards: dict[tuple[str, str], Award] = {}
        self.redemptions: dict[tuple[str, str], RedemptionState] = {}
        """By source and id, `hold:ID` for what was taken of a hold."""
        self.budgets: dict[str, int] = {}
        """What is used of them, in grains."""
        self._given: dict[tuple[str, str], Onward] = {}
        self._refunds: dict[tuple[str, str], Refunds] = {}
        """Of orders whose content is not kept: their refunds."""
        self._frames: dict[tuple[str, str], dict[int, bytes]] = {}
        """The frames that are kept of orders, by revision."""
        self.became: dict[int, int] = {}
        """Members that became another, and which."""

    def take(self, document: Awarded, was: AsItWas) -> Outcome:
        """Judge a document at the time when its entry was recorded, with as much left of budgets as there was by the
        programs that stand; one that came out in its frame alone stands as it is.
        """
        claim, outcome = self._judge(document, was.moved, in_frame=was.in_frame)
        self._keep(document, claim, outcome)
        return outcome

    def take_as_it_was(self, document: Awarded) -> AsItWas:
        """The same by the programs that stand, so that what the ledger has comes out. Raises `Refused` where it does
        not.
        """
        moved = moved_since(document, self.programs, self._of(document), self.budgets)
        claim, outcome = self._judge(document, moved)
        in_frame = self._persons is not NOBODY_KNOWN and self._applies_otherwise(document, outcome)
        if in_frame:
            claim, outcome = self._judge(document, moved, in_frame=True)
        _check_replayed(document, outcome, self.programs)
        self._keep(document, claim, outcome)
        return AsItWas(outcome, moved, in_frame)

    def join(self, merger: Entry) -> None:
        """Make two members one, as the entry of the one that goes on says. What the other still has set aside is let go
        of: the ledger joined them, so what let it go is not among the documents judged.
        """
        ends, goes_on, now = merge_details(merger.details or b"{}").of, merger.member, merger.recorded_at
        assert ends is not None, "it is the entry of the one that goes on"
        members = {number: self._member(number, number) for number in (ends, goes_on)}
        had = program_state_of(members[ends])
        if had.holds:
            members[ends] = msgspec.structs.replace(
                members[ends], state=msgspec.structs.replace(had, holds=()).encode()
            )
        claim = Claim(
            now=now,
            program_version=self.programs.current.version,
            items=[by_clock(ends, now), by_clock(goes_on, now)],
            overdue=[],
            awards={},
            orders={},
            waiting={},
            members=members,
            redemptions={},
        )
        outcome = join(claim, self.programs)
        gone, stays = claim.members[ends].totals, claim.members[goes_on]
        totals = Balance(
            stays.totals.balance + gone.balance, stays.totals.earned + gone.earned, stays.totals.score + gone.score
        )
        state = outcome.states.get(goes_on, stays.state)
        self.members[goes_on] = msgspec.structs.replace(stays, totals=totals, state=state)
        self.members[ends] = _NEW
        self.became[ends] = goes_on

    def _judge(self, document: Awarded, moved: Mapping[str, int], *, in_frame: bool = False) -> tuple[Claim, Outcome]:
        item = self._item(document)
        claim = Claim(
            now=document.entry.recorded_at,
            program_version=self.programs.current.version,
            items=[item],
            overdue=[],
            awards={},
            orders={},
            waiting={},
            members={document.entry.member: self._of(document)},
            redemptions={},
            budgets=self.budgets | {name: self.budgets.get(name, 0) - more for name, more in moved.items()},
        )
        if item.order_key is not None and item.kind is not DocumentKind.ORDER and item.order_key in self.awards:
            award = self.awards[item.order_key]
            claim.awards[item.order_key] = msgspec.structs.replace(award, member=self._now(award.member))
        if item.kind is DocumentKind.RESTORATION:
            key = item.source, item.id.split("\n")[0]
            if key in self.redemptions:
                spent = self.redemptions[key]
                claim.redemptions[key] = msgspec.structs.replace(spent, member=self._now(spent.member))
        outcome = (
            self._traced(document, item)
            or self._framed(document, claim, in_frame=in_frame)
            or decide(claim, self.programs)
        )
        revision = _revision_of(document)
        if item.kind is DocumentKind.ORDER and revision is not None:  # it was changed before it was awarded
            outcome.awards = {key: changed_award(award, revision) for key, award in outcome.awards.items()}
        return claim, outcome

    def _trace_of(self, document: Awarded) -> bytes | None:
        return b"{}" if self._is_trace(document) else None

    def _traced(self, document: Awarded, item: Item) -> Outcome | None:
        """What a change leads to that its order was awarded by: a trace, for the order's content is the changed one."""
        revision = _revision_of(document)
        if item.order_key is None or revision is None or not self._is_trace(document):
            return None
        award = self.awards[item.order_key]
        return Outcome(postings=[changed_before(item, revision, award)])

    def _is_trace(self, document: Awarded) -> bool:
        award, revision = self.awards.get((document.source, document.entry.order_id or "")), _revision_of(document)
        if document.kind is not DocumentKind.AMENDMENT or award is None or revision is None:
            return False
        return revision <= read_refunds(award.refunded).revision

    def _framed(self, document: Awarded, claim: Claim, *, in_frame: bool) -> Outcome | None:
        """What an order, or a change of it, earned of which no more is kept than the frame that it was awarded in, or
        that is to stand as it is; None where that is not known. Where every version is simple a change is judged by
        what its frame says it said.
        """
        frame = self._frame_of(document)
        if frame is None or not (in_frame or document.content is None):
            return None
        is_change = document.kind is DocumentKind.AMENDMENT
        if is_change and (self.programs.simple or not claim.awards):  # or by a new program its order is not awarded
            outcome = decide(claim, self.programs)
        else:
            outcome = decide_again(claim, self.programs, Frame.decode(frame))
        for key, award in outcome.awards.items():  # by a simple version none was made again, or one without lines
            outcome.awards[key] = msgspec.structs.replace(award, frame=frame)
        return outcome

    def _frame_of(self, document: Awarded) -> bytes | None:
        """The frame that an order, or a change of it, was awarded in, where its entry vouches for it."""
        is_change = document.kind is DocumentKind.AMENDMENT
        if not is_change and document.kind is not DocumentKind.ORDER:
            return None
        frames = self._frames.get((document.source, document.entry.order_id or ""), {})
        frame = frames.get(_revision_of(document) or 0)
        details = document.entry.details if not is_change else document.anew and document.anew[2]
        said = Details.decode(details or None).frame
        return None if frame is not None and said is not None and said != digest(frame) else frame

    def _applies_otherwise(self, document: Awarded, outcome: Outcome) -> bool:
        """Whether other bonuses would apply to an order now than in the frame that it was awarded in."""
        award = outcome.awards.get((document.source, document.entry.order_id or ""))
        frame = self._frame_of(document)
        return award is not None and None not in {award.frame, frame} and _applied(award.frame) != _applied(frame)

    def _keep(self, document: Awarded, claim: Claim, outcome: Outcome) -> None:
        whose, before = document.entry.member, self._of(document)
        after = claim.members[whose]
        orders, last = before.orders, before.last_order_at
        for key, award in outcome.awards.items():
            known = self.awards.get(key)
            orders += _counts(award) - (known is not None and _counts(known))
            last = award.board_at if last is None else max(last, award.board_at)
            self.awards[key] = award
        self.members[whose] = MemberState(
            totals=after.totals,
            state=outcome.states.get(whose, before.state),
            attributes=before.attributes,
            enrolled_at=before.enrolled_at,
            draw=before.draw,
            orders=orders,
            last_order_at=last,
        )
        if document.kind in {DocumentKind.REDEMPTION, DocumentKind.CAPTURE} and outcome.postings:
            id = document.id if document.kind is DocumentKind.REDEMPTION else f"hold:{document.id}"
            spent = RedemptionState(member=whose, points=-outcome.postings[0].points, restored=0)
            self.redemptions[document.source, id] = spent
        self.redemptions.update(outcome.redemptions)
        for name, used in outcome.budgets.items():
            self.budgets[name] = self.budgets.get(name, 0) + used
        for onward in outcome.onward:
            self._given[onward.source, onward.id] = onward

    def _of(self, document: Awarded) -> MemberState:
        """Whom a document was of when it was recorded."""
        return self._member(document.entry.member, document.member)

    def _member(self, number: int, whose: int) -> MemberState:
        """A member; `whose` it is now. What the shop said of one that became another is that one's."""
        found = self.members.get(number) or self._persons.get(number, _NEW)
        if whose == number:
            return found
        return msgspec.structs.replace(found, attributes=self._persons.get(whose, _NEW).attributes)

    def _now(self, number: int) -> int:
        """Who a member is by now."""
        while number in self.became:
            number = self.became[number]
        return number

    def _rebuilt(self, document: Awarded) -> bytes:
        award = self.awards.get(order_refunded(document) or ("", ""))
        return rebuilt(document, self._refunds, by_line=award is not None and award.frame is not None)

    def _changed(self, document: Awarded) -> bytes | None:
        """What a change of an order said, by the frame that it led to."""
        frame, revision = self._frame_of(document), _revision_of(document)
        if document.kind is not DocumentKind.AMENDMENT or frame is None or revision is None:
            return None
        return changed_again(document, revision, Frame.decode(frame))

    def _note_kept(self, order: Awarded) -> None:
        """Take note of what is kept of an order beside its documents."""
        refunds, key = read_refunds(order.refunded), (order.source, order.id)
        if order.content is None and order.refunded is not None:
            self._refunds[key] = refunds
        if order.frame is not None:
            frames = self._frames[key] = {each.revision: each.frame for each in refunds.earlier}
            frames[refunds.revision] = order.frame

    def _item(self, document: Awarded) -> Item:
        content = document.content
        if document.kind is DocumentKind.ORDER:
            self._note_kept(document)
        if document.kind is DocumentKind.GIVEN:
            given = self._given.get((document.source, document.id))
            if given is None:
                raise Refused(f"the other side of the transfer {document.id} did not come about")
            content = given.content
        if order_refunded(document) in self._refunds:  # it may name lines that are not known any more
            content = self._rebuilt(document)
        if content is None:
            content = self._trace_of(document) or self._changed(document) or self._rebuilt(document)
        order_id, key = document.entry.order_id, None
        if order_id is not None:
            key = _order_source(document, content), order_id
        return Item(
            sequence=1,
            kind=document.kind,
            source=document.source,
            id=document.id,
            member=document.entry.member,
            order_key=key,
            accepted_at=document.accepted_at,
            content=content,
        )


def _revision_of(document: Awarded) -> int | None:
    if document.kind not in {DocumentKind.ORDER, DocumentKind.AMENDMENT}:
        return None
    return Details.decode(document.entry.details).amended


def _applied(frame: bytes | None) -> list[Bonus]:
    """The bonuses of a frame, whatever was left of them."""
    bonuses = () if frame is None else Frame.decode(frame).bonuses
    return [msgspec.structs.replace(bonus, room=None) for bonus in bonuses]


def _counts(award: Award) -> int:
    return int(award.amount > 0 and award.left > 0)


def _check_replayed(document: Awarded, outcome: Outcome, programs: Programs) -> None:
    """Raise `Refused` where a document does not lead, by some programs, to what the ledger has."""
    entry = document.entry
    if not outcome.postings or (outcome.postings[0].kind, outcome.postings[0].points) != (entry.kind, entry.points):
        got = outcome.postings[0].points if outcome.postings else [each.reason for each in outcome.quarantined]
        changed = ". What the shop says of members may have changed" if asks_people(programs) else ""
        changed = changed if document.content is not None else ". What it said is not kept any more"
        raise Refused(
            f"the {document.kind} {document.source}/{document.id} gives {got} and not the {entry.points} points that "
            f"the ledger has (entry {entry.loyalty_id}): nothing can be told of it{changed}"
        )


class _OrderSource(msgspec.Struct):
    order_source: str | None = None


_order_source_of = msgspec.json.Decoder(_OrderSource)


def _order_source(document: Awarded, content: bytes) -> str:
    if document.kind in _NAMES_ORDER:
        return _order_source_of.decode(content).order_source or document.source
    return document.source
