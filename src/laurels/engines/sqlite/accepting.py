"""Taking documents in: look whether they were here before, enrol who is new, remember them for ever."""

from collections.abc import Sequence

from laurels.engines.sqlite import intents, members
from laurels.engines.sqlite.chain import Chain, read_entry
from laurels.engines.sqlite.connection import Database
from laurels.ledger import Item, Receipt
from laurels.model import Document, Status


def accept(db: Database, batches: Sequence[Sequence[Document]], now: int) -> list[list[Receipt]]:
    """Write documents to the inbox, each batch as it was handed in. Repeats and conflicts write nothing."""
    chain = Chain(db, now)
    receipts = [[_accept_one(db, chain, document) for document in batch] for batch in batches]
    chain.save()
    return receipts


def find(db: Database, document: Document) -> Receipt | None:
    """The first answer to a document that was here before, or the conflict with it; None when it is new."""
    row = db.one("find_accepted", document.source, document.id, document.kind.value)
    if row is None:
        return None
    _, fingerprint, status, position = row
    if fingerprint != document.fingerprint:
        return Receipt(Status(status), conflict=True)
    return Receipt(Status(status), repeated=True, entry=read_entry(db, position))


def remember(db: Database, chain: Chain, document: Document) -> Item:
    """Write down a new document for ever, enrolling its member where it does; gives it as the awarding sees it."""
    row = db.one("member_by_id", document.member_id)
    number: int | None = row[0] if row else intents.erased_buyer(db, document)
    if number is None and document.enrols:
        number = chain.enrol(document.member_id)
    if number is not None and document.email is not None:
        members.keep_contact(db, number, document.email, chain.now)
    sequence = db.value(
        "insert_accepted",
        document.kind.value,
        document.source,
        document.id,
        number,
        document.fingerprint,
        Status.ACCEPTED.value,
        chain.now,
    )
    return Item(
        sequence=sequence,
        kind=document.kind,
        source=document.source,
        id=document.id,
        member=number,
        order_id=document.order_id,
        accepted_at=chain.now,
        content=document.content,
    )


def _accept_one(db: Database, chain: Chain, document: Document) -> Receipt:
    known = find(db, document)
    if known is not None:
        return known
    if not intents.allow(db, document):
        return Receipt(Status.ACCEPTED, conflict=True)
    item = remember(db, chain, document)
    db.run(
        "insert_inbox",
        item.sequence,
        document.kind.value,
        document.source,
        document.id,
        document.member_id if item.member is None else None,
        document.order_id,
        chain.now,
        document.content,
        document.raw,
    )
    intents.finish(db, document)
    return Receipt(Status.ACCEPTED)
