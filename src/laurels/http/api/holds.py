"""Points set aside for a till: hold, capture, void."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.awarding import member_at
from laurels.errors import Conflict, InsufficientPoints, LedgerUnavailable, UnknownMember
from laurels.http.api.moves import (
    SPEND,
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
from laurels.http.routes import Request, Response, route
from laurels.intake import Id, SourceText
from laurels.model import DocumentKind
from laurels.model.details import hold_details
from laurels.model.spending import HOLD_MINUTES, Capture, Hold, HoldMinutes, Void
from laurels.model.times import format_instant

HoldId = Annotated[Id, Meta(description="the same again is answered, not held twice")]


class HoldForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Points to set aside."""

    hold_id: HoldId
    points: Spent
    minutes: HoldMinutes = HOLD_MINUTES
    source: SourceText | UnsetType = UNSET


class Held(Struct, frozen=True):
    """What is left to spend, and until when the points are set aside."""

    available: int
    until: str


class CaptureForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to take of what was set aside; the rest is free again."""

    points: Spent
    source: SpentSource | UnsetType = UNSET


class VoidForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whose circle the hold is in."""

    source: SpentSource | UnsetType = UNSET


class Available(Struct, frozen=True):
    """What is left to spend."""

    available: int


@route(
    "POST",
    "/loyalty/{member_id}/hold",
    access=SPEND,
    answers={201: Held, 200: Held},
    problems=(UnknownMember, Conflict, InsufficientPoints, LedgerUnavailable),
)
async def hold_points(request: Request, form: HoldForm) -> Response:
    """Set points aside for a till: nobody else can have them until they are taken, let go, or the time is over."""
    count_move(request)
    member_id = request.ids["member_id"]
    hold = Hold(
        source=await circle_of(request, form.source),
        hold_id=form.hold_id,
        points=form.points,
        minutes=form.minutes,
        member_id=member_id,
    )
    receipt = await request.services.points.hold(hold, actor_of(request))
    until = hold_details(entry_of(receipt).details).until
    return Response(status_of(receipt), Held(await _available(request, member_id), format_instant(until)))


@route(
    "POST",
    "/loyalty/{member_id}/hold/{hold_id}/capture",
    access=SPEND,
    answers={201: Redeemed, 200: Redeemed},
    problems=(UnknownMember, Conflict, InsufficientPoints, LedgerUnavailable),
)
async def capture_hold(request: Request, form: CaptureForm) -> Response:
    """Take what was set aside, or a part of it. A hold whose time is over is a redemption like any other; of one that
    was let go nothing is taken (409).
    """
    count_move(request)
    capture = Capture(
        source=await _circle_with_hold(request, form.source),
        hold_id=request.ids["hold_id"],
        points=form.points,
        member_id=request.ids["member_id"],
    )
    receipt = await request.services.points.capture(capture, actor_of(request))
    return Response(status_of(receipt), Redeemed(entry_of(receipt).loyalty_id, receipt.balance or 0))


@route(
    "POST",
    "/loyalty/{member_id}/hold/{hold_id}/void",
    access=SPEND,
    answers={201: Available, 200: Available},
    problems=(UnknownMember, Conflict, LedgerUnavailable),
)
async def void_hold(request: Request, form: VoidForm) -> Response:
    """Let go of what was set aside, for good: nothing can be taken of it any more. 409 where something was taken
    already.
    """
    count_move(request)
    void = Void(
        source=await _circle_with_hold(request, form.source),
        hold_id=request.ids["hold_id"],
        member_id=request.ids["member_id"],
    )
    receipt = await request.services.points.void(void, actor_of(request))
    return Response(status_of(receipt), Available(await _available(request, void.member_id)))


async def _circle_with_hold(request: Request, source: str | UnsetType) -> str:
    return await circle_with(request, source, [(DocumentKind.HOLD, request.ids["hold_id"])])


async def _available(request: Request, member_id: str) -> int:
    found = await request.services.ledger.account(member_id)
    return 0 if found is None else member_at(found[0], request.services.programs, request.services.now()).available


ROUTES = (hold_points, capture_hold, void_hold)
