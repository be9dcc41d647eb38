"""Documents of one shard that are settled in a transaction, each judged alone: one that is refused leaves nothing, and
its neighbours go in.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from laurels.engines.postgres.batch import Batch
from laurels.engines.postgres.batch_member import draw_of
from laurels.engines.postgres.claiming import claim_of
from laurels.engines.postgres.codes import DOCUMENT, SHARDS, home_of
from laurels.engines.postgres.entries import entries_at
from laurels.engines.postgres.known import KnownDocument, entries_of, other_end, receipt_of
from laurels.engines.postgres.names import Names
from laurels.engines.postgres.opening import Facts
from laurels.engines.postgres.placing import MemberLookup, Owner, newcomer, owner_of
from laurels.engines.postgres.statements import Row, Statements
from laurels.ledger import Claim, Decide, DocumentKey, Item, MemberState, Receipt, ended_otherwise, shard_of
from laurels.model import Document, Entry, Status
from laurels.model.documents import keyed

SettleAnswer = Receipt | Exception


class _Settled(NamedTuple):
    member: int
    sequence: int
    balance: int
    secret: bytes


class SettleJob(NamedTuple):
    """A document by its key, what judges it, and whether that asks for more than its member's points."""

    key: DocumentKey
    document: Document
    decide: Decide
    in_depth: bool


class SettledRows(NamedTuple):
    """What goes in with a group's entries: its documents, those who are enrolled by them, and their addresses."""

    documents: list[tuple[Any, ...]]
    members: list[tuple[Any, ...]]
    contacts: list[tuple[int, str]]


