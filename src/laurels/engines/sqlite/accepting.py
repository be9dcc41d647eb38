"""Taking documents in: look whether they were here before, number who is new, remember them for ever."""

import secrets
from collections.abc import Sequence
from itertools import islice

from msgspec import Struct

from laurels.checkout import is_bought
from laurels.engines.sqlite import intents, looking_up, members
from laurels.engines.sqlite.arriving import Arriving, DocumentBatch, Run
from laurels.engines.sqlite.chain import SECRET_BYTES, Numbers
from laurels.engines.sqlite.connection import FEWEST_ROWS, Database, Row
from laurels.engines.sqlite.known import receipt_of
from laurels.ledger import ENDS_OF_HOLDS, Item, Receipt, ended_otherwise, shard_of
from laurels.ledger.rows import quarantined_of
from laurels.model import Document, DocumentKind, RefusedMessage, Status
from laurels.model.documents import kept_id, keyed

READY = "ready"
"""The state in the inbox of a document that can be awarded."""

ACCEPTED = Receipt(Status.ACCEPTED)
"""The answer to what is new: the same for all, so made once."""


class Acceptance:
    """Takes documents in, within one transaction.

    Rows of new documents are held back and written many at a time, which halves their cost; `flush` writes them. Each
    statement that could see such a row is preceded by one, so nobody can tell that they were held back.
    """

    def __init__(self, db: Database, now: int) -> None:
        self._db = db
        self._now = now
        self._numbers_read: Numbers | None = None
        self._members: dict[int, Owner] = {}
        self._accepted: dict[tuple[str, str, DocumentKind], tuple[object, ...]] = {}
        self._inbox: list[tuple[object, ...]] = []
        self._has_strangers: bool | None = None
        """Whether anything in the inbox, or held back, is nobody's yet; None: not looked yet."""
        self._last: int | None = None
        """The last sequence given, while rows are held back."""
        self._arriving: Arriving | None = None
        self._runs: list[Run] = []
        """Those that arrived and are held back where they are."""

    def save(self) -> None:
        """Write what is held back, and what numbers are next."""
        self.flush()
        if self._numbers_read is not None:
            self._numbers_read.save()

    def flush(self) -> None:
        """Write the rows that are held back."""
        if self._arriving is not None:
            for run in self._runs:
                self._arriving.write(run, self._now)
            self._runs.clear()
        if self._inbox or self._accepted:
            self._db.run_rows("insert_accepted", list(self._accepted.values()))
            self._db.run_rows("insert_inbox", self._inbox)
            self._accepted.clear()
            self._inbox.clear()
        self._last = None

    @property
    def _numbers(self) -> Numbers:
        """Read when they are first asked for: new documents of known members, that are only written, need none."""
        if self._numbers_read is None:
            self._numbers_read = Numbers(self._db)
        return self._numbers_read

    def look_up(self, document: Document) -> "tuple[Receipt | None, Owner | None]":
        """The first answer to a document that was here before, or the conflict with it (None when it is new); and whose
        it is, if that is known.
        """
        id_ = kept_id(self._numbers.secret, document.kind, document.id)
        if (document.source, id_, document.kind) in self._accepted:
            self.flush()
        row = self._db.one("look_up", document.source, id_, document.kind, document.member_id)
        if row is None:
            row = self._db.one("look_up_alone", document.source, id_, document.kind)
            return (None if row is None else receipt_of(self._db, self._numbers.secret, document, row[0])), None
        sequence, number, merged_into, shard, secret = row
        if sequence is not None:
            return receipt_of(self._db, self._numbers.secret, document, sequence), None
        whose = self._member(merged_into) if merged_into is not None else _owner_of(number, shard, secret)
        return None, self._erased_owner(document) or whose

    def _erased_owner(self, document: Document) -> "Owner | None":
        """Who was erased and has the order that a document names: it is that one's, whoever has the id by now."""
        if document.named_order is None:
            return None
        row = self._db.one("owner", *document.named_order, DocumentKind.ORDER.value)
        return self._member(row[0]) if row is not None and row[2] else None

    def check_end(self, document: Document) -> None:
        """Raise `Conflict` for the end of a hold that has ended otherwise."""
        other = ENDS_OF_HOLDS.get(document.kind)
        if other is not None:
            id_ = kept_id(self._numbers.secret, other, document.id)
            if self._db.one("look_up_alone", document.source, id_, other) is not None:
                raise ended_otherwise(document.kind)

    def remember(self, document: Document, whose: "Owner | None", *, is_reached: bool = False) -> "tuple[int, Owner]":
        """Write down a new document for ever, numbering who is unknown where it does; gives its sequence, and whose it
        is. `is_reached`: an address of the member is known.
        """
        whose = whose or self.place(document)
        if whose.number is not None and document.email is not None and not is_reached and not whose.is_erased:
            members.keep_first_contact(self._db, whose.number, document.email, self._now)
        self._last = sequence = self._next_sequence()
        kind, source, id_ = document.kind, document.source, kept_id(self._numbers.secret, document.kind, document.id)
        fingerprint = keyed(whose.secret, document.fingerprint)
        self._accepted[source, id_, kind] = (
            sequence,
            kind,
            source,
            id_,
            whose.number,
            fingerprint,
            Status.ACCEPTED,
            None,
            self._now,
        )
        return sequence, whose

    def _next_sequence(self) -> int:
        if self._last is None:
            self._last = self._db.value("last_sequence") or 0
        return self._last + 1

    def accept(self, document: Document) -> Receipt:
        """Put a document into the inbox, where it was not there before."""
        known, whose = self.look_up(document)
        if known is not None:
            return known
        of_checkout = is_bought(document.source)
        if (of_checkout and not intents.allow(self._db, document)) or not self._is_still_there(document):
            return Receipt(Status.ACCEPTED, conflict=True)
        self._put(document, whose)
        if of_checkout:
            intents.finish(self._db, document)
        if document.kind is DocumentKind.AMENDMENT:
            self._judge_again(document)
        return ACCEPTED

    def accept_many(self, together: DocumentBatch) -> list[Receipt]:
        """The same as `accept` for each in turn. What is plain, new and a known member's is looked up together with the
        others: one step of the engine for hundreds of documents, instead of one for each.
        """
        documents = together.documents
        if len(documents) < FEWEST_ROWS:
            return [self.accept(document) for document in documents]
        gathered = together.gathered()
        self._arriving = arriving = Arriving(self._db, gathered)
        if self._last is None:
            self._last = arriving.last_sequence
        receipts, taken = [ACCEPTED] * len(documents), 0
        for n in arriving.odd:
            self._hold(taken, n)
            if n in gathered.again:  # what was found is from before the batch
                self.flush()
            receipts[n] = self.accept(documents[n])
            taken = n + 1
        self._hold(taken, len(documents))
        self.flush()
        arriving.forget()
        self._arriving = None
        return receipts

    def _hold(self, first: int, end: int) -> None:
        """Give the next sequences to documents that arrived, all new and known members'."""
        if first == end:
            return
        sequence = self._next_sequence()
        base = sequence - first
        if self._runs and self._runs[-1].base == base:
            self._runs[-1].end = end
        else:
            self._runs.append(Run(first, end, base))
        self._last = sequence + end - first - 1

    def look_up_many(self, documents: Sequence[Document]) -> list[looking_up.LookedUp | None]:
        """For each document what is found, where it is new, a known member's, and asks for nothing but to be written;
        else None.
        """
        return looking_up.look_up_many(self._db, documents, self._numbers.secret)

    def whose(self, known: looking_up.LookedUp) -> "Owner":
        """Whose a document is that was looked up with others."""
        if known.merged_into is not None:
            return self._member(known.merged_into)
        return Owner(known.number, known.shard, bytes.fromhex(known.secret))

    def _is_still_there(self, document: Document) -> bool:
        """Whether the message that a document was read from has its bytes, where it was read from one."""
        if document.read_from is None:
            return True
        # Nothing is flushed for it: a message is never held back (`set_aside`).
        row = self._db.one("quarantined", *document.read_from, DocumentKind.MESSAGE.value)
        return row is not None and bool(quarantined_of(row, DocumentKind.MESSAGE, *row[8:]).raw)

    def set_aside(self, message: RefusedMessage) -> None:
        """Put a message into quarantine, where it was not there before. A conflict is looked at again: its member may
        have been erased since, and then nothing of the message is kept.
        """
        if message.in_conflict is not None:
            receipt, _ = self.look_up(message.in_conflict)
            if receipt is not None and not receipt.conflict:
                return
        document = message.document(self._numbers.secret)
        known, whose = self.look_up(document)
        if known is None:
            sequence = self._put(document, whose)
            self.flush()
            self._db.run("set_accepted", Status.QUARANTINED.value, sequence)
            self._db.run("set_inbox", Status.QUARANTINED.value, message.reason, self._now, sequence)

    def _put(self, document: Document, whose: "Owner | None", *, is_reached: bool = False) -> int:
        """Write a new document to the inbox; gives its sequence."""
        sequence, whose = self.remember(document, whose, is_reached=is_reached)
        self.queue(document, sequence, whose)
        return sequence

    def write(self, document: Document, row: Row, whose: "Owner") -> None:
        """Remember a document by its row, sequence first, and put it where the awarding finds it."""
        self._db.run("insert_accepted", *row)
        self.queue(document, row[0], whose)
        self.flush()

    def queue(self, document: Document, sequence: int, whose: "Owner") -> None:
        """Put a document that is remembered where the awarding finds it."""
        row = (
            sequence,
            READY,
            document.kind,
            document.source,
            document.id,
            None if whose.number is not None else self._stranger_of(document),
            document.order_id,
            self._now,
            document.content,
            b"" if whose.is_erased else document.raw,
            whose.shard,
            None if document.order_id is None else document.order_source or document.source,
            document.actor,
        )
        self._inbox.append(row)

    def _judge_again(self, change: Document) -> None:
        """Take an order out of quarantine that a change has come for."""
        self.flush()
        row = None if change.order_key is None else self._db.one("quarantined_order", *change.order_key)
        if row is not None:
            self._db.run("set_accepted", Status.ACCEPTED.value, row[0])
            self._db.run("set_inbox", READY, "", self._now, row[0])

    def place(self, document: Document) -> "Owner":
        """Whose a document of an unknown member is: nobody's yet, where it does not enrol."""
        owner = intents.erased_buyer(self._db, document)
        if owner is None and not document.enrols:
            self.flush()
            erased = self._erased_owner(document)
            if erased is not None:
                return erased
            owner, shard = self._owner(document)
            if owner is None:
                shard = shard_of(document.member_id, self._numbers.shards) if shard is None else shard
                return Owner(None, shard, self._numbers.secret)
        if owner is not None:
            return self._member(owner)
        secret = secrets.token_bytes(SECRET_BYTES)
        shard = shard_of(document.member_id, self._numbers.shards)
        number = self._numbers.enrol(document.member_id, secret, self._now)
        if self._has_strangers is None:
            self._has_strangers = bool(self._db.value("has_strangers"))
        if self._has_strangers:
            self.flush()
            members.place_strangers(self._db, number, self._stranger(document.member_id))
        return Owner(number, shard, secret)

    def _owner(self, document: Document) -> tuple[int | None, int | None]:
        """Whose a document is that comes without a member who is known, and names no erased member's order: one that
        names no member belongs to the refund's or the order's. The number and the shard, if known.
        """
        if document.kind is DocumentKind.CANCELLATION:
            row = self._db.one("owner", document.source, document.id, DocumentKind.REFUND.value)
        elif document.order_key is not None:
            row = self._db.one("owner", *document.order_key, DocumentKind.ORDER.value)
        else:
            return None, None
        if row is None:
            return None, None
        if document.kind is DocumentKind.CANCELLATION and row[0] is None:
            return None, row[1]  # it becomes whose its refund becomes, and lies where that lies
        if document.member_id and not row[2]:
            return None, None
        return row[0], row[1]

    def _member(self, number: int) -> "Owner":
        """Nothing but this transaction changes a member while it lasts."""
        known = self._members.get(number)
        if known is None:
            known = self._members[number] = self._read_member(number)
        return known

    def _read_member(self, number: int) -> "Owner":
        row = self._db.one("member_key", number)
        assert row is not None, "a number that was given stays"
        return _owner_of(number, *row)

    def _stranger_of(self, document: Document) -> bytes | None:
        """Whose a document is that is nobody's yet; a cancellation is whose its refund is."""
        self._has_strangers = True
        if document.kind is DocumentKind.CANCELLATION:
            row = self._db.one("owner", document.source, document.id, DocumentKind.REFUND.value)
            return row[3] if row else None
        return self._stranger(document.member_id)

    def _stranger(self, member_id: str) -> bytes:
        """What is kept of an id that is nobody's yet: enough to know it again, and not to read it back."""
        return keyed(self._numbers.secret, member_id.encode())


