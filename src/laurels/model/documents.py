"""Documents: what a shop hands in and what entries are made from. Orders, refunds, adjustments and redemptions.

The word is the bookkeeper's: an entry is never made without a source document. A document is known by (source, kind,
id) for ever; its fingerprint tells a repeat (the same content again) from a conflict (other content under a used id).
"""

import hashlib
from collections.abc import Iterator, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from laurels.model.lines import Line, Payment, ReturnLine, Traits

Amount = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""Minor units, as far as every ledger can count. Held when content is read back, so that damage is noticed."""

Instant = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""Microseconds since 1970, UTC."""


class DocumentKind(StrEnum):
    """The kinds of document. One id may be used once for each kind and source. An `expiry` is the clock's, and
    what is `given` is the other side of a transfer: nobody hands these in.
    """

    ORDER = "order"
    REFUND = "refund"
    ADJUSTMENT = "adjustment"
    REDEMPTION = "redemption"
    AMENDMENT = "amendment"
    CANCELLATION = "cancellation"
    RESTORATION = "restoration"
    EXPIRY = "expiry"
    HOLD = "hold"
    CAPTURE = "capture"
    VOID = "void"
    TRANSFER = "transfer"
    GIVEN = "given"
    GRANT = "grant"
    MESSAGE = "message"


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


class Document(Struct, frozen=True, kw_only=True, gc=False):
    """A document as the ledger takes it.

    `content` says everything but who, so that the member can be erased and the points stay explained; the ledger
    keeps the member by number. `raw` is what was received, byte for byte, for the quarantine. `actor` is who handed it
    in. A document that enrols gives an unknown member a number; one that names an order does not. `order_source` is in
    whose numbers `order_id` is. `read_from` is the message in quarantine that this was read from, by queue and id:
    where its bytes are gone meanwhile, its member was erased, and this is taken no more. One that is `in_depth` asks
    for all that is kept of its member, whatever the program.
    """

    kind: DocumentKind
    source: str
    id: str
    member_id: str
    fingerprint: bytes
    content: bytes
    raw: bytes = b""
    order_id: str | None = None
    order_source: str | None = None
    email: str | None = None
    actor: str | None = None
    read_from: tuple[str, str] | None = None
    in_depth: bool = False

    def fingerprints(self) -> Iterator[bytes]:
        """Those that the same content may be kept under: this one, and the one that version 0.1 made of it."""
        yield self.fingerprint
        if self.kind is DocumentKind.ORDER:
            order = msgspec.json.decode(self.content, type=Order)
            yield msgspec.structs.replace(order, member_id=self.member_id).as_sent()

    @property
    def enrols(self) -> bool:
        """Whether accepting this enrols an unknown member."""
        return self.kind in _ENROLS or (self.kind is DocumentKind.REFUND and self.order_id is None)

    @property
    def order_key(self) -> "tuple[str, str] | None":
        """(source, order_id) of the order that this document is, or names."""
        return None if self.order_id is None else (self.order_source or self.source, self.order_id)

    @property
    def named_order(self) -> "tuple[str, str] | None":
        """(source, order_id) of the order that this document names and is not."""
        return None if self.kind is DocumentKind.ORDER else self.order_key


_ENROLS = frozenset({DocumentKind.ORDER, DocumentKind.ADJUSTMENT, DocumentKind.REDEMPTION})


