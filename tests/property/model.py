"""A small twin of the system, written from the specification alone: no I/O, no import from Laurels, nothing remembered
that could be worked out again.

The feed is one list of events, each in its member's shard. Balances, standings and dashboards are computed from it anew
each time, for the whole feed or for the first `upto` events of each shard, so the machine can also judge a board that
lags behind.
"""

from collections import Counter
from collections.abc import Callable
from typing import Literal

from tests.property.model_nouns import DAY, BoardPlace, Document, Event, Program, Totals, Upto, boards_of, totals_of

MAX_POINTS = 2**31 - 1

Answer = Literal["new", "repeat", "conflict", "refused"]


class Model:
    """The whole system. Every method does at once what the specification says, in the order it says it.

    `shard_of` gives the shard that a member's id is in, of so many `shards`.
    """

    def __init__(
        self, program: Program, now: int, shards: int = 1, shard_of: Callable[[str, int], int] = lambda _, __: 0
    ) -> None:
        self.now = now
        self.shards = shards
        self._of_id = shard_of
        self.feed: list[Event] = []
        self.ids: dict[str, int] = {}
        self.enrolled: list[str] = []
        self.hidden: set[int] = set()
        self.documents: dict[tuple[str, str, str], Document] = {}
        self.settled: dict[tuple[str, str, str], tuple[str, int]] = {}
        self.settled_by: dict[tuple[str, str, str], int] = {}
        self.joined: set[int] = set()
        self.erased: set[int] = set()
        self.programs: list[tuple[int, Program]] = [(-1, program)]

    @property
    def published(self) -> set[int]:
        """The versions that were published."""
        return {program.version for _, program in self.programs}

    def publish(self, program: Program) -> bool:
        """Put a version in force from now on; False where it is refused, being behind the last one."""
        if program.version in self.published:
            return True
        from_at, last = self.programs[-1]
        if program.version < last.version or self.now <= from_at:
            return False
        self.programs.append((self.now, program))
        return True

    def program_at(self, at: int) -> Program:
        """The version in force at an instant; the first one was it from ever."""
        return [program for from_at, program in self.programs if from_at <= at or from_at == -1][-1]

    def enrol(self, member_id: str) -> bool:
        """True for a new member, whom the feed hears of at once, as of one who was accepted and earned nothing yet."""
        is_new = self.number_of(member_id)
        self.join(self.ids[member_id])
        return is_new

    def join(self, number: int) -> None:
        """Before anything else of a member, the feed has its enrolment."""
        if number not in self.joined:
            self.joined.add(number)
            self._write(Event("enrol", number, board_at=self.now, recorded_at=self.now))

    def _write(self, event: Event) -> Event:
        """Append to the feed of the member's shard."""
        self.feed.append(event._replace(shard=self.shard_of(event.member)))
        return self.feed[-1]

    def shard_of(self, member: int) -> int:
        """The shard of a member by its number."""
        return self._of_id(self.enrolled[member], self.shards)

    def number_of(self, member_id: str) -> bool:
        """Give a new member a number; True for one. Refunds that named the id before it was known are this member's."""
        if member_id in self.ids:
            return False
        number = self.ids[member_id] = len(self.enrolled)
        self.enrolled.append(member_id)
        for document in self.documents.values():
            if document.member is None and document.member_id == member_id and not document.forgotten:
                document.member = number
        return True

    def change(self, member_id: str, event: str) -> bool:
        """Hide, show, rename or erase; False for an unknown member. What is so already changes nothing."""
        number = self.ids.get(member_id)
        if number is None:
            return event == "erase" and self._forget_strangers(member_id)
        if (event, number in self.hidden) in {("hide", True), ("show", False)}:
            return True
        self.join(number)
        self._write(Event(event, number, board_at=self.now, recorded_at=self.now))
        if event == "hide":
            self.hidden.add(number)
        elif event == "show":
            self.hidden.remove(number)
        elif event == "erase":
            del self.ids[member_id]
            self.erased.add(number)
            for document in self.documents.values():
                if document.member_id == member_id:
                    document.raw, document.forgotten = b"", True
        return True

    def _forget_strangers(self, member_id: str) -> bool:
        """What came for an id that is nobody's cannot be known again; whether there was any."""
        strangers = [each for each in self.documents.values() if each.member is None and not each.forgotten]
        strangers = [each for each in strangers if each.member_id == member_id]
        for document in strangers:
            document.raw, document.forgotten = b"", True
        return bool(strangers)

    def accept(self, document: Document) -> Answer:
        """Write an order or a refund to the inbox. A refund that names its order enrols nobody."""
        first = self.documents.setdefault(document.key, document)
        if first is not document:
            return "repeat" if first.content == document.content or first.member in self.erased else "conflict"
        if document.order_id is None:
            self.number_of(document.member_id)
        document.member, document.accepted_at = self.ids.get(document.member_id), self.now
        order = self.documents.get(("order", document.source, document.order_id or ""))
        if order is not None and order.member in self.erased:
            document.member, document.raw, document.forgotten = order.member, b"", True
        return "new"

    def settle(self, kind: str, source: str, id: str, member_id: str, points: int) -> Answer:
        """An adjustment (signed points, enrols) or a redemption (points to spend); refused leaves no trace."""
        content = (member_id, points)
        if (kind, source, id) in self.settled:
            same = self.settled[kind, source, id] == content
            return "repeat" if same or self.settled_by[kind, source, id] in self.erased else "conflict"
        known = self.ids.get(member_id)
        balance = 0 if known is None else self.totals(known).balance
        change = points if kind == "adjust" else -points
        if (kind == "redeem" and balance < points) or not self._fits(kind, known, change):
            return "refused"
        self.enrol(member_id)
        self._write(Event(kind, self.ids[member_id], change, source, board_at=self.now, recorded_at=self.now))
        self.settled[kind, source, id] = content
        self.settled_by[kind, source, id] = self.ids[member_id]
        return "new"

    def award(self, limit: int) -> int:
        """Take up to `limit` documents of each shard in order of acceptance; refunds that have waited for more than 30
        days by then, as many and the oldest first, go to quarantine unless their order has just come. Gives how many
        were taken.
        """
        return sum(self._award_in(shard, limit) for shard in range(self.shards))

    def _award_in(self, shard: int, limit: int) -> int:
        waiting = sorted(self._with_status("waiting"), key=lambda refund: refund.waiting_since)
        overdue = [refund for refund in waiting if self.now - refund.waiting_since > 30 * DAY]
        overdue = [refund for refund in overdue if self._lies_in(refund) == shard][:limit]
        taken = [document for document in self.inbox() if self._lies_in(document) == shard][:limit]
        for document in taken:
            if document.kind == "order":
                self._award_order(document)
            elif document.order_id is None:
                self._award_unlinked(document)
            else:
                self._award_refund(document)
        for refund in overdue:
            if refund.status == "waiting":
                refund.status = "quarantined"
        return len(taken) + len(overdue)

    def _lies_in(self, document: Document) -> int:
        """The shard of the member whose it is, or will be."""
        if document.member is None:
            return self._of_id(document.member_id, self.shards)
        return self.shard_of(document.member)

    def inbox(self) -> list[Document]:
        """What is accepted and not yet taken, in order of acceptance."""
        return self._with_status("accepted")

    def quarantine(self) -> list[Document]:
        """What an operator has to decide about, in order of acceptance."""
        return [document for document in self._with_status("quarantined") if not document.dropped]

    def retry(self, document: Document) -> None:
        """Back to its place in the inbox."""
        document.status = "accepted"

    def drop(self, document: Document) -> None:
        """Given up for good; the id stays used."""
        document.dropped, document.raw = True, b""

    def _with_status(self, status: str) -> list[Document]:
        return [document for document in self.documents.values() if document.status == status]

    def _award_order(self, order: Document) -> None:
        program = self.program_at(order.board_at)
        waiting = [
            refund
            for refund in self._with_status("waiting")
            if (refund.source, refund.order_id) == (order.source, order.id)
            and self._lies_in(refund) == self._lies_in(order)
        ]
        if order.currency not in program.per:
            order.status = "quarantined"
        elif self._post("earn", order, program.earns(order.amount, order.currency), program, order):
            order.program, order.left = program, order.amount
        for refund in waiting:  # of another member it is wrong, whatever becomes of the order
            if order.status == "awarded" or refund.member != order.member:
                self._award_refund(refund)

    def _award_refund(self, refund: Document) -> None:
        order = self.documents.get(("order", refund.source, refund.order_id or ""))
        if order is not None and order.member != refund.member:
            refund.status = "quarantined"
        elif order is None or order.program is None:
            refund.status, refund.waiting_since = "waiting", self.now
        elif refund.currency != order.currency:
            refund.status = "quarantined"
        else:
            covered, earns = min(order.left, refund.amount), order.program.earns
            points = earns(order.left, order.currency) - earns(order.left - covered, order.currency)
            if covered and not self._post("reverse", refund, -points, order.program, order):
                return
            order.left -= covered
            if covered < refund.amount:
                self._post("reverse", refund, 0, order.program, order)

    def _award_unlinked(self, refund: Document) -> None:
        program = self.program_at(refund.board_at)
        if refund.currency not in program.per:
            refund.status = "quarantined"
        else:
            points = program.earns(refund.amount, refund.currency)
            self._post("reverse", refund, -points, program, refund)

    def _post(self, kind: str, of: Document, points: int, program: Program, dated: Document) -> bool:
        """Write an entry, or quarantine a document that would take the member's totals out of range."""
        assert of.member is not None
        if not self._fits(kind, of.member, points):
            of.status = "quarantined"
            return False
        self.join(of.member)
        order_id, refund_id = (of.id, None) if of.kind == "order" else (of.order_id, of.id)
        event = Event(
            kind, of.member, points, of.source, order_id, refund_id, program.version, dated.board_at, self.now
        )
        of.events.append(self._write(event))
        of.status = "awarded"
        return True

    def _fits(self, kind: str, member: int | None, points: int) -> bool:
        events = [event for event in self.feed if event.member == member]
        return all(abs(total) <= MAX_POINTS for total in totals_of([*events, Event(kind, 0, points)]))

    @property
    def positions(self) -> dict[int, int]:
        """How many events there are in each shard."""
        written = Counter(event.shard for event in self.feed)
        return {shard: written[shard] for shard in range(self.shards)}

    def events(self, upto: Upto) -> list[Event]:
        """The first so many of each shard."""
        if upto is None:
            return self.feed
        left = Counter(upto)
        seen = []
        for event in self.feed:
            if left[event.shard] > 0:
                left[event.shard] -= 1
                seen.append(event)
        return seen

    def erasures(self, upto: Upto = None) -> set[int]:
        """Members that were erased by then."""
        return {event.member for event in self.events(upto) if event.kind == "erase"}

    def number(self, member_id: str, upto: Upto = None) -> int | None:
        """Who bears an id, if that was enrolled by then."""
        enrolled = {event.member for event in self.events(upto) if event.kind == "enrol"}
        return self.ids[member_id] if self.ids.get(member_id) in enrolled else None

    def totals(self, member: int) -> Totals:
        """Balance, earned and score: each the sum of its entries."""
        return totals_of(event for event in self.feed if event.member == member)

    def score(self, board: str, member: int, upto: Upto = None) -> int:
        """A member's points on a board."""
        events = [event for event in self.events(upto) if event.member == member]
        return totals_of(event for event in events if board in boards_of(event)).score

    def unranked(self, upto: Upto = None) -> set[int]:
        """Members that are hidden or erased."""
        out: set[int] = set()
        for event in self.events(upto):
            if event.kind in {"hide", "erase"}:
                out.add(event.member)
            elif event.kind == "show":
                out.discard(event.member)
        return out

    def standings(self, board: str, upto: Upto = None) -> list[BoardPlace]:
        """The board in order."""
        out = self.unranked(upto)
        scores = {member: self.score(board, member, upto) for member in range(len(self.enrolled)) if member not in out}
        ranked = sorted((-points, member) for member, points in scores.items() if points >= 1)
        points = [-negative for negative, _ in ranked]
        return [
            BoardPlace(member, mine, 1 + sum(other > mine for other in points), position, points.count(mine))
            for position, ((_, member), mine) in enumerate(zip(ranked, points, strict=True), 1)
        ]
