"""People: members searched for, and all that is kept about one of them."""

from typing import Protocol

from msgspec import Struct

from laurels.ledger.outbox import MessageState
from laurels.model import Balance, DocumentKind, Entry, Member, Status


class FoundMember(Struct, frozen=True, kw_only=True):
    """A member that a search found. `merged_into` is the id of the member that it became."""

    member_id: str
    email: str | None
    hidden: bool
    enrolled_at: int
    merged_into: str | None


class KeptEntry(Struct, frozen=True):
    """An entry, and what the document said that led to it, without who; None where that is not kept (any more)."""

    entry: Entry
    content: bytes | None


class KeptDocument(Struct, frozen=True, kw_only=True):
    """A document that is not awarded: as it was received, and what was read from it. `dropped`: it was given up, and
    `reason` has a colleague's words.
    """

    kind: DocumentKind
    source: str
    id: str
    status: Status
    accepted_at: int
    reason: str
    dropped: bool
    raw: bytes
    content: bytes
    actor: str | None


class KeptPurchase(Struct, frozen=True, kw_only=True):
    """A purchase at the checkout: `total` in minor units, when it was begun, and how far it is (`open`, `paid`,
    `success`, `failure`); why, where it failed.
    """

    order_id: str
    state: str
    total: int
    currency: str
    method: str
    begun_at: int
    reason: str | None


class Kept(Struct, frozen=True, kw_only=True):
    """All that is kept about a person: the member, `other_ids` of those who became it, and theirs. `attributes` is what
    the shop says of the member, opaque; None for nothing. `purchases` are those of the member's own circles.
    """

    member: Member
    other_ids: tuple[str, ...]
    email: str | None
    attributes: bytes | None
    balance: Balance
    entries: tuple[KeptEntry, ...]
    documents: tuple[KeptDocument, ...]
    purchases: tuple[KeptPurchase, ...]
    messages: tuple[MessageState, ...]


class People(Protocol):
    """Questions of those who answer for the members' data."""

    async def find_members(
        self, *, email: str | None = None, id_prefix: str = "", after: str = "", limit: int = 50
    ) -> list[FoundMember]:
        """Members by the beginning of their id, or by their address (in any case of letters), in the order of ids,
        behind the id `after`. Costs by what is found.
        """
        ...

    async def kept(self, member_id: str) -> Kept | None:
        """All that is kept about a member, of one moment; None for one that is not known. Costs by the member's
        entries, and a walk over what is not awarded.
        """
        ...
