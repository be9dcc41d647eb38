"""Documents of tills and of points that pass from member to member: set aside, taken, let go, given away; and a tier
given by hand.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from laurels.model.documents import Document, DocumentKind, Instant, fingerprint_of

PositivePoints = Annotated[int, Meta(ge=1)]


HOLD_MINUTES = 15
"""How long a hold lasts where nothing else is said."""

HoldMinutes = Annotated[int, Meta(ge=1, le=7 * 24 * 60, description="after so many the points are free again")]


class Shares(Struct, frozen=True):
    """Members who spend together, by number, and how many points each gives."""

    members: tuple[int, ...]
    points: tuple[int, ...]


class Hold(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Points that a till sets aside for so many minutes; nobody else can have them until then. One of 0 points holds
    nothing: it keeps the `shares` of those who spend together, whose parts are held by others.
    """

    source: str
    hold_id: str
    points: Annotated[int, Meta(ge=0)]
    minutes: HoldMinutes = HOLD_MINUTES
    shares: Shares | None = None
    member_id: str = ""

    def document(self, actor: str | None = None) -> Document:
        """This hold as the ledger takes it."""
        shared = [] if self.shares is None else [*self.shares.members, *self.shares.points]
        return _document(self, DocumentKind.HOLD, self.hold_id, actor, self.points, self.minutes, *shared)


class Capture(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a till takes of a hold; the rest is free again. One that has lapsed is a redemption like any other."""

    source: str
    hold_id: str
    points: PositivePoints
    member_id: str = ""

    def document(self, actor: str | None = None) -> Document:
        """This capture as the ledger takes it: one for each hold, ever."""
        return _document(self, DocumentKind.CAPTURE, self.hold_id, actor, self.points)


class Void(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A hold that is let go."""

    source: str
    hold_id: str
    member_id: str = ""

    def document(self, actor: str | None = None) -> Document:
        """This void as the ledger takes it: one for each hold, ever."""
        return _document(self, DocumentKind.VOID, self.hold_id, actor)


class Transfer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Points given to another member, by its number. They keep their dates, and move no board."""

    source: str
    transfer_id: str
    to: int
    points: PositivePoints
    member_id: str = ""

    def document(self, actor: str | None = None) -> Document:
        """This transfer as the ledger takes it."""
        return _document(self, DocumentKind.TRANSFER, self.transfer_id, actor, self.to, self.points)


class Given(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The other side of a transfer: from whom, by number, the points with their dates (the program's, opaque), and the
    market that they come from. The ledger hands it in, nobody else.
    """

    of: int
    spent: bytes
    market: str = ""


class TierGrant(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tier given by hand, until an instant. `reason` is for colleagues."""

    source: str
    grant_id: str
    tier: str
    until: Instant
    reason: str = ""
    member_id: str = ""

    def document(self, actor: str | None = None) -> Document:
        """This grant as the ledger takes it."""
        return _document(self, DocumentKind.GRANT, self.grant_id, actor, self.tier, self.until, self.reason)


def _document(
    said: Hold | Capture | Void | Transfer | TierGrant, kind: DocumentKind, id: str, actor: str | None, *content: object
) -> Document:
    return Document(
        kind=kind,
        source=said.source,
        id=id,
        member_id=said.member_id,
        fingerprint=fingerprint_of(said.member_id, *content),
        content=msgspec.json.encode(msgspec.structs.replace(said, member_id="")),
        actor=actor,
    )
