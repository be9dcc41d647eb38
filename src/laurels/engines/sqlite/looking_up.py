"""Looking up many documents in one step: whether they were taken before, and whose they are."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from laurels.checkout import is_bought
from laurels.engines.sqlite.connection import Database, parts_of
from laurels.model import Document
from laurels.model.documents import kept_id


class LookedUp(Struct, array_like=True, frozen=True, gc=False):
    """The row that `look_up_many` says of the document `n`, whose member is known. `secret` is hexadecimal;
    `is_reached` where an address of the member is known.
    """

    n: int
    sequence: int | None
    number: int
    merged_into: int | None
    shard: int
    secret: str
    is_reached: bool


_found = msgspec.json.Decoder(list[LookedUp], strict=False)  # 0 and 1 are SQLite's words for false and true


def look_up_many(db: Database, documents: Sequence[Document], secret: bytes) -> list[LookedUp | None]:
    """For each document what was found, where it is new, a known member's, and asks for nothing but to be written; else
    None. So it is for the last few, which no statement of `ROWS_AT_ONCE` takes.
    """
    asked: list[tuple[Any, ...]] = [
        (n, each.source, kept_id(secret, each.kind, each.id), each.kind, each.member_id)
        for n, each in enumerate(documents)
        if each.read_from is None and each.named_order is None and not is_bought(each.source)
    ]
    found: list[LookedUp | None] = [None] * len(documents)
    taken = 0
    for count in parts_of("look_up_many", len(asked)):
        for each in _found.decode(db.value_of_rows("look_up_many", asked[taken : taken + count])):
            if each.sequence is None and each.secret:
                found[each.n] = each
        taken += count
    return found
