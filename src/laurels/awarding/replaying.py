"""A ledger's documents judged once more, in memory: by the programs that stand, or by others. Nothing is written."""

from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from types import MappingProxyType

import msgspec

from laurels.awarding.budget_turns import NOTHING_ELSE, used_besides
from laurels.awarding.decide import decide, decide_again
from laurels.awarding.postings import changed_award, changed_before
from laurels.awarding.programs import Programs
from laurels.awarding.rebuilt import changed_again, order_refunded, rebuilt
from laurels.awarding.refunds import Refunds, read_refunds
from laurels.errors import Refused
from laurels.ledger import Award, Awarded, Claim, Item, MemberState, Onward, Outcome, RedemptionState, Upkeep
from laurels.model import DocumentKind
from laurels.model.details import Details
from laurels.program import Frame
from laurels.program.evaluate import digest

NOBODY_KNOWN: Mapping[int, MemberState] = MappingProxyType({})

_NAMES_ORDER = frozenset({DocumentKind.REFUND, DocumentKind.CANCELLATION, DocumentKind.AMENDMENT})


async def read_persons(ledger: Upkeep, *judging: Programs) -> Mapping[int, MemberState]:
    """What campaigns may ask of members, where a version among these does; as it is now, for no earlier state of it is
    kept. Memory: by members.
    """
    if not any(_asks_people(programs) for programs in judging):
        return NOBODY_KNOWN
    return {number: person async for chunk in ledger.persons() for number, person in chunk}


async def in_order(ledger: Upkeep) -> AsyncIterator[Awarded]:
    """Every document that was awarded, in an order in which each can be judged: that of recording, but what a transfer
    gives comes behind the transfer. Two shards may have written both at one instant, or by clocks that differ; then
    what is of the member who receives waits. Memory: by transfers.
    """
    transfers = _Transfers()
    async for chunk in ledger.awarded():
        for document in chunk:
            for each in transfers.pass_on(document):
                yield each
    for each in transfers.left():
        yield each


class _Transfers:
    """Keeps back what comes before its transfer, and whatever follows it of the same member."""

    def __init__(self) -> None:
        self._come: set[tuple[str, str]] = set()
        self._held: dict[int, deque[Awarded]] = {}

    def pass_on(self, document: Awarded) -> Iterator[Awarded]:
        """What can be judged now that a document has come."""
        if document.member in self._held or self._is_early(document):
            self._held.setdefault(document.member, deque()).append(document)
            return
        yield document
        if document.kind is DocumentKind.TRANSFER:
            self._come.add((document.source, document.id))
            yield from self._let_go()

    def left(self) -> Iterator[Awarded]:
        """What is still kept back at the end: its transfer is not there, or waits itself."""
        for held in self._held.values():
            yield from held

    def _let_go(self) -> Iterator[Awarded]:
        for member in [member for member, held in self._held.items() if not self._is_early(held[0])]:
            for document in self._held.pop(member, ()):
                yield from self.pass_on(document)

    def _is_early(self, document: Awarded) -> bool:
        return document.kind is DocumentKind.GIVEN and (document.source, document.id) not in self._come


def _asks_people(programs: Programs) -> bool:
    return any(program.plan.asks_people for program in programs.published.values())


