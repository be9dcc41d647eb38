"""Whose a document is that is being accepted: a member who is known, one who is enrolled by it, or nobody yet."""

import secrets
from collections.abc import Iterable
from typing import NamedTuple

from laurels.engines.postgres.codes import SHARDS
from laurels.engines.postgres.known import find_known
from laurels.engines.postgres.statements import Statements
from laurels.ledger import DocumentKey, OrderKey, shard_of
from laurels.model import Document, DocumentKind

SECRET_BYTES = 16

MOST_REMEMBERED = 100_000
"""Members whom a process remembers, at some 300 bytes each."""


class Owner(NamedTuple):
    """Whose a document is: a member's number (None: nobody's yet), its shard, and what keys the fingerprint.
    `member_id` is the member's own id, which has to mean it still when the document goes in; None: whatever it means.
    """

    number: int | None
    shard: int
    secret: bytes
    member_id: str | None = None
    stranger: bytes | None = None
    is_erased: bool = False


class Generation(NamedTuple):
    """What the ledger says of all ids together: its epoch, and how often one came to mean another member, or nobody."""

    epoch: int
    change: int


class MemberLookup:
    """The members that ids mean, remembered from look-up to look-up, and all of one generation: while the ledger has
    that still, so has each of them. Else whoever writes by what is remembered has to see that it is still so.
    """

    def __init__(self) -> None:
        self._known: dict[str, Owner] = {}
        self._opened = 0
        self._generation: Generation | None = None

    def generation(self, opened: int) -> Generation | None:
        """The generation of all who are remembered; None where connections were opened since, `opened` in all: what
        they lead to may have another history.
        """
        return self._generation if opened == self._opened else None

    def get(self, member_id: str) -> Owner | None:
        """The member, where one is remembered."""
        return self._known.get(member_id)

    def forget(self, member_ids: Iterable[str]) -> None:
        """These are not as they were."""
        for member_id in member_ids:
            self._known.pop(member_id, None)

    async def look_up(self, db: Statements, member_ids: Iterable[str], opened: int = 0) -> None:
        """Remember those who are members. Where something has changed since the last look, all others are forgotten."""
        if opened != self._opened:
            self._begin(None)
            self._opened = opened
        asked = {each for each in member_ids if each}
        wanted = asked - self._known.keys()
        if not wanted:
            return
        generation, found = await _read(db, wanted)
        if generation != self._generation:
            if wanted != asked:
                generation, found = await _read(db, asked)
            self._begin(generation)
        while len(self._known) + len(found) > MOST_REMEMBERED and self._known:
            del self._known[next(iter(self._known))]
        self._known.update(found)

    def _begin(self, generation: Generation | None) -> None:
        self._known.clear()
        self._generation = generation


async def _read(db: Statements, member_ids: Iterable[str]) -> tuple[Generation, dict[str, Owner]]:
    """Who these are, and of which generation: both are of one moment."""
    wanted = sorted(member_ids)
    rows = await db.all("look_up_members", [shard_of(each, SHARDS) for each in wanted], wanted)
    found = {}
    for _, _, shard, member_id, number, secret, into, into_shard, into_secret, into_id in rows:
        if number is not None:
            found[member_id] = (
                Owner(number, shard, secret, member_id)
                if into is None
                else Owner(into, into_shard, into_secret, into_id)
            )
    return Generation(*rows[0][:2]), found


def newcomer(member_id: str) -> Owner:
    """Who is enrolled by a document; the number is given when it goes in."""
    return Owner(None, shard_of(member_id, SHARDS), secrets.token_bytes(SECRET_BYTES), member_id)


async def owner_of(db: Statements, document: Document, unplaced: bytes, digest: bytes) -> Owner:
    """Whose a document is that comes without a member who is known, and enrols none: of an erased member's order it is
    that member's, and one that names no member belongs to the refund's or the order's.
    """
    named: DocumentKey | None = None
    if document.kind is DocumentKind.CANCELLATION:
        named = DocumentKind.REFUND, document.source, document.id
    elif document.order_key is not None:
        named = DocumentKind.ORDER, *document.order_key
    row = (await find_known(db, [named])).get(named) if named is not None else None
    stranger: bytes | None = digest
    if document.kind is DocumentKind.CANCELLATION:
        stranger = row.stranger if row else None
        if row is not None and row.owner is None:  # it becomes whose its refund becomes, and lies where that lies
            return Owner(None, row.owner_shard, unplaced, stranger=stranger)
    if row is None or (document.member_id and not row.erased):
        return Owner(None, shard_of(document.member_id, SHARDS), unplaced, stranger=stranger)
    if row.owner is None:
        return Owner(None, row.owner_shard, unplaced, stranger=stranger)
    return await member_numbered(db, row.owner, row.owner_shard)


async def erased_owners(db: Statements, documents: Iterable[Document]) -> dict[OrderKey, Owner]:
    """The orders that documents name whose members were erased: such a document is that member's, whoever has the id
    that it names by now. Costs nothing where none names an order.
    """
    named = {each.named_order for each in documents} - {None}
    rows = await find_known(db, [(DocumentKind.ORDER, *key) for key in sorted(filter(None, named))])
    return {
        (row.source, row.id): await member_numbered(db, row.owner, row.owner_shard)
        for row in rows.values()
        if row.erased and row.owner is not None
    }


async def member_numbered(db: Statements, number: int, shard: int | None = None) -> Owner:
    """A member by number. Who was erased has no secret, and what keys its documents from then on is kept nowhere."""
    rows = await db.all("member_shard", number)
    [(shard, secret)] = [row for row in rows if shard is None or row[0] == shard]
    return Owner(number, shard, secret or secrets.token_bytes(SECRET_BYTES), is_erased=secret is None)
