"""Messages of queues that could not be taken, and what is kept of them."""

import hashlib

import msgspec
from msgspec import Struct

from laurels.model.documents import Document, DocumentKind, keyed

MOST_NAMED = 100
"""Members that a message in quarantine may name."""


class RefusedMessage(Struct, frozen=True, kw_only=True):
    """A message of a queue that could not be taken: no order and no refund, or one in conflict. `origin` names the
    queue, `headers` are the names of its headers, and `named` are the ids of members in it. `in_conflict` is the
    document that was in conflict with one from before.
    """

    origin: str
    body: bytes
    reason: str
    headers: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    in_conflict: Document | None = None

    def document(self, secret: bytes) -> Document:
        """This message as the ledger keeps it: known by its queue and its bytes, so that the same again is one.

        One that names a single member is that member's. One that names several is nobody's, since each would be shown
        the others' ids as its own: a digest of each is kept, keyed by the ledger's secret, by which erasing any of them
        finds it. Of one that names hundreds no bytes are kept.
        """
        digest = hashlib.blake2b(self.body, digest_size=16)
        several = self.named if 1 < len(self.named) <= MOST_NAMED else ()
        named = [name_digest(secret, member_id) for member_id in several]
        return Document(
            kind=DocumentKind.MESSAGE,
            source=self.origin,
            id=digest.hexdigest(),
            member_id=self.named[0] if len(self.named) == 1 else "",
            fingerprint=digest.digest(),
            content=msgspec.json.encode({"headers": self.headers, **({"named": named} if named else {})}),
            raw=self.body if len(self.named) <= MOST_NAMED else b"",
            actor=self.origin,
        )


def name_digest(secret: bytes, member_id: str) -> str:
    """By what a message that names several members is found when one of them is erased."""
    return keyed(secret, member_id.encode()).hex()