class Replay:
    """Members and orders as they come to be under some programs. Memory: by members and orders."""

    def __init__(self, programs: Programs, persons: Mapping[int, MemberState] = NOBODY_KNOWN) -> None:
        """`persons` is what campaigns may ask of members (`read_persons`); of one that is not in it, nothing."""
        self.programs = programs
        self._persons = persons
        self.members: dict[int, MemberState] = {}
        self.awards: dict[tuple[str, str], Award] = {}
        self._redemptions: dict[tuple[str, str], RedemptionState] = {}
        self._budgets: dict[str, int] = {}
        self._given: dict[tuple[str, str], Onward] = {}
        self._refunds: dict[tuple[str, str], Refunds] = {}
        self._frames: dict[tuple[str, str], bytes] = {}
        """Of orders whose content is not kept: their refunds, and the frames that they have in the end."""

    def take(self, document: Awarded, besides: Mapping[str, int] = NOTHING_ELSE) -> Outcome:
        """Judge a document at the time when its entry was recorded. `besides` is what was used of budgets then beside
        what is counted here, in grains.
        """
        claim, outcome = self._judge(document, besides)
        self._keep(document, claim, outcome)
        return outcome

    def take_as_it_was(self, document: Awarded) -> tuple[Outcome, Mapping[str, int]]:
        """The same by the programs that stand, so that what the ledger has comes out; and what was used of budgets
        besides. Raises `Refused` where it does not come out.
        """
        claim, outcome = self._judge(document, NOTHING_ELSE)
        besides = NOTHING_ELSE
        entry, kind = document.entry, document.kind
        if kind is DocumentKind.ORDER and outcome.postings and entry.program_version in self.programs.published:
            program = self.programs.version(entry.program_version)
            besides = used_besides(entry, outcome.postings[0].details, program, self._budgets)
            if besides:
                claim, outcome = self._judge(document, besides)
        _check_replayed(document, outcome, self.programs)
        self._keep(document, claim, outcome)
        return outcome, besides

    def _judge(self, document: Awarded, besides: Mapping[str, int]) -> tuple[Claim, Outcome]:
        item = self._item(document)
        budgets = dict(self._budgets)
        for name, used in besides.items():
            budgets[name] = budgets.get(name, 0) + used
        claim = Claim(
            now=document.entry.recorded_at,
            program_version=self.programs.current.version,
            items=[item],
            overdue=[],
            awards={},
            orders={},
            waiting={},
            members={document.member: self._member(document.member)},
            redemptions={},
            budgets=budgets,
        )
        if item.order_key is not None and item.kind is not DocumentKind.ORDER and item.order_key in self.awards:
            claim.awards[item.order_key] = self.awards[item.order_key]
        if item.kind is DocumentKind.RESTORATION:
            key = item.source, item.id.split("\n")[0]
            if key in self._redemptions:
                claim.redemptions[key] = self._redemptions[key]
        outcome = self._traced(document, item) or self._framed(document, claim) or decide(claim, self.programs)
        revision = _revision_of(document)
        if item.kind is DocumentKind.ORDER and revision is not None:  # it was changed before it was awarded
            outcome.awards = {key: changed_award(award, revision) for key, award in outcome.awards.items()}
        if document.kind is DocumentKind.AMENDMENT and document.content is None and item.order_key in self._frames:
            frame = self._frames[item.order_key]
            outcome.awards = {key: msgspec.structs.replace(each, frame=frame) for key, each in outcome.awards.items()}
        return claim, outcome

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

    def _framed(self, document: Awarded, claim: Claim) -> Outcome | None:
        """What an order earned of which no more is kept than the frame that it was awarded in; None where that is not
        the one any more that its entry vouches for.
        """
        if document.frame is None:
            return None
        said, revision = Details.decode(document.entry.details), read_refunds(document.refunded).revision
        if said.frame != digest(document.frame) if said.frame is not None else revision != (said.amended or 0):
            return None
        return decide_again(claim, self.programs, Frame.decode(document.frame))

    def _changed_last(self, document: Awarded) -> bytes | None:
        """What an amendment said after which its order was not changed any more, where every version is simple: there
        its total is enough.
        """
        key, revision = (document.source, document.entry.order_id or ""), _revision_of(document)
        is_last = key in self._frames and self._refunds[key].revision == revision
        if document.kind is not DocumentKind.AMENDMENT or revision is None or not is_last or not self.programs.simple:
            return None
        return changed_again(document, revision, Frame.decode(self._frames[key]))

    def _keep(self, document: Awarded, claim: Claim, outcome: Outcome) -> None:
        before = self._member(document.member)
        after = claim.members[document.member]
        orders, last = before.orders, before.last_order_at
        for key, award in outcome.awards.items():
            known = self.awards.get(key)
            orders += _counts(award) - (known is not None and _counts(known))
            last = award.board_at if last is None else max(last, award.board_at)
            self.awards[key] = award
        self.members[document.member] = MemberState(
            totals=after.totals,
            state=outcome.states.get(document.member, before.state),
            attributes=before.attributes,
            enrolled_at=before.enrolled_at,
            draw=before.draw,
            orders=orders,
            last_order_at=last,
        )
        if document.kind in {DocumentKind.REDEMPTION, DocumentKind.CAPTURE} and outcome.postings:
            id = document.id if document.kind is DocumentKind.REDEMPTION else f"hold:{document.id}"
            spent = RedemptionState(member=document.member, points=-outcome.postings[0].points, restored=0)
            self._redemptions[document.source, id] = spent
        self._redemptions.update(outcome.redemptions)
        for name, used in outcome.budgets.items():
            self._budgets[name] = self._budgets.get(name, 0) + used
        for onward in outcome.onward:
            self._given[onward.source, onward.id] = onward

    def _member(self, number: int) -> MemberState:
        return self.members.get(number) or self._persons.get(number) or MemberState()

    def _item(self, document: Awarded) -> Item:
        content = document.content
        if document.kind is DocumentKind.GIVEN:
            given = self._given.get((document.source, document.id))
            if given is None:
                raise Refused(f"the other side of the transfer {document.id} did not come about")
            content = given.content
        if order_refunded(document) in self._refunds:  # it may name lines that are not known any more
            content = rebuilt(document, self._refunds, self._frames)
        if content is None:
            if document.refunded is not None:
                self._refunds[document.source, document.id] = read_refunds(document.refunded)
            if document.refunded is not None and document.frame is not None:
                self._frames[document.source, document.id] = document.frame
            trace = b"{}" if self._is_trace(document) else None
            content = trace or self._changed_last(document) or rebuilt(document, self._refunds, self._frames)
        order_id, key = document.entry.order_id, None
        if order_id is not None:
            key = _order_source(document, content), order_id
        return Item(
            sequence=1,
            kind=document.kind,
            source=document.source,
            id=document.id,
            member=document.member,
            order_key=key,
            accepted_at=document.accepted_at,
            content=content,
        )


def _revision_of(document: Awarded) -> int | None:
    if document.kind not in {DocumentKind.ORDER, DocumentKind.AMENDMENT}:
        return None
    return Details.decode(document.entry.details).amended


def _counts(award: Award) -> int:
    return int(award.amount > 0 and award.left > 0)


def _check_replayed(document: Awarded, outcome: Outcome, programs: Programs) -> None:
    """Raise `Refused` where a document does not lead, by some programs, to what the ledger has."""
    entry = document.entry
    if not outcome.postings or (outcome.postings[0].kind, outcome.postings[0].points) != (entry.kind, entry.points):
        got = outcome.postings[0].points if outcome.postings else [each.reason for each in outcome.quarantined]
        changed = ". What the shop says of members may have changed" if _asks_people(programs) else ""
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
