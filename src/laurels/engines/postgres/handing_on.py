"""Documents of Laurels' own for other members, who may be in other shards."""

import secrets
from collections.abc import Sequence
from typing import Any

from laurels.engines.postgres.chain import columns_of
from laurels.engines.postgres.codes import DOCUMENT, home_of
from laurels.engines.postgres.placing import SECRET_BYTES
from laurels.engines.postgres.statements import Statements
from laurels.ledger import Onward
from laurels.model.documents import fingerprint_of, keyed


async def hand_on(db: Statements, onward: Sequence[Onward], now: int) -> None:
    """Put documents into their members' inboxes, in the transaction that they follow from. It needs no lock of those
    members' shards: an inbox is written by whoever accepts.
    """
    found = await db.all("whose_numbers", sorted({each.member for each in onward}))
    whose: dict[int, Any] = {row[0]: row[1:] for row in found}
    rows = []
    for each in onward:
        number, shard, secret = whose[each.member]
        rows.append(
            (
                home_of(each.kind, each.source, each.id),
                DOCUMENT[each.kind],
                shard,
                number,
                keyed(secret or secrets.token_bytes(SECRET_BYTES), fingerprint_of(each.content.decode())),
                each.source,
                each.id,
                each.content,
            )
        )
    await db.run("hand_on", now, *columns_of(rows, 8))
