"""Documents of Laurels' own for other members."""

import secrets

from laurels.engines.sqlite.accepting import READY
from laurels.engines.sqlite.chain import SECRET_BYTES
from laurels.engines.sqlite.connection import Database
from laurels.ledger import Onward
from laurels.model import Status
from laurels.model.documents import fingerprint_of, keyed


def hand_on(db: Database, onward: Onward, now: int) -> None:
    """Put a document of Laurels' own into a member's inbox, in the transaction that it follows from."""
    row = db.one("whose_number", onward.member)
    assert row is not None, "a number that was given stays"
    number, shard, secret = row
    fingerprint = keyed(secret or secrets.token_bytes(SECRET_BYTES), fingerprint_of(onward.content.decode()))
    kind, accepted = onward.kind.value, Status.ACCEPTED.value
    sequence = db.insert(
        "insert_accepted", None, kind, onward.source, onward.id, number, fingerprint, accepted, None, now
    )
    db.run(
        "insert_inbox",
        sequence,
        READY,
        kind,
        onward.source,
        onward.id,
        None,
        None,
        now,
        onward.content,
        b"",
        shard,
        None,
        None,
    )
