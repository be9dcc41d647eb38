"""The answer to a document that was taken before: the first one, or a conflict."""

from laurels.engines.sqlite.chain import read_entry
from laurels.engines.sqlite.connection import Database
from laurels.ledger import Receipt
from laurels.model import Document, Status
from laurels.model.documents import keyed
from laurels.model.repeats import fingerprints_under_other_ids


def receipt_of(db: Database, unplaced: bytes, document: Document, sequence: int) -> Receipt:
    """The answer to a document with the key of the one of this sequence. `unplaced` keys the fingerprint of what is
    nobody's yet.
    """
    row = db.one("find_accepted", sequence)
    assert row is not None, "it was there just now"
    fingerprint, status, place, member, secret = row
    receipt = Receipt(Status(status), repeated=True, entry=read_entry(db, place))
    if member is not None and secret is None:  # erased: nothing tells other content, the key alone decides
        return receipt
    if any(_is_of(fingerprint, secret, sent, unplaced) for sent in document.fingerprints()):
        return receipt
    if member is not None:
        ids = [row[0] for row in db.all("ids_of", member)]
        under_other_ids = fingerprints_under_other_ids(document, ids)
        if any(_is_of(fingerprint, secret, sent, unplaced) for sent in under_other_ids):
            return receipt
    fingerprints = fingerprint, keyed(secret or unplaced, document.fingerprint)
    return Receipt(Status(status), conflict=True, fingerprints=fingerprints)


def _is_of(kept: bytes, secret: bytes | None, sent: bytes, unplaced: bytes) -> bool:
    """Whether a fingerprint that is kept is of what was sent; it was keyed once more if placed after it came."""
    as_stranger = keyed(unplaced, sent)
    if not secret:
        return kept == as_stranger
    return kept in {keyed(secret, sent), keyed(secret, as_stranger)}
