"""Taking documents in: look whether they were here before, number who is new, remember them for ever."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from laurels.engines.sqlite import intents, members
from laurels.engines.sqlite.chain import Numbers, read_entry
from laurels.engines.sqlite.connection import Database
from laurels.ledger import Item, Receipt, shard_of
from laurels.model import Document, DocumentKind, Status
from laurels.model.documents import keyed

SECRET_BYTES = 16


class Acceptance:
    """Takes documents in, within one transaction."""

    def __init__(self, db: Database, now: int) -> None:
        self._db = db
        self._now = now
        self._numbers = Numbers(db)

    def save(self) -> None:
        """Write what numbers are next."""
        self._numbers.save()

    def look_up(self, document: Document) -> "tuple[Receipt | None, Whose | None]":
        """The first answer to a document that was here before, or the conflict with it (None when it is new); and whose
        it is, if that is known.
        """
        row = self._db.one("look_up", document.source, document.id, document.kind.value, document.member_id)
        assert row is not None, "a row of look-ups is a row, whatever they find"
        sequence, number = row
        if sequence is not None:
            return self._known(document, sequence), None
        return None, None if number is None else self._member(number)

    def remember(self, document: Document, whose: "Whose | None") -> tuple[Item, int]:
        """Write down a new document for ever, numbering who is unknown where it does; gives it as the awarding sees it,
        and its shard.
        """
        whose = whose or self._place(document)
        if whose.number is not None and document.email is not None:
            members.keep_first_contact(self._db, whose.number, document.email, self._now)
        sequence = self._db.insert(
            "insert_accepted",
            document.kind.value,
            document.source,
            document.id,
            whose.number,
            keyed(whose.secret, document.fingerprint),
            Status.ACCEPTED.value,
            self._now,
        )
        item = Item(
            sequence=sequence,
            kind=document.kind,
            source=document.source,
            id=document.id,
            member=whose.number,
            order_key=document.order_key,
            accepted_at=self._now,
            content=document.content,
            actor=document.actor,
        )
        return item, whose.shard

    def accept(self, document: Document) -> Receipt:
        """Put a document into the inbox, where it was not there before."""
        known, whose = self.look_up(document)
        if known is not None:
            return known
        if not intents.allow(self._db, document):
            return Receipt(Status.ACCEPTED, conflict=True)
        whose = whose or self._place(document)
        item, shard = self.remember(document, whose)
        self._db.run(
            "insert_inbox",
            item.sequence,
            document.kind.value,
            document.source,
            document.id,
            None if item.member is not None else self._stranger_of(document),
            document.order_id,
            self._now,
            document.content,
            b"" if whose.is_erased else document.raw,
            shard,
            None if document.order_key is None else document.order_key[0],
            document.actor,
        )
        intents.finish(self._db, document)
        return Receipt(Status.ACCEPTED)

    def _place(self, document: Document) -> "Whose":
        """Whose a document of an unknown member is: nobody's yet, where it does not enrol."""
        owner = intents.erased_buyer(self._db, document)
        if owner is None and not document.enrols:
            owner, shard = self._owner(document)
            if owner is None:
                shard = shard_of(document.member_id, self._numbers.shards) if shard is None else shard
                return Whose(None, shard, self._numbers.secret)
        if owner is not None:
            return self._member(owner)
        secret = secrets.token_bytes(SECRET_BYTES)
        shard = shard_of(document.member_id, self._numbers.shards)
        number = self._numbers.enrol(document.member_id, secret, self._now)
        members.place_strangers(self._db, number, self._stranger(document.member_id))
        return Whose(number, shard, secret)

    def _owner(self, document: Document) -> tuple[int | None, int | None]:
        """Whose a document is that comes without a member who is known: of an erased member's order it is that
        member's, and one that names no member belongs to the refund's or the order's. The number and the shard, if
        known.
        """
        if document.kind is DocumentKind.CANCELLATION:
            row = self._db.one("owner", document.source, document.id, DocumentKind.REFUND.value)
        elif document.order_key is not None:
            row = self._db.one("owner", *document.order_key, DocumentKind.ORDER.value)
        else:
            return None, None
        if row is None or (document.member_id and not row[2]):
            return None, None
        return row[0], row[1]

    def _member(self, number: int) -> "Whose":
        row = self._db.one("member_key", number)
        assert row is not None, "a number that was given stays"
        shard, secret = row
        # What keys the fingerprint of an erased member's document is kept nowhere: the key alone decides from then on.
        return Whose(number, shard, secret or secrets.token_bytes(SECRET_BYTES), is_erased=secret is None)

    def _stranger_of(self, document: Document) -> bytes | None:
        """Whose a document is that is nobody's yet; a cancellation is whose its refund is."""
        if document.kind is DocumentKind.CANCELLATION:
            row = self._db.one("owner", document.source, document.id, DocumentKind.REFUND.value)
            return row[3] if row else None
        return self._stranger(document.member_id)

    def _stranger(self, member_id: str) -> bytes:
        """What is kept of an id that is nobody's yet: enough to know it again, and not to read it back."""
        return keyed(self._numbers.secret, member_id.encode())

    def _known(self, document: Document, sequence: int) -> Receipt:
        row = self._db.one("find_accepted", sequence)
        assert row is not None, "it was there just now"
        fingerprint, status, place, member, secret = row
        receipt = Receipt(Status(status), repeated=True, entry=read_entry(self._db, place))
        if member is not None and secret is None:  # erased: nothing tells other content, the key alone decides
            return receipt
        unplaced = self._numbers.secret
        for sent in {document.fingerprint, document.as_sent or document.fingerprint}:
            if fingerprint == (keyed(secret, sent) if secret else keyed(unplaced, sent)):
                return receipt
            if secret and fingerprint == keyed(secret, keyed(unplaced, sent)):  # placed after it came
                return receipt
        return Receipt(Status(status), conflict=True)


class Whose(NamedTuple):
    """Whose a document is: a member's number (None: nobody's yet), the shard, and what keys its fingerprint."""

    number: int | None
    shard: int
    secret: bytes
    is_erased: bool = False


def accept(db: Database, batches: Sequence[Sequence[Document]], now: int) -> list[list[Receipt]]:
    """Write documents to the inbox, each batch as it was handed in. Repeats and conflicts write nothing."""
    acceptance = Acceptance(db, now)
    receipts = [[acceptance.accept(document) for document in batch] for batch in batches]
    acceptance.save()
    return receipts
