"""Accepting many documents and awarding them in one transaction: what an import does, where nobody waits for each.

The same rows come of it as of accepting first and awarding after. Spared is the way through the inbox, which costs a
third of an order: it is written down once, awarded. A cancellation, a refund that waits for its order, what comes twice
and what is an erased member's go through the inbox in their turn, so that all are awarded in the order they came in.
"""

from collections.abc import Sequence

from msgspec import Struct

from laurels.checkout import is_bought
from laurels.engines.sqlite import members
from laurels.engines.sqlite.accepting import ACCEPTED, Acceptance, Owner, item_of
from laurels.engines.sqlite.awarding import award, award_new
from laurels.engines.sqlite.chain import Chain
from laurels.engines.sqlite.connection import Database, Row
from laurels.ledger import Decide, DocumentKey, Item, Receipt
from laurels.model import Document, DocumentKind, Status
from laurels.model.documents import keyed

SHARD = 0
"""The only one of a ledger that awards at once."""

LIMIT = 1000
"""Documents of the inbox that are judged together."""


def take_in(
    db: Database, documents: Sequence[Document], decide: Decide, *, waiting_before: int, in_depth: bool, now: int
) -> list[Receipt]:
    """Accept documents and award them, and all that was in the inbox before; gives each one's receipt, in order."""
    db.expect_much()
    taking = _Taking(db, decide, waiting_before, now, in_depth=in_depth)
    taking.empty_inbox()
    receipts = taking.take_all(documents)
    taking.finish()
    return receipts


class _New(Struct, frozen=True, gc=False):
    """A document that was taken and is not awarded yet, and whose it is."""

    acceptance: Acceptance
    document: Document
    item: Item
    whose: Owner
    fingerprint: bytes

    def row(self, place: int | None, status: Status = Status.AWARDED) -> Row:
        """What is written of it for ever."""
        of = self.item
        named = of.sequence, of.kind, of.source, of.id
        return (*named, self.whose.number, self.fingerprint, status, place, of.accepted_at)

    def queue(self) -> None:
        """Put it into the inbox: it cannot be awarded at once."""
        self.acceptance.write(self.document, self.row(None, Status.ACCEPTED), self.whose)


class _Taking:
    """What was taken and is not awarded yet, in order."""

    def __init__(self, db: Database, decide: Decide, waiting_before: int, now: int, *, in_depth: bool) -> None:
        self._db = db
        self._decide = decide
        self._waiting_before = waiting_before
        self._now = now
        self._in_depth = in_depth
        self._acceptance = Acceptance(db, now)
        self._new: dict[DocumentKey, _New] = {}
        self._last: int = db.value("last_sequence") or 0

    def take_all(self, documents: Sequence[Document]) -> list[Receipt]:
        """Accept documents, in order. Those of known members are looked up together."""
        came: set[DocumentKey] = set()
        receipts = []
        for document, known in zip(documents, self._acceptance.look_up_many(documents), strict=True):
            key = document.kind, document.source, document.id
            whose = None if known is None or key in came else self._acceptance.whose(known)
            if known is None or whose is None or whose.is_erased or document.kind is not DocumentKind.ORDER:
                receipts.append(self.take(document))
            else:
                self._put_by(document, whose, is_reached=known.is_reached)
                receipts.append(ACCEPTED)
            came.add(key)
        return receipts

    def take(self, document: Document) -> Receipt:
        """Accept one document."""
        if self._came_just_now(document):
            self._award()
        known, whose = self._acceptance.look_up(document)
        if known is not None:
            return known
        if self._is_plain(document):
            whose = whose or self._acceptance.place(document)
            if whose.number is not None and not whose.is_erased:
                self._put_by(document, whose)
                return ACCEPTED
        self._award()
        receipt = self._acceptance.accept(document)
        self._acceptance.flush()
        self.empty_inbox()
        self._last = self._db.value("last_sequence") or 0
        return receipt

    def finish(self) -> None:
        """Award what is left, and write what numbers are next."""
        self._award()
        self._acceptance.save()

    def empty_inbox(self) -> None:
        """Award what lies in the inbox, ready or overdue."""
        while award(
            self._db,
            SHARD,
            LIMIT,
            self._decide,
            waiting_before=self._waiting_before,
            in_depth=self._in_depth,
            now=self._now,
            fence=None,
        ):
            pass

    def _came_just_now(self, document: Document) -> bool:
        """Whether what was taken and is not awarded yet is this document, or the order that it names."""
        if (document.kind, document.source, document.id) in self._new:
            return True
        if document.kind is DocumentKind.ORDER:
            return False
        order = document.order_key
        return order is not None and (DocumentKind.ORDER, *order) in self._new

    def _is_plain(self, document: Document) -> bool:
        """Whether a document is nobody's checkout, and an order or a refund that can be judged now: of no order, or of
        one that is awarded.
        """
        if is_bought(document.source):
            return False
        if document.kind is DocumentKind.REFUND:
            return document.order_key is None or self._db.one("read_award", *document.order_key) is not None
        return document.kind is DocumentKind.ORDER

    def _put_by(self, document: Document, whose: Owner, *, is_reached: bool = False) -> None:
        """Have a document ready to be judged with the others. `is_reached`: an address of the member is known."""
        if whose.number is not None and document.email is not None and not is_reached:
            members.keep_first_contact(self._db, whose.number, document.email, self._now)
        self._last += 1
        item = item_of(document, self._last, whose.number, self._now)
        fingerprint = keyed(whose.secret, document.fingerprint)
        new = _New(self._acceptance, document, item, whose, fingerprint)
        self._new[document.kind, document.source, document.id] = new

    def _award(self) -> None:
        if self._new:
            chain = Chain(self._db, SHARD, self._now)
            award_new(self._db, chain, list(self._new.values()), self._decide, in_depth=self._in_depth)
            self._new = {}
