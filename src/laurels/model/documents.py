"""Documents: what a shop hands in and what entries are made from. Orders, refunds, adjustments and redemptions.

The word is the bookkeeper's: an entry is never made without a source document. A document is known by (source, kind,
id) for ever; its fingerprint tells a repeat (the same content again) from a conflict (other content under a used id).
"""

import hashlib
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Amount = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""Minor units, as far as every ledger can count. Held when content is read back, so that damage is noticed."""

Instant = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""Microseconds since 1970, UTC."""


class DocumentKind(StrEnum):
    """The kinds of document. One id may be used once for each kind and source."""

    ORDER = "order"
    REFUND = "refund"
    ADJUSTMENT = "adjustment"
    REDEMPTION = "redemption"


class Channel(StrEnum):
    """Where the customer bought."""

    WEB = "web"
    MOBILE = "mobile"
    STORE = "store"


class Status(StrEnum):
    """How far a document got. `waiting` is a refund whose order has not come yet."""

    ACCEPTED = "accepted"
    WAITING = "waiting"
    AWARDED = "awarded"
    QUARANTINED = "quarantined"


class Document(Struct, frozen=True, kw_only=True):
    """A document as the ledger takes it.

    `content` says everything but who, so that the member can be erased and the points stay explained; the ledger
    keeps the member by number. `raw` is what was received, byte for byte, for the quarantine. A document that enrols
    gives an unknown member a number; a refund that names its order does not.
    """

    kind: DocumentKind
    source: str
    id: str
    member_id: str
    fingerprint: bytes
    content: bytes
    raw: bytes = b""
    order_id: str | None = None
    email: str | None = None

    @property
    def enrols(self) -> bool:
        """Whether accepting this enrols an unknown member."""
        return not (self.kind is DocumentKind.REFUND and self.order_id is not None)


class Line(Struct, frozen=True, array_like=True, gc=False):
    """One line of an order: quantity and unit price in millionths, the price of major units; a discount's price is
    negative.
    """

    sku: str
    quantity: int
    unit_price: int


class Order(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A purchase. `total` is in minor units; `occurred_at` is as sent, None where the time of accepting counts.

    `quiet` orders send no mail: they are history that is brought in, not news.
    """

    source: str
    order_id: str
    currency: str
    total: Amount
    member_id: str = ""
    channel: Channel = Channel.WEB
    occurred_at: Instant | None = None
    lines: tuple[Line, ...] = ()
    email: str | None = None
    quiet: bool = False

    def document(self, raw: bytes = b"") -> Document:
        """This order as the ledger takes it. The e-mail address is contact data, not content."""
        return Document(
            kind=DocumentKind.ORDER,
            source=self.source,
            id=self.order_id,
            member_id=self.member_id,
            fingerprint=_fingerprint(
                self.member_id, self.currency, self.channel, self.occurred_at, self.lines, self.total
            ),
            content=msgspec.json.encode(msgspec.structs.replace(self, member_id="", email=None)),
            raw=raw,
            order_id=self.order_id,
            email=self.email,
        )


class Refund(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Money given back, in minor units. With `order_id` it takes back what that order earned; without, what the
    amount would earn.
    """

    source: str
    refund_id: str
    currency: str
    amount: Amount
    member_id: str = ""
    order_id: str | None = None
    occurred_at: Instant | None = None
    quiet: bool = False

    def document(self, raw: bytes = b"") -> Document:
        """This refund as the ledger takes it."""
        return Document(
            kind=DocumentKind.REFUND,
            source=self.source,
            id=self.refund_id,
            member_id=self.member_id,
            fingerprint=_fingerprint(self.member_id, self.currency, self.amount, self.occurred_at, self.order_id),
            content=msgspec.json.encode(msgspec.structs.replace(self, member_id="")),
            raw=raw,
            order_id=self.order_id,
        )


class Adjustment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person's correction: points up or down, why, and who did it. `id` repeats only where the caller sent a key."""

    id: str
    points: int
    actor: str
    reason: str = ""
    member_id: str = ""

    def document(self) -> Document:
        """This adjustment as the ledger takes it. Keys are the caller's own, so two callers never collide."""
        return Document(
            kind=DocumentKind.ADJUSTMENT,
            source=self.actor,
            id=self.id,
            member_id=self.member_id,
            fingerprint=_fingerprint(self.member_id, self.points, self.reason),
            content=msgspec.json.encode(msgspec.structs.replace(self, member_id="")),
        )


class Redemption(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Points spent. Refused, never cut, where the balance does not cover them."""

    source: str
    redemption_id: str
    points: Annotated[int, Meta(ge=1)]
    reason: str = ""
    member_id: str = ""

    def document(self) -> Document:
        """This redemption as the ledger takes it."""
        return Document(
            kind=DocumentKind.REDEMPTION,
            source=self.source,
            id=self.redemption_id,
            member_id=self.member_id,
            fingerprint=_fingerprint(self.member_id, self.points, self.reason),
            content=msgspec.json.encode(msgspec.structs.replace(self, member_id="")),
        )


def _fingerprint(*content: Any) -> bytes:
    """16 bytes that differ where the content differs: the content in one fixed spelling, hashed."""
    return hashlib.blake2b(msgspec.json.encode(content), digest_size=16).digest()
