"""When a document is the same content again: as it was sent, under another id of its member after a merge, and as it is
kept.
"""

from collections.abc import Iterator, Sequence

import msgspec

from laurels.model.documents import (
    Adjustment,
    Amendment,
    Cancellation,
    Document,
    DocumentKind,
    Order,
    Redemption,
    Refund,
    Restoration,
)
from laurels.model.spending import Capture, Hold, TierGrant, Transfer, Void

OwnedDocument = (
    Order | Refund | Amendment | Adjustment | Redemption | Restoration | Hold | Capture | Void | Transfer | TierGrant
)

_SAID: dict[DocumentKind, type[OwnedDocument]] = {
    DocumentKind.ORDER: Order,
    DocumentKind.REFUND: Refund,
    DocumentKind.AMENDMENT: Amendment,
    DocumentKind.ADJUSTMENT: Adjustment,
    DocumentKind.REDEMPTION: Redemption,
    DocumentKind.RESTORATION: Restoration,
    DocumentKind.HOLD: Hold,
    DocumentKind.CAPTURE: Capture,
    DocumentKind.VOID: Void,
    DocumentKind.TRANSFER: Transfer,
    DocumentKind.GRANT: TierGrant,
}
"""Documents whose fingerprint says whose they are."""


def fingerprints_under_other_ids(document: Document, ids: Sequence[str | None]) -> Iterator[bytes]:
    """The fingerprints that the same content may be kept under where its member has several ids, of which `ids` are
    all (None: one that was erased). None where the document's own is not among them: it is somebody else's.
    """
    if document.kind not in _SAID or document.member_id not in ids:
        return
    for other in ids:
        if other is not None and other != document.member_id:
            yield from _under(document, other).fingerprints()


def document_of(kind: DocumentKind, content: bytes, member_id: str = "") -> Document | None:
    """The document again that is kept without who; None for those that Laurels itself makes. Raises `ValueError`."""
    said: OwnedDocument | Cancellation
    if kind is DocumentKind.CANCELLATION:
        return msgspec.json.decode(content, type=Cancellation).document()
    if kind not in _SAID:
        return None
    said = msgspec.json.decode(content, type=_SAID[kind])
    if isinstance(said, Amendment):
        order = msgspec.structs.replace(said.order, member_id=member_id)
        return msgspec.structs.replace(said, order=order).document()
    return msgspec.structs.replace(said, member_id=member_id).document()


def _under(document: Document, member_id: str) -> Document:
    found = document_of(document.kind, document.content, member_id)
    assert found is not None, "it is of a kind that has a member"
    return found
