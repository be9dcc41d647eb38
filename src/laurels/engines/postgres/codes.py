"""What is kept as a letter (bytes, as the driver has them), and what follows from a document's key."""

import hashlib

from laurels.model import DocumentKind, EntryKind, Status

ENTRY = {
    EntryKind.EARN: b"e",
    EntryKind.REVERSE: b"r",
    EntryKind.ADJUST: b"a",
    EntryKind.REDEEM: b"d",
    EntryKind.EXPIRE: b"x",
    EntryKind.RESTORE: b"s",
    EntryKind.MERGE: b"m",
    EntryKind.TRANSFER: b"g",
    EntryKind.HOLD: b"o",
    EntryKind.VOID: b"v",
    EntryKind.ENROL: b"n",
    EntryKind.HIDE: b"h",
    EntryKind.SHOW: b"w",
    EntryKind.RENAME: b"i",
    EntryKind.ERASE: b"z",
    EntryKind.CONTACT: b"c",
    EntryKind.TIER: b"t",
}
ENTRY_KINDS = {letter: kind for kind, letter in ENTRY.items()}

DOCUMENT = {
    DocumentKind.ORDER: b"o",
    DocumentKind.REFUND: b"r",
    DocumentKind.ADJUSTMENT: b"a",
    DocumentKind.REDEMPTION: b"e",
    DocumentKind.AMENDMENT: b"m",
    DocumentKind.CANCELLATION: b"c",
    DocumentKind.RESTORATION: b"s",
    DocumentKind.EXPIRY: b"x",
    DocumentKind.HOLD: b"h",
    DocumentKind.CAPTURE: b"p",
    DocumentKind.VOID: b"v",
    DocumentKind.TRANSFER: b"t",
    DocumentKind.GIVEN: b"i",
    DocumentKind.GRANT: b"l",
    DocumentKind.MESSAGE: b"g",
}
DOCUMENT_KINDS = {letter: kind for kind, letter in DOCUMENT.items()}

DROPPED = b"d"
"""The state of what was given up in quarantine."""

STATUSES = {
    b"r": Status.ACCEPTED,
    b"w": Status.WAITING,
    b"q": Status.QUARANTINED,
    DROPPED: Status.QUARANTINED,
    None: Status.AWARDED,
}
"""How far a document got, by the state of its row; without one it was awarded."""

SHARDS = 16

CURSOR_BITS = 40


def home_of(kind: DocumentKind, source: str, id: str) -> int:
    """Where a document's key lives: the first byte of SHA-256 of its letter, source and id, modulo 16."""
    return hashlib.sha256(DOCUMENT[kind] + f"/{source}/{id}".encode()).digest()[0] % SHARDS


def place_of(shard: int, position: int) -> int:
    """A shard and a position in it as one number."""
    return shard << CURSOR_BITS | position


def parted(place: int) -> tuple[int, int]:
    """The shard and the position of a place."""
    return place >> CURSOR_BITS, place & (1 << CURSOR_BITS) - 1
