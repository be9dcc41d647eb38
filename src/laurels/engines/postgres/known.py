"""Documents that were taken before: found by their keys, told from other content, answered as the first time."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from laurels.engines.postgres.codes import DOCUMENT, DOCUMENT_KINDS, STATUSES, home_of
from laurels.engines.postgres.entries import At, entries_at
from laurels.engines.postgres.statements import Statements
from laurels.ledger import ENDS_OF_HOLDS, DocumentKey, Receipt
from laurels.model import Document, Entry
from laurels.model.documents import kept_id, keyed
from laurels.model.repeats import fingerprints_under_other_ids


class KnownDocument(NamedTuple):
    """A row of the statement `known`. `owner` is whom its member became; `ids` are all of that one's."""

    source: str
    kind: bytes
    id: str
    fingerprint: bytes
    member: int | None
    secret: bytes | None
    state: bytes | None
    position: int | None
    shard: int
    sequence: int
    erased: bool
    owner: int | None
    owner_shard: int
    stranger: bytes | None
    ids: Sequence[str | None]


def key_of(document: Document, secret: bytes) -> DocumentKey:
    """A document's key, in a ledger with this secret."""
    return document.kind, document.source, kept_id(secret, document.kind, document.id)


def other_end(key: DocumentKey) -> DocumentKey | None:
    """What keeps the end of a hold out: its other end. None for other documents."""
    kind = ENDS_OF_HOLDS.get(key[0])
    return None if kind is None else (kind, *key[1:])


async def find_known(db: Statements, keys: Iterable[DocumentKey]) -> dict[DocumentKey, KnownDocument]:
    """The rows of the documents that are there."""
    wanted = list(keys)
    if not wanted:
        return {}
    rows = [KnownDocument(*row) for row in await db.all("known", *key_columns(wanted))]
    return {(DOCUMENT_KINDS[row.kind], row.source, row.id): row for row in rows}


def key_columns(keys: Sequence[DocumentKey]) -> list[list[Any]]:
    """Documents' keys as the statements take them."""
    return [
        [home_of(*key) for key in keys],
        [source for _, source, _ in keys],
        [DOCUMENT[kind] for kind, _, _ in keys],
        [id for _, _, id in keys],
    ]


async def entries_of(db: Statements, rows: Iterable[KnownDocument]) -> dict[At, Entry]:
    """The first entries that known documents led to."""
    return await entries_at(db, {(row.shard, row.position) for row in rows if row.position is not None})


def receipt_of(row: KnownDocument, document: Document, unplaced: bytes, entries: dict[At, Entry]) -> Receipt:
    """The answer to a document that was here before: the first one, or a conflict."""
    status = STATUSES[row.state]
    if not _is_same(row, document, unplaced):
        fingerprints = row.fingerprint, keyed(row.secret or unplaced, document.fingerprint)
        return Receipt(status, conflict=True, fingerprints=fingerprints)
    return Receipt(status, repeated=True, entry=entries.get((row.shard, row.position or 0)))


def _is_same(row: KnownDocument, document: Document, unplaced: bytes) -> bool:
    kept, secret = row.fingerprint, row.secret
    if row.erased:  # nothing tells other content any more: the key alone decides
        return True
    if any(_is_of(kept, secret, sent, unplaced) for sent in document.fingerprints()):
        return True
    under_other_ids = fingerprints_under_other_ids(document, row.ids)
    return any(_is_of(kept, secret, sent, unplaced) for sent in under_other_ids)


def _is_of(kept: bytes, secret: bytes | None, sent: bytes, unplaced: bytes) -> bool:
    """Whether a fingerprint that is kept is of what was sent."""
    as_stranger = keyed(unplaced, sent)
    if not secret:
        return kept == as_stranger
    # Placed after it came: keyed once more, by the server, which has no other keyed hash than this, or by the file
    # that it was moved from.
    once_more = hashlib.sha256(secret + as_stranger).digest()[:16]
    return kept in {keyed(secret, sent), once_more, keyed(secret, as_stranger)}