class Order(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A purchase. `total` is in minor units; `occurred_at` is as sent, None where the time of accepting counts.

    `traits` is what else is said of each line; empty where no line says more. `quiet` orders send no mail: they are
    history that is brought in, not news.
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
    traits: tuple[Traits, ...] = ()
    region: str | None = None
    store: str | None = None
    coupons: tuple[str, ...] = ()
    payments: tuple[Payment, ...] = ()

    def document(self, raw: bytes = b"", actor: str | None = None) -> Document:
        """This order as the ledger takes it. The e-mail address is contact data, not content."""
        lines = sorted(self.lines, key=_LINE_KEY) if len(self.lines) > 1 else self.lines
        return Document(
            kind=DocumentKind.ORDER,
            source=self.source,
            id=self.order_id,
            member_id=self.member_id,
            fingerprint=self._fingerprint(lines),
            content=msgspec.json.encode(msgspec.structs.replace(self, member_id="", email=None)),
            raw=raw,
            order_id=self.order_id,
            email=self.email,
            actor=actor,
        )

    def as_sent(self) -> bytes:
        """The fingerprint with the lines in the order in which they were sent, as version 0.1 made it."""
        return self._fingerprint(self.lines)

    def _fingerprint(self, lines: Sequence[Line]) -> bytes:
        further = self._further()
        said = [further] if further else []
        return fingerprint_of(self.member_id, self.currency, self.channel, self.occurred_at, lines, self.total, *said)

    def _further(self) -> dict[str, Any]:
        """What came with the program in depth, where it is given: else an order keeps the fingerprint that it had."""
        if not (self.traits or self.payments or self.coupons or self.region or self.store):
            return {}
        fields: dict[str, Any] = {
            "coupons": sorted(self.coupons),
            "payments": sorted((each.method, each.amount) for each in self.payments),
            "region": self.region,
            "store": self.store,
        }
        if self.traits:
            pairs = zip(self.lines, self.traits, strict=True)
            fields["lines"] = sorted(msgspec.json.encode(pair).decode() for pair in pairs)
        return {name: value for name, value in fields.items() if value}


class Amendment(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An order that was changed after it was sent. `revision` rises with each change; `order` is all of it anew."""

    revision: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    order: Order

    def document(self, raw: bytes = b"", actor: str | None = None) -> Document:
        """This amendment as the ledger takes it: a document of its own for each revision."""
        order = self.order.document(raw, actor)
        return Document(
            kind=DocumentKind.AMENDMENT,
            source=order.source,
            id=f"{self.revision}:{order.id}",
            member_id=order.member_id,
            fingerprint=order.fingerprint,
            content=msgspec.json.encode(
                msgspec.structs.replace(self, order=msgspec.structs.replace(self.order, member_id="", email=None))
            ),
            raw=raw,
            order_id=order.id,
            actor=actor,
        )


class Refund(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Money given back, in minor units. With `order_id` it takes back what that order earned; without, what the
    amount would earn. `order_source` is in whose numbers the order is; None: in the refund's own. `lines` are those
    that came back, counted from 1; an `amount` of 0 is then what they are worth.
    """

    source: str
    refund_id: str
    currency: str
    amount: Amount
    member_id: str = ""
    order_id: str | None = None
    occurred_at: Instant | None = None
    quiet: bool = False
    order_source: str | None = None
    lines: tuple[ReturnLine, ...] = ()

    def document(self, raw: bytes = b"", actor: str | None = None) -> Document:
        """This refund as the ledger takes it."""
        further: list[Any] = [] if self.order_source in {None, self.source} else [self.order_source]
        if self.lines:
            further.append(self.lines)
        return Document(
            kind=DocumentKind.REFUND,
            source=self.source,
            id=self.refund_id,
            member_id=self.member_id,
            fingerprint=fingerprint_of(
                self.member_id, self.currency, self.amount, self.occurred_at, self.order_id, *further
            ),
            content=msgspec.json.encode(msgspec.structs.replace(self, member_id="")),
            raw=raw,
            order_id=self.order_id,
            order_source=self.order_source,
            actor=actor,
        )


class Cancellation(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A refund that failed or was a mistake: its order is worth what the other refunds leave."""

    source: str
    refund_id: str
    order_id: str
    order_source: str | None = None
    member_id: str = ""

    def document(self, actor: str | None = None) -> Document:
        """This cancellation as the ledger takes it: one for each refund, ever."""
        return Document(
            kind=DocumentKind.CANCELLATION,
            source=self.source,
            id=self.refund_id,
            member_id=self.member_id,
            fingerprint=fingerprint_of(self.order_source or self.source, self.order_id),
            content=msgspec.json.encode(msgspec.structs.replace(self, member_id="")),
            order_id=self.order_id,
            order_source=self.order_source,
            actor=actor,
        )


class Adjustment(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A person's correction: points up or down, why, and who did it. `id` repeats only where the caller sent a key.

    `reason` is for colleagues, `note` for the customer. With `board` False it changes the balance alone; `quiet` sends
    no mail. Points that are given lapse at `expires_at`; None: as the program says.
    """

    id: str
    points: int
    actor: str
    reason: str = ""
    member_id: str = ""
    source: str | None = None
    note: str = ""
    board: bool = True
    quiet: bool = False
    occurred_at: Instant | None = None
    expires_at: Instant | None = None

    def document(self) -> Document:
        """This adjustment as the ledger takes it. Keys are the caller's own, so two callers never collide."""
        further = {
            name: value
            for name, value, usual in (
                ("board", self.board, True),
                ("expires_at", self.expires_at, None),
                ("note", self.note, ""),
                ("occurred_at", self.occurred_at, None),
                ("quiet", self.quiet, False),
            )
            if value != usual
        }
        return Document(
            kind=DocumentKind.ADJUSTMENT,
            source=self.source or self.actor,
            id=self.id,
            member_id=self.member_id,
            fingerprint=fingerprint_of(self.member_id, self.points, self.reason, *([further] if further else [])),
            content=msgspec.json.encode(msgspec.structs.replace(self, member_id="")),
            actor=self.actor,
            in_depth=self.expires_at is not None,
        )


class Redemption(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Points spent. Refused, never cut, where the balance does not cover them."""

    source: str
    redemption_id: str
    points: Annotated[int, Meta(ge=1)]
    reason: str = ""
    member_id: str = ""

    def document(self, actor: str | None = None) -> Document:
        """This redemption as the ledger takes it."""
        return Document(
            kind=DocumentKind.REDEMPTION,
            source=self.source,
            id=self.redemption_id,
            member_id=self.member_id,
            fingerprint=fingerprint_of(self.member_id, self.points, self.reason),
            content=msgspec.json.encode(msgspec.structs.replace(self, member_id="")),
            actor=actor,
        )


class Restoration(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Spent points that come back, whole (`points` None) or in part: the redemption, or a part of it, never was."""

    source: str
    cancel_id: str
    redemption_id: str
    points: Annotated[int, Meta(ge=1)] | None = None
    member_id: str = ""

    def document(self, actor: str | None = None) -> Document:
        """This restoration as the ledger takes it. Its id is one among the redemption's own."""
        return Document(
            kind=DocumentKind.RESTORATION,
            source=self.source,
            id=f"{self.redemption_id}\n{self.cancel_id}",
            member_id=self.member_id,
            fingerprint=fingerprint_of(self.member_id, self.points),
            content=msgspec.json.encode(msgspec.structs.replace(self, member_id="")),
            actor=actor,
        )


def kept_id(secret: bytes, kind: DocumentKind, id_: str) -> str:
    """The id under which a document is remembered for ever. That of an adjustment is whatever a caller chose as its
    key, perhaps a customer's id, and nobody is shown it: of it a digest is kept, which knows it again.
    """
    return keyed(secret, id_.encode()).hex() if kind is DocumentKind.ADJUSTMENT else id_


def keyed(secret: bytes, fingerprint: bytes) -> bytes:
    """A fingerprint as it is kept: 16 bytes that nobody can try contents against who lacks the member's secret."""
    return hashlib.blake2b(fingerprint, digest_size=16, key=secret).digest()


_LINE_KEY = attrgetter("sku", "quantity", "unit_price")


def fingerprint_of(*content: Any) -> bytes:
    """16 bytes that differ where the content differs: the content in one fixed spelling, hashed."""
    return hashlib.blake2b(msgspec.json.encode(content), digest_size=16).digest()
