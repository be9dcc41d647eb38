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


def look_up(db: Database, document: Document) -> tuple[Receipt | None, int | None]:
    """The first answer to a document that was here before, or the conflict with it (None when it is new); and the
    number of its member, if known.
    """
    row = db.one("look_up", document.source, document.id, document.kind.value, document.member_id)
    assert row is not None, "a row of look-ups is a row, whatever they find"
    sequence, member = row
    return None if sequence is None else _known(db, document), member


def remember(db: Database, chain: Chain, document: Document, member: int | None) -> Item:
    """Write down a new document of that member for ever, enrolling who is unknown where it does; gives it as the
    awarding sees it.
    """
    number = intents.erased_buyer(db, document) if member is None else member
    if number is None and document.enrols:
        number = chain.enrol(document.member_id)
    if number is not None and document.email is not None:
        members.keep_contact(db, number, document.email, chain.now)
    sequence = db.insert(
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
    known, member = look_up(db, document)
    if known is not None:
        return known
    if not intents.allow(db, document):
        return Receipt(Status.ACCEPTED, conflict=True)
    item = remember(db, chain, document, member)
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


def _known(db: Database, document: Document) -> Receipt:
    row = db.one("find_accepted", document.source, document.id, document.kind.value)
    assert row is not None, "it was there just now"
    fingerprint, status, position = row
    if fingerprint != document.fingerprint:
        return Receipt(Status(status), conflict=True)
    return Receipt(Status(status), repeated=True, entry=read_entry(db, position))
