"""What a ledger that moves here becomes: rows of this engine's tables, in one order that is always the same."""

from array import array
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from laurels.engines.postgres.chain import Chain
from laurels.engines.postgres.codes import DOCUMENT, SHARDS, home_of, parted, place_of
from laurels.ledger import shard_of
from laurels.ledger.chain import FORMAT
from laurels.ledger.moving import REST, Leaving, LeavingDocument, LeavingEntry, ShardPosition, with_was
from laurels.model import DocumentKind, EntryKind
from laurels.model.entries import MOVES_POINTS, WORDED_BY_PEOPLE

RowGroup = list[tuple[str, tuple[Any, ...]]]
"""Rows that belong together, each with its table."""

COLUMNS = {
    "entry": "shard format position previous kind member points currency amount source order_id refund_id "
    "program_version name_number actor occurred_at board_at recorded_at hash details",
    "was": "old_shard old_position shard position format reason",
    "remark": "shard position reason note",
    "content": "shard position content",
    "member_event": "shard member position",
    "member": "shard number name_number merged_into merged_shard hidden enrolled_at position member_id secret",
    "name": "name_number member",
    "merged": "stays gone gone_shard",
    "balance": "shard member balance earned score month month_score before_score state last_position",
    "document": "home kind shard member_shard member sequence accepted_at fingerprint source id",
    "aside": "shard sequence accepted_at ready_at member kind source id order_source order_id actor stranger content "
    "raw state reason changed_at",
    "award": "shard sequence position amount left_amount board_at member points reversed program_version currency "
    "frame refunded places",
    "program": "version text published_at from_at actor",
    "draft": "digest version text submitted_by submitted_at approved_by approved_at",
    "program_event": "position at actor act version digest rehearsal content hash",
    "contact": "member email",
    "attribute": "member content",
    "closed_month": "shard month member score",
    "milestone": "member name points reached_at quiet place",
    "message": "shard id member milestone points state created_at due_at attempts note",
    "due": "shard at member what",
    "budget": "name used",
    "intent": "source order_id fingerprint state member_id member content total currency method begun_at "
    "reference reason",
    "follower": "target shard position hash",
    "audit": "position at sub name roles action member object outcome request_id hash",
    "redemption": "shard position sequence source id",
}

_STATES = {"waiting": b"w", "quarantined": b"q", "dropped": b"d"}
_NO_ORDER = (None,) * 5
_OF_SHARDS = {"closed_months", "messages", "due"}
"""Parts whose rows begin with the shard of the member, which is what comes second in them."""

_TABLES = {
    "programs": "program",
    "drafts": "draft",
    "program_events": "program_event",
    "former_names": "name",
    "contacts": "contact",
    "attributes": "attribute",
    "closed_months": "closed_month",
    "messages": "message",
    "due": "due",
    "budgets": "budget",
    "intents": "intent",
    "audit": "audit",
}


