"""A member's points: correct them, spend them, give them back."""

import uuid
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from laurels.errors import (
    Conflict,
    InsufficientPoints,
    InvalidInput,
    LedgerUnavailable,
    PointsOutOfRange,
    UnknownMember,
)
from laurels.http.admission.rights import check_points
from laurels.http.api.effects import Effect, adjustment_effect, restoration_effect
from laurels.http.api.moves import (
    SPEND,
    Reason,
    Redeemed,
    Spent,
    SpentSource,
    actor_of,
    circle_of,
    circle_with,
    count_move,
    entry_of,
    status_of,
)
from laurels.http.api.undoing import check_undo
from laurels.http.routes import Access, Request, Response, route
from laurels.intake import Id, InstantText, SourceText
from laurels.ledger import named_by
from laurels.model import Adjustment, Redemption, Restoration
from laurels.model.entries import MAX_POINTS
from laurels.model.ids import ONE_LINE, check_id
from laurels.model.times import check_lapse, check_occurred, parse_instant

IDEMPOTENCY_KEY = "Idempotency-Key"
SignedPoints = Annotated[int, Meta(ge=-MAX_POINTS, le=MAX_POINTS, description="points to give, or below zero to take")]
Note = Annotated[
    str,
    Meta(
        max_length=140,
        pattern=ONE_LINE,
        description="what the customer is told; never a card number",
        examples=["Sorry that your parcel came late"],
    ),
]
LapseAt = Annotated[
    str,
    Meta(
        max_length=64,
        description="when points that are given lapse, with an offset; left out: as the program says",
        examples=["2099-03-31T23:00:00Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
RedemptionId = Annotated[Id, Meta(description="the same again is answered, not spent twice")]


class AdjustmentForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A correction by a person: points up or down. `board` false: the balance alone, and no board; `quiet`: no mail."""

    points: SignedPoints = field(name="loyalty-points")
    reason: Reason = ""
    note: Note = ""
    board: Annotated[bool, Meta(description="whether it counts on the boards")] = True
    quiet: Annotated[bool, Meta(description="whether no mail is sent for what it reaches")] = False
    occurred_at: InstantText | None = None
    expires_at: LapseAt | None = None
    source: SourceText | None = None

    def adjustment(self, id: str, member_id: str, actor: str, now: int) -> Adjustment:
        """The checked adjustment. `now` is what `occurred_at` is held against."""
        at = None if self.occurred_at is None else check_occurred(parse_instant(self.occurred_at, "occurred_at"), now)
        return Adjustment(
            id=id,
            points=self.points,
            actor=actor,
            reason=self.reason,
            note=self.note,
            board=self.board,
            quiet=self.quiet,
            occurred_at=at,
            expires_at=lapse_of(self.expires_at, self.points),
            source=self.source,
            member_id=member_id,
        )


def lapse_of(text: str | None, points: int) -> int | None:
    """When points that are given lapse, of what was sent. Raises `InvalidInput`."""
    return check_lapse(None if text is None else parse_instant(text, "expires_at"), points)


class CheckQuery(Struct, forbid_unknown_fields=True):
    """Whether this only asks what would happen: 1 changes nothing."""

    check: Annotated[int, Meta(ge=0, le=1, description="1: tell what would happen, and change nothing")] = 0


class Adjusted(Struct, frozen=True, rename={"loyalty_id": "loyaltyId"}):
    """The entry that was written; with `check=1` none is, and `effect` says what would be."""

    loyalty_id: str | UnsetType = UNSET
    effect: Effect | UnsetType = UNSET


class RedemptionForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Points to spend."""

    redemption_id: RedemptionId
    points: Spent
    reason: Reason = ""
    source: SourceText | UnsetType = UNSET


class RestorationForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Spent points that come back: all that is left of them, or so many. `cancel_id` tells one part from another."""

    cancel_id: Annotated[Id, Meta(description="the same again is answered, not given back twice")] | UnsetType = UNSET
    points: Spent | UnsetType = UNSET
    source: SpentSource | UnsetType = UNSET


@route(
    "POST",
    "/loyalty/{member_id}",
    access=Access(("points:adjust",)),
    answers={201: Adjusted, 200: Adjusted},
    problems=(Conflict, PointsOutOfRange, LedgerUnavailable),
    headers={IDEMPOTENCY_KEY: "an id, as UTF-8; the same again is answered, not done twice"},
)
async def adjust(request: Request, form: AdjustmentForm, query: CheckQuery) -> Response:
    """Correct a member's points by hand. Who did it is kept. An unknown member is enrolled. With `check=1`: tell what
    would happen, and change nothing.
    """
    key = _key(request) or str(uuid.uuid4())
    adjustment = form.adjustment(key, request.ids["member_id"], request.caller.actor, request.services.now())
    request.caller.check_source(adjustment.source or adjustment.actor)
    check_points(request.caller, form.points, request.services.settings)
    await check_undo(request, adjustment)
    if query.check:
        return Response(200, Adjusted(effect=await adjustment_effect(request, adjustment)), outcome="checked")
    receipt = await request.services.points.adjust(adjustment)
    return Response(status_of(receipt), Adjusted(entry_of(receipt).loyalty_id))


@route(
    "POST",
    "/loyalty/{member_id}/redeem",
    access=SPEND,
    answers={201: Redeemed, 200: Redeemed},
    problems=(UnknownMember, Conflict, InsufficientPoints, LedgerUnavailable),
)
async def redeem(request: Request, form: RedemptionForm) -> Response:
    """Spend points. Refused, never cut, where the balance does not cover them."""
    count_move(request)
    member_id = request.ids["member_id"]
    redemption = Redemption(
        source=await circle_of(request, form.source),
        redemption_id=form.redemption_id,
        points=form.points,
        reason=form.reason,
        member_id=member_id,
    )
    receipt = await request.services.points.redeem(redemption, actor_of(request))
    return Response(status_of(receipt), Redeemed(entry_of(receipt).loyalty_id, receipt.balance or 0))


@route(
    "POST",
    "/loyalty/{member_id}/redeem/{redemption_id}/cancel",
    access=SPEND,
    answers={201: Redeemed, 200: Redeemed},
    problems=(UnknownMember, Conflict, LedgerUnavailable),
)
async def cancel_redemption(request: Request, form: RestorationForm, query: CheckQuery) -> Response:
    """Give spent points back, whole or in part: the redemption, or that part of it, never was. Boards do not move, and
    no mail is sent. With `check=1`: tell what would happen, and change nothing.
    """
    redemption_id = request.ids["redemption_id"]
    restoration = Restoration(
        source=await circle_with(request, form.source, named_by(redemption_id)),
        cancel_id=redemption_id if form.cancel_id is UNSET else form.cancel_id,
        redemption_id=redemption_id,
        points=None if form.points is UNSET else form.points,
        member_id=request.ids["member_id"],
    )
    if query.check:
        return Response(200, Redeemed(effect=await restoration_effect(request, restoration)), outcome="checked")
    count_move(request)
    receipt = await request.services.points.cancel(restoration, actor_of(request))
    return Response(status_of(receipt), Redeemed(entry_of(receipt).loyalty_id, receipt.balance or 0))


def _key(request: Request) -> str | None:
    sent = request.headers.all(IDEMPOTENCY_KEY.lower().encode())
    if not sent:
        return None
    if len(sent) > 1:
        raise InvalidInput.of(IDEMPOTENCY_KEY, "is given more than once")
    try:
        return check_id(sent[0].decode("utf-8"), IDEMPOTENCY_KEY)
    except UnicodeDecodeError as error:
        raise InvalidInput.of(IDEMPOTENCY_KEY, "must be UTF-8") from error


ROUTES = (adjust, redeem, cancel_redemption)
