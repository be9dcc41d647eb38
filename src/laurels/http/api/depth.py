"""What programs in depth answer: an order line by line, what a basket would earn, points set aside, given away, a tier
given by hand, and what the shop says of a member.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.awarding import Attributes, Quote, member_at, order_worth, quote
from laurels.errors import (
    Conflict,
    InsufficientPoints,
    InvalidInput,
    LedgerUnavailable,
    UnknownMember,
    UnknownOrder,
)
from laurels.http.api.orders import OrderQuery, Part, parts_of, shown_source, state_of
from laurels.http.api.points import SPEND, Reason, Redeemed, Spent, actor_of, circle_of, count_move, entry_of
from laurels.http.routes import Access, Request, Response, route
from laurels.intake import Id, Instant, MemberId, OrderForm, Source
from laurels.ledger import MemberState, Receipt
from laurels.model.details import hold_details
from laurels.model.spending import Capture, Hold, TierGrant, Transfer, Void
from laurels.model.times import format_instant, parse_instant
from laurels.points import SHOP

HoldId = Annotated[Id, Meta(description="the same again is answered, not held twice")]
Minutes = Annotated[int, Meta(ge=1, le=10_080, description="after so many the points are free again")]
Birthday = Annotated[
    str,
    Meta(
        pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z",
        examples=["02-29"],
        description="month and day, for campaigns around it",
    ),
]
Segment = Annotated[
    str,
    Meta(min_length=1, max_length=64, examples=["student"], description="a group of customers, as programs name them"),
]


class Explanation(Struct, frozen=True):
    """What an order is worth now: a text for each line, and for each part of its points."""

    order_id: str
    source: str
    lines: list[str]


class Quoted(Struct, frozen=True):
    """What an order would earn now. `carried` is what would then be carried below a point; `payable_with_points` how
    many points it may be paid with, where the program says what they are worth. Nothing is written.
    """

    points: int
    parts: list[Part]
    reason: str
    as_of: str
    carried: str | UnsetType = UNSET
    payable_with_points: int | UnsetType = UNSET


class HoldForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Points to set aside."""

    hold_id: HoldId
    points: Spent
    minutes: Minutes = 15
    source: Source | UnsetType = UNSET


class Held(Struct, frozen=True):
    """What is left to spend, and until when the points are set aside."""

    available: int
    until: str


class CaptureForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to take of what was set aside; the rest is free again."""

    points: Spent
    source: Source | UnsetType = UNSET


class VoidForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whose circle the hold is in."""

    source: Source | UnsetType = UNSET


class Available(Struct, frozen=True):
    """What is left to spend."""

    available: int


class TransferForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Points for another member."""

    transfer_id: Annotated[Id, Meta(description="the same again is answered, not given twice")]
    to: MemberId
    points: Spent
    source: Source = SHOP


class AttributesForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """All that campaigns may ask of a member; what is left out is forgotten."""

    birthday: Birthday | None = None
    segments: Annotated[list[Segment], Meta(max_length=32)] = []


class Said(Struct, frozen=True):
    """What is kept now."""

    birthday: str | None
    segments: list[str]


class TierForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A tier, until an instant."""

    grant_id: Annotated[Id, Meta(description="the same again is answered, not given twice")]
    tier: Annotated[
        str, Meta(min_length=1, max_length=64, examples=["gold"], description="a level that the program has")
    ]
    until: Instant
    reason: Reason = ""
    source: Source = SHOP


class Granted(Struct, frozen=True, rename={"loyalty_id": "loyaltyId"}):
    """The entry that was written."""

    loyalty_id: str


@route(
    "GET",
    "/order/{order_id}/explain",
    access=Access(("orders:write", "members:read"), members="any"),
    answers={200: Explanation},
    problems=(UnknownOrder, LedgerUnavailable),
)
async def explain_order(request: Request, query: OrderQuery) -> Response:
    """Say line by line what an order is worth now, in the frame of its moment. A member sees its own orders alone."""
    order_id, ledger = request.ids["order_id"], request.services.ledger
    state = await state_of(request, query.source, order_id)
    award = None if state is None else await ledger.order_award(state.source, order_id)
    if state is None or award is None:
        raise UnknownOrder("No such order, or not awarded yet.")
    worth = order_worth(award, await request.services.awarder.known(award.program_version))
    return Response(200, Explanation(order_id, shown_source(request, state), worth.in_words()))


@route(
    "POST",
    "/loyalty/{member_id}/quote",
    access=Access(("orders:write",), members="own"),
    answers={200: Quoted},
    problems=(LedgerUnavailable,),
)
async def quote_order(request: Request, form: OrderForm) -> Response:
    """Tell what an order would earn if it came now, and write nothing. A member who is unknown is a new one."""
    member_id, services = request.ids["member_id"], request.services
    if form.member_id != member_id:
        raise InvalidInput.of("member_id", "must be the one in the path")
    now = services.now()
    found = await services.ledger.account(member_id)
    kept, version = found if found is not None else (MemberState(), (await services.ledger.heads()).version)
    got = quote(services.programs, form.order("quote", now), kept, await services.ledger.budgets(), now)
    return Response(200, _quoted(got, request.token(version)))


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
    return Response(_status(receipt), Held(await _available(request, member_id), format_instant(until)))