class MovedRows:
    """Turns what leaves into rows. The parts have to be gone through in their order: each builds on those before."""

    def __init__(self, leaving: Leaving) -> None:
        self._leaving = leaving
        self._homes = array("b")
        self._became: dict[int, int] = {}
        self._erased: set[int] = set()
        self._chains = [Chain(shard, 0, b"", 0, 0) for shard in range(SHARDS)]
        self._places: dict[int, array[int]] = defaultdict(lambda: array("q", [0]))
        self._last: dict[int, int] = {}
        self._sent: dict[str, dict[int, int]] = defaultdict(dict)
        self._marks: dict[str, dict[int, tuple[int, bytes]]] = defaultdict(dict)
        self._beyond: set[tuple[str, int]] = set()

    def parts(self) -> Iterator[tuple[str, Iterator[RowGroup]]]:
        """Each part by its name, with its steps."""
        self._look()
        yield "entries", self._entries()
        yield "members", self._members()
        yield "documents", self._documents()
        for part in REST:
            yield part, self._rest(part)

    def _look(self) -> None:
        """Find the shard of every member, who became whom, who was erased, and what was sent to whom."""
        for member in self._leaving.members():
            self._homes.extend([0] * (member.number - len(self._homes)))  # numbers may have gaps
            its_id = member.member_id
            if its_id is None:
                self._erased.add(member.number)
            self._homes.append(member.number % SHARDS if its_id is None else shard_of(its_id, SHARDS))
            if member.merged_into is not None:
                self._became[member.number] = member.merged_into
        for target, shard, position in self._leaving.rest("followers"):
            self._sent[target][shard] = position

    def _entries(self) -> Iterator[RowGroup]:
        for entry in self._leaving.entries():
            kind, number = EntryKind(entry.columns[0]), entry.columns[1]
            chain = self._chains[self._homes[number]]
            previous = self._last.get(number, 0) if kind in MOVES_POINTS else 0
            position = _append(chain, entry, kind, previous)
            if kind in MOVES_POINTS:
                self._last[number] = position
            self._places[entry.at[0]].append(place_of(chain.shard, position))
            row, reason = chain.rows.pop(), entry.columns[8] if entry.format == 1 else ""
            self._follow(entry.at, chain.shard, position, row[-2])
            step: RowGroup = [
                ("entry", (chain.shard, FORMAT, *row)),
                ("was", (*entry.at, chain.shard, position, entry.format, reason)),
            ]
            is_words_of_erased = kind in WORDED_BY_PEOPLE and number in self._erased  # which version 0.1 kept for ever
            if (entry.reason or entry.note) and not is_words_of_erased:
                step.append(("remark", (chain.shard, position, entry.reason, entry.note)))
            if entry.content is not None:
                step.append(("content", (chain.shard, position, entry.content)))
            if chain.events:
                step.append(("member_event", (chain.shard, *chain.events.pop())))
            yield step

    def _follow(self, at: ShardPosition, shard: int, position: int, digest: bytes) -> None:
        """Each target goes on before the first entry that was not sent to it."""
        for target, sent in self._sent.items():
            if at[1] > sent.get(at[0], 0):
                self._beyond.add((target, shard))
            elif (target, shard) not in self._beyond:
                self._marks[target][shard] = position, digest

    def _members(self) -> Iterator[RowGroup]:
        for member in self._leaving.members():
            number, shard = member.number, self._homes[member.number]
            into = member.merged_into
            joined = None if member.joined_at is None else self._at(member.joined_at)[1]
            merged = (None, None) if into is None else (into, self._homes[into])
            flags = member.hidden, member.enrolled_at, joined
            step: RowGroup = [
                ("member", (shard, number, member.name_number, *merged, *flags, member.member_id, member.secret)),
                ("name", (member.name_number, number)),
            ]
            if into is not None:
                step.append(("merged", (into, number, shard)))
            if member.totals is not None:
                step.append(("balance", (shard, number, *member.totals, self._last.get(number, 0))))
            yield step

    def _documents(self) -> Iterator[RowGroup]:
        for document in self._leaving.documents():
            kind, number = DocumentKind(document.kind), document.member
            whose = None if number is None else self._became.get(number, number)
            if document.at is not None:
                shard, position = self._at(document.at)
                lies = ("award", (shard, document.sequence, position, *self._award(document)))
            else:
                assert document.lying is not None, "what is not awarded lies somewhere"
                shard = document.lying[1] % SHARDS if whose is None else self._homes[whose]
                lies = ("aside", _aside(document, DOCUMENT[kind], shard, whose))
            home = home_of(kind, document.source, document.id)
            own = None if number is None else self._homes[number]
            taken = document.sequence, document.accepted_at, document.fingerprint, document.source, document.id
            step: RowGroup = [("document", (home, DOCUMENT[kind], shard, own, number, *taken)), lies]
            if kind is DocumentKind.REDEMPTION and document.at is not None:
                step.append(("redemption", (*self._at(document.at), document.sequence, document.source, document.id)))
            yield step

    def _award(self, document: LeavingDocument) -> tuple[Any, ...]:
        """From `amount` on."""
        if document.order is not None:
            further = [place_of(*self._at(at)) for at in document.further]
            return (*document.order, further or None)
        restored, spent = document.spent or (0, None)
        return (*_NO_ORDER, restored, None, None, spent, None, None)

    def _rest(self, part: str) -> Iterator[RowGroup]:
        if part == "followers":
            for target, marks in sorted(self._marks.items()):
                for shard, mark in sorted(marks.items()):
                    yield [("follower", (target, shard, *mark))]
            return
        for row in self._leaving.rest(part):
            if part in _OF_SHARDS:
                yield [(_TABLES[part], (self._homes[row[1]], *row))]
            elif part == "milestones":
                place = None if row[5] is None else place_of(*self._at(parted(row[5])))
                yield [("milestone", (*row[:4], bool(row[4]), place))]
            else:
                yield [(_TABLES[part], row)]

    def _at(self, old: ShardPosition) -> ShardPosition:
        return parted(self._places[old[0]][old[1]])


def _append(chain: Chain, entry: LeavingEntry, kind: EntryKind, previous: int) -> int:
    _, number, points, currency, amount, source, order_id, refund_id, _, *rest = entry.columns
    program_version, name_number, actor, occurred_at, board_at, chain.now = rest
    return chain.append(
        kind,
        number,
        previous=previous,
        points=points,
        currency=currency,
        amount=amount,
        source=source,
        order_id=order_id,
        refund_id=refund_id,
        program_version=program_version,
        name_number=name_number,
        actor=actor,
        occurred_at=occurred_at,
        board_at=board_at,
        details=with_was(entry.details, entry.at, entry.hash),
    )


def _aside(document: LeavingDocument, letter: bytes, shard: int, whose: int | None) -> tuple[Any, ...]:
    assert document.lying is not None, "only what is not awarded lies aside"
    state, _, stranger, order_source, order_id, changed_at, reason, content, raw, actor = document.lying
    named = letter, document.source, document.id, order_source, order_id, actor, stranger, content, raw
    when = document.accepted_at, changed_at
    return (shard, document.sequence, *when, whose, *named, _STATES[state], reason, changed_at)
