"""What the routes that move a member's points share: whose circle of ids, who asks, what was written."""

from collections.abc import Sequence
from itertools import product
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.errors import InvalidInput
from laurels.http.api.effects import Effect
from laurels.http.routes import Access, Request
from laurels.intake import AnySource
from laurels.ledger import DocumentState, KeptDocument, Receipt
from laurels.model import DocumentKind, Entry
from laurels.model.entries import MAX_POINTS
from laurels.model.ids import ONE_LINE, is_own_source
from laurels.points import SHOP, own_circles

Spent = Annotated[int, Meta(ge=1, le=MAX_POINTS, description="points to spend")]
Reason = Annotated[
    str,
    Meta(
        max_length=500,
        pattern=ONE_LINE,
        description="why, for colleagues; no member is shown it. Never a card number",
        examples=["goodwill"],
    ),
]
NOT_AWARDED = "not awarded"
"""What a member is told of a document that was given up."""

SPEND = Access(("points:redeem",), members="own")
SpentSource = Annotated[
    AnySource,
    Meta(
        description="whose ids it is among, as timelines show it: `member:NUMBER` for what that member did itself; "
        "left out: `shop`. Members leave it out"
    ),
]
"""The source of what was redeemed or held before."""


class Redeemed(Struct, frozen=True, rename={"loyalty_id": "loyaltyId"}):
    """The entry that was written, and the points that are left; with `check=1` none is, and `effect` says what would
    be.
    """

    loyalty_id: str | UnsetType = UNSET
    balance: int | UnsetType = UNSET
    effect: Effect | UnsetType = UNSET


def count_move(request: Request) -> None:
    """Count that a member moves its own points. Raises `TooManyRequests`."""
    if request.caller.member_id is not None:
        request.limits.move(request.caller.member_id)


async def circle_of(request: Request, source: str | UnsetType) -> str:
    """Whose circle a new redemption's id is in: a member's own, or the one that a service names."""
    return (await _circles(request, source))[0]


async def circle_with(request: Request, source: str | UnsetType, named: Sequence[tuple[DocumentKind, str]]) -> str:
    """Whose circle what was redeemed or held before is in, which is one of `named`: of a member, that of its id, else
    that of somebody who became one with it. A service may name any of these, too, as timelines show them.
    """
    if request.caller.member_id is None and source is not UNSET and is_own_source(source):
        request.caller.check_source(source)
        if source not in own_circles(await request.services.ledger.numbers(request.ids["member_id"])):
            raise InvalidInput.of("source", "must not be one of Laurels' own, other than this member's: member:NUMBER")
        return source
    circles = await _circles(request, source)
    if len(circles) > 1:
        for circle, (kind, id) in product(circles, named):
            if await request.services.ledger.document(kind, circle, id) is not None:
                return circle
    return circles[0]


async def _circles(request: Request, source: str | UnsetType) -> list[str]:
    if request.caller.member_id is None:
        request.caller.check_source(source or SHOP)
        return [source or SHOP]
    if source is not UNSET:
        raise InvalidInput.of("source", "is not for members: each has a circle of ids of its own")
    return await request.services.points.own_sources(request.caller.member_id)


def reason_for(request: Request, document: DocumentState | KeptDocument) -> str | None:
    """Why a document is not awarded, as its caller may know it: what colleagues say of a member is not told to it."""
    if document.dropped and request.caller.member_id is not None:
        return NOT_AWARDED
    return document.reason


def actor_of(request: Request) -> str:
    """Who asks, as it is kept: a member is not named in what stays for ever."""
    return "member" if request.caller.member_id is not None else request.caller.actor


def entry_of(receipt: Receipt) -> Entry:
    """The entry that a settled document led to."""
    assert receipt.entry is not None, "what is settled has its entry"
    return receipt.entry


def status_of(receipt: Receipt) -> int:
    """201 for what is new, 200 for what was answered before."""
    return 200 if receipt.repeated else 201