class Owner(Struct, frozen=True, gc=False):
    """Whose a document is: a member's number (None: nobody's yet), the shard, and what keys its fingerprint."""

    number: int | None
    shard: int
    secret: bytes
    is_erased: bool = False


def _owner_of(number: int, shard: int, secret: bytes | None) -> Owner:
    """What keys the fingerprint of an erased member's document is kept nowhere: the key alone decides from then on."""
    return Owner(number, shard, secret or secrets.token_bytes(SECRET_BYTES), secret is None)


def item_of(document: Document, sequence: int, member: int | None, now: int) -> Item:
    """A document as the awarding sees it."""
    return Item(
        sequence=sequence,
        kind=document.kind,
        source=document.source,
        id=document.id,
        member=member,
        order_key=document.order_key,
        accepted_at=now,
        content=document.content,
        actor=document.actor,
    )


def accept(db: Database, batches: Sequence[DocumentBatch], now: int) -> list[list[Receipt]]:
    """Write documents to the inbox, each batch as it was handed in. Repeats and conflicts write nothing."""
    acceptance = Acceptance(db, now)
    together = batches[0]
    if len(batches) > 1:
        together = DocumentBatch([document for batch in batches for document in batch.documents])
    receipts = iter(acceptance.accept_many(together))
    acceptance.save()
    return [list(islice(receipts, len(batch.documents))) for batch in batches]


def set_aside(db: Database, messages: Sequence[RefusedMessage], now: int) -> None:
    """Put messages that are no documents into quarantine."""
    acceptance = Acceptance(db, now)
    for message in messages:
        acceptance.set_aside(message)
    acceptance.save()
