"""Checking what documents said, where it is kept, against the fingerprints by which they are known for ever."""

import hashlib
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from laurels.ledger.quarantine import UNREADABLE
from laurels.model import DocumentKind, Order
from laurels.model.details import Details
from laurels.model.documents import fingerprint_of, kept_id, keyed
from laurels.model.repeats import document_of

OTHERWISE = "what is kept of what it said is not what it was taken with"


class KeptContent(Struct, frozen=True, kw_only=True):
    """What an engine keeps of a document, of whose member not all ids are gone; in a damaged ledger it may be anything.

    `secret` keys the fingerprint; while the document is nobody's it is None, and `unplaced` does, the ledger's own.
    `ids` are all that its member has, None among them for one that was erased. `raw` is what was received. Of what is
    in the inbox, `names` is the order by which it is looked up there, by source and id, and `reason` why it is set
    aside. `changes` are the fingerprints of the changes that an order was, or is to be, awarded by, each with what keys
    it: a change that came before its member became another is keyed by that one's secret.
    """

    kind: str
    source: str
    id: str
    fingerprint: bytes
    content: bytes
    secret: bytes | None
    unplaced: bytes
    ids: Sequence[str | None]
    raw: bytes = b""
    names: tuple[str | None, str | None] | None = None
    reason: str = ""
    changes: Sequence[tuple[bytes, bytes | None]] = ()


def is_as_taken(kept: KeptContent) -> bool:
    """Whether what is kept is what the fingerprint is of. Nobody can say of what is nobody's and names whose it is, of
    what came under an id that was erased, and of what could not be read when it came. Costs by the content.
    """
    try:
        return any(_is_of(kept, sent) for sent in _sent(kept)) or kept.secret is None or None in kept.ids
    except (ValueError, TypeError, AttributeError, RecursionError):
        return kept.reason.startswith(UNREADABLE)


def revision_of(details: bytes | None) -> int | None:
    """By which change an order was awarded instead of its own content, by its entry; None: by none."""
    try:
        return None if not details or b"amended" not in details else Details.decode(details).amended
    except (ValueError, TypeError):
        return None


def _sent(kept: KeptContent) -> Iterator[bytes]:
    """The fingerprints that such content may have been taken with. Raises `ValueError` for another document's."""
    match kind := DocumentKind(kept.kind):
        case DocumentKind.MESSAGE:
            digest = bytes.fromhex(kept.id)
            if kept.raw and hashlib.blake2b(kept.raw, digest_size=len(digest)).digest() != digest:
                raise ValueError("it is another message")
            yield digest
        case DocumentKind.GIVEN:
            yield fingerprint_of(kept.content.decode())
        case _:
            for member_id in (*kept.ids, ""):
                if member_id is not None:
                    yield from _sent_under(kept, kind, member_id)


def _sent_under(kept: KeptContent, kind: DocumentKind, member_id: str) -> Iterator[bytes]:
    document = document_of(kind, kept.content, member_id)
    if document is None:
        raise ValueError("nobody hands in such a document")
    if (document.source, kept_id(kept.unplaced, kind, document.id)) != (kept.source, kept.id):
        raise ValueError("it is another document's")
    if kept.names is not None and kept.names != (document.order_key or (None, None)):
        raise ValueError("it is looked up by another order")
    yield from document.fingerprints()
    if kept.changes and kind is DocumentKind.ORDER:  # what a change does not say of its time is the order's
        order = replace(msgspec.json.decode(kept.content, type=Order), member_id=member_id, occurred_at=None)
        yield from order.document().fingerprints()


def _is_of(kept: KeptContent, sent: bytes) -> bool:
    """As it was keyed when it came, or once more when it was placed; on PostgreSQL the server does that, by SHA-256."""
    as_stranger = keyed(kept.unplaced, sent)
    for fingerprint, secret in ((kept.fingerprint, kept.secret), *kept.changes):
        if secret is None:
            keyed_so = {as_stranger}
        else:
            once_more = hashlib.sha256(secret + as_stranger).digest()[:16]
            keyed_so = {keyed(secret, sent), keyed(secret, as_stranger), once_more}
        if fingerprint in keyed_so:
            return True
    return False