class SettleGroup:
    """Settles documents under the lock of a shard: `take_in` what was looked up, `judge`, write, `answers`."""

    def __init__(
        self, db: Statements, jobs: Sequence[SettleJob], batch: Batch, *, facts: Facts, names: Names, now: int
    ) -> None:
        self.batch = batch
        self.rows = SettledRows([], [], [])
        self._db = db
        self._jobs = jobs
        self._shard = batch.chain.shard
        self._facts = facts
        self._names = names
        self._now = now
        self._taken: dict[DocumentKey, tuple[Document, _Settled]] = {}
        self._meant: dict[str, Owner] = {}
        self._merged: set[str] = set()
        self._ids: dict[int, str] = {}
        self._known: dict[DocumentKey, KnownDocument] = {}
        self._ended: set[DocumentKey] = set()
        self._answered: list[SettleAnswer | int | DocumentKey] = []

    def take_in(self, members: Iterable[Row], known: Mapping[DocumentKey, KnownDocument]) -> None:
        """Know how members stand, by rows of `members_here`, and what was there before."""
        for *member, member_id, secret, into in members:
            if into is not None:
                self._merged.add(member_id)
            else:
                self.batch.take_in([member])
                self._ids[member[0]] = member_id
                self._meant[member_id] = Owner(member[0], self._shard, secret, member_id)
        self._known = {job.key: known[job.key] for job in self._jobs if job.key in known}
        self._ended = {job.key for job in self._jobs if other_end(job.key) in known}

    async def judge(self, numbers: Sequence[int]) -> None:
        """Judge all, in order, with a number for each document that is new."""
        new = {n: job for n, job in enumerate(self._jobs) if job.key not in self._known}
        places = await self._places(new)
        items = await self._items(new, places, numbers)
        in_depth = any(job.in_depth for job in self._jobs)
        claim = await claim_of(self._db, self.batch, [*items.values()], in_depth=in_depth)
        entries = await entries_of(self._db, self._known.values())
        await self.batch.load(self._db, {entry.member for entry in entries.values()})
        for n, job in enumerate(self._jobs):
            key, document = job.key, job.document
            answer: SettleAnswer | int | DocumentKey = key
            if key in self._known and self._is_elsewhere(self._known[key]):
                answer = self._known[key].shard
            elif key in self._known:
                receipt = receipt_of(self._known[key], document, self._facts.secret, entries)
                answer = self._with_balance(receipt)
            elif places[n].shard != self._shard:
                answer = places[n].shard
            elif key in self._ended or other_end(key) in self._taken:
                answer = ended_otherwise(document.kind)
            elif key not in self._taken:
                answer = self._judge(job, claim, items[n], places[n])
            self._answered.append(answer)

    async def _places(self, jobs: Mapping[int, SettleJob]) -> dict[int, Owner]:
        """Whose each is, by its place among the jobs: two may have one key, and say and name other things. Who became
        another, or came here so, was not looked up yet.
        """
        ids = {job.document.member_id for job in jobs.values()}
        strangers = {each for each in ids - self._meant.keys() if shard_of(each, SHARDS) != self._shard}
        lookup = MemberLookup()
        await lookup.look_up(self._db, strangers | self._merged)
        new: dict[str, Owner] = {}
        places = {}
        for n, job in jobs.items():
            document = job.document
            whose = self._meant.get(document.member_id) or lookup.get(document.member_id)
            if whose is None and document.enrols:
                whose = new.setdefault(document.member_id, newcomer(document.member_id))
            elif whose is None:
                stranger = keyed(self._facts.secret, document.member_id.encode())
                whose = await owner_of(self._db, document, self._facts.secret, stranger)
            places[n] = whose
        self._new = new
        return places

    async def _items(
        self, new: Mapping[int, SettleJob], places: Mapping[int, Owner], sequences: Sequence[int]
    ) -> dict[int, Item]:
        here = {n: job.document for n, job in new.items() if places[n].shard == self._shard}
        if not here:
            return {}
        await self._number_newcomers()
        items = {}
        for (n, document), sequence in zip(here.items(), sequences, strict=False):
            whose = places[n]
            number = self._numbers[document.member_id][0] if document.member_id in self._new else whose.number
            items[n] = Item(
                sequence=sequence,
                kind=document.kind,
                source=document.source,
                id=document.id,
                member=number,
                order_key=document.order_key,
                accepted_at=self._now,
                content=document.content,
                actor=document.actor,
            )
        return items

    async def _number_newcomers(self) -> None:
        if not self._new:
            return
        numbers, _ = await self._db.only("next_numbers", len(self._new), 0)
        names = await self._names.of_newcomers(self._db, [*self._new])
        self._numbers = dict(zip(self._new, zip(numbers, names, strict=True), strict=True))

    def _judge(self, job: SettleJob, claim: Claim, item: Item, whose: Owner) -> SettleAnswer | DocumentKey:
        """Judge one, with nothing in its claim but what concerns it: what a refused one changed there goes with it."""
        try:
            outcome = job.decide(self._alone(claim, item))
        except Exception as error:  # noqa: BLE001 - it is this document's answer
            return error
        if whose.number is None and whose.member_id is not None:
            self._enrol(whose)
        self.batch.add(outcome)
        claim.awards.update(outcome.awards)
        claim.redemptions.update(outcome.redemptions)
        for name, used in outcome.budgets.items():
            claim.budgets[name] = claim.budgets.get(name, 0) + used
        key, document = job.key, job.document
        [member] = {posting.member for posting in outcome.postings}
        if document.email is not None:
            self.rows.contacts.append((member, document.email))
        self.rows.documents.append(
            (
                home_of(*key),
                DOCUMENT[document.kind],
                self._shard,
                member,
                item.sequence,
                self._now,
                keyed(whose.secret, document.fingerprint),
                *key[1:],
            )
        )
        balance = self.batch.members[member].totals.balance.balance
        self._taken[key] = document, _Settled(member, item.sequence, balance, whose.secret)
        return key

    def _enrol(self, whose: Owner) -> None:
        assert whose.member_id is not None, "who is new has an id"
        number, name_number = self._numbers[whose.member_id]
        if number in self.batch.members:
            return
        self.batch.add_member(number, name_number)
        self._ids[number] = whose.member_id
        self.rows.members.append((self._shard, number, name_number, self._now, whose.member_id, whose.secret))

    def _alone(self, claim: Claim, item: Item) -> Claim:
        of_item = {item.order_key} - {None}
        redeemed = (item.source, item.id.split("\n")[0])
        return Claim(
            now=claim.now,
            program_version=claim.program_version,
            items=[item],
            overdue=[],
            awards={key: claim.awards[key] for key in of_item if key in claim.awards},
            orders={key: claim.orders[key] for key in of_item if key in claim.orders},
            waiting={key: list(claim.waiting[key]) for key in of_item if key in claim.waiting},
            members=self._states(item, claim.now),
            redemptions={redeemed: claim.redemptions[redeemed]} if redeemed in claim.redemptions else {},
            budgets=dict(claim.budgets),
            markets=claim.markets,
        )

    def _states(self, item: Item, now: int) -> dict[int, MemberState]:
        if item.member is None:
            return {}
        kept = self.batch.members.get(item.member)
        if kept is None:  # who is enrolled with it
            return {item.member: MemberState(enrolled_at=now, draw=draw_of(self._facts.secret, item.member))}
        return {item.member: kept.state()}

    async def answers(self) -> list[SettleAnswer | int]:
        """The answers in order, once all is written: with their entries, and a number for one that is another shard's,
        whose member became one there. The same one twice is repeated or in conflict.
        """
        answers: list[Any] = self._answered
        if not self._taken:
            return answers
        entries = await self._entries()
        done: list[SettleAnswer | int] = []
        for (_, document, _, _), answer in zip(self._jobs, answers, strict=True):
            if not isinstance(answer, tuple):
                done.append(answer)
                continue
            first, settled = self._taken[answer]
            entry, balance = entries[answer], settled.balance
            if first is document:
                done.append(Receipt(Status.AWARDED, entry=entry, balance=balance))
            elif first.fingerprint in document.fingerprints():
                balance = self.batch.members[settled.member].totals.balance.balance
                done.append(Receipt(Status.AWARDED, repeated=True, entry=entry, balance=balance))
            else:
                both = keyed(settled.secret, first.fingerprint), keyed(settled.secret, document.fingerprint)
                done.append(Receipt(Status.AWARDED, conflict=True, fingerprints=both))
        return done

    async def _entries(self) -> dict[DocumentKey, Entry]:
        """The first entries of what was settled. Where a member was not looked up by id, it is read for the id."""
        entries, unnamed = {}, {}
        for key, (_, settled) in self._taken.items():
            if settled.member in self._ids:
                entries[key] = self.batch.first_entry(settled.sequence, self._ids[settled.member])
            else:
                unnamed[key] = self._shard, self.batch.first_position(settled.sequence)
        read = await entries_at(self._db, unnamed.values())
        return entries | {key: read[at] for key, at in unnamed.items()}

    def _is_elsewhere(self, row: KnownDocument) -> bool:
        """Whether a document's entry is another shard's: it came for a member there, whose balance that one knows."""
        return row.position is not None and row.shard != self._shard

    def _with_balance(self, receipt: Receipt) -> Receipt:
        if receipt.entry is None:
            return receipt
        kept = self.batch.members.get(receipt.entry.member)
        balance = 0 if kept is None else kept.totals.balance.balance
        return msgspec.structs.replace(receipt, balance=balance)