@route(
    "POST",
    "/loyalty/{member_id}/hold/{hold_id}/capture",
    access=SPEND,
    answers={201: Redeemed, 200: Redeemed},
    problems=(UnknownMember, Conflict, InsufficientPoints, LedgerUnavailable),
)
async def capture_hold(request: Request, form: CaptureForm) -> Response:
    """Take what was set aside, or a part of it. A hold that is over is a redemption like any other."""
    count_move(request)
    capture = Capture(
        source=await circle_of(request, form.source),
        hold_id=request.ids["hold_id"],
        points=form.points,
        member_id=request.ids["member_id"],
    )
    receipt = await request.services.points.capture(capture, actor_of(request))
    return Response(_status(receipt), Redeemed(entry_of(receipt).loyalty_id, receipt.balance or 0))


@route(
    "POST",
    "/loyalty/{member_id}/hold/{hold_id}/void",
    access=SPEND,
    answers={201: Available, 200: Available},
    problems=(UnknownMember, Conflict, LedgerUnavailable),
)
async def void_hold(request: Request, form: VoidForm) -> Response:
    """Let go of what was set aside. One that is over is let go already."""
    count_move(request)
    void = Void(
        source=await circle_of(request, form.source), hold_id=request.ids["hold_id"], member_id=request.ids["member_id"]
    )
    receipt = await request.services.points.void(void, actor_of(request))
    return Response(_status(receipt), Available(await _available(request, void.member_id)))


@route(
    "POST",
    "/loyalty/{member_id}/transfer",
    access=Access(("points:transfer",)),
    answers={201: Redeemed, 200: Redeemed},
    problems=(UnknownMember, Conflict, InsufficientPoints, LedgerUnavailable),
)
async def transfer_points(request: Request, form: TransferForm) -> Response:
    """Give points to another member. They keep their dates, and no board moves."""
    request.caller.check_source(form.source)
    to = await request.services.ledger.member(form.to)
    if to is None:
        raise UnknownMember
    transfer = Transfer(
        source=form.source,
        transfer_id=form.transfer_id,
        to=to.number,
        points=form.points,
        member_id=request.ids["member_id"],
    )
    receipt = await request.services.points.transfer(transfer, actor_of(request))
    return Response(_status(receipt), Redeemed(entry_of(receipt).loyalty_id, receipt.balance or 0))


@route(
    "PUT",
    "/members/{member_id}/attributes",
    access=Access(("members:write",)),
    answers={200: Said},
    problems=(UnknownMember, LedgerUnavailable),
)
async def set_attributes(request: Request, form: AttributesForm) -> Response:
    """Keep what campaigns may ask of a member: it replaces what was said before, and is erased with the member."""
    attributes = Attributes(form.birthday, tuple(sorted(set(form.segments))))
    await request.services.members.set_attributes(request.ids["member_id"], attributes)
    return Response(200, Said(attributes.birthday, list(attributes.segments)))


@route(
    "POST",
    "/members/{member_id}/tier",
    access=Access(("members:write",)),
    answers={201: Granted, 200: Granted},
    problems=(UnknownMember, Conflict, LedgerUnavailable),
)
async def grant_tier(request: Request, form: TierForm) -> Response:
    """Give a member a tier by hand, until an instant. One that was earned and is higher stays."""
    request.caller.check_source(form.source)
    grant = TierGrant(
        source=form.source,
        grant_id=form.grant_id,
        tier=form.tier,
        until=parse_instant(form.until, "until"),
        reason=form.reason,
        member_id=request.ids["member_id"],
    )
    receipt = await request.services.points.grant(grant, actor_of(request))
    return Response(_status(receipt), Granted(entry_of(receipt).loyalty_id))


async def _available(request: Request, member_id: str) -> int:
    found = await request.services.ledger.account(member_id)
    return 0 if found is None else member_at(found[0], request.services.programs, request.services.now()).available


def _quoted(got: Quote, as_of: str) -> Quoted:
    return Quoted(
        points=got.points,
        parts=parts_of(got.parts),
        reason=got.reason,
        as_of=as_of,
        carried=UNSET if got.carried is None else got.carried,
        payable_with_points=UNSET if got.payable is None else got.payable,
    )


def _status(receipt: Receipt) -> int:
    return 200 if receipt.repeated else 201


ROUTES = (
    explain_order,
    quote_order,
    hold_points,
    capture_hold,
    void_hold,
    transfer_points,
    set_attributes,
    grant_tier,
)
