"""What an order is worth line by line, and what a basket would earn."""

from msgspec import UNSET, Struct, UnsetType

from laurels.awarding import Quote, order_worth, quote
from laurels.errors import InvalidInput, LedgerUnavailable, UnknownOrder
from laurels.http.api.orders import OrderQuery, Part, parts_of, shown_source, state_of
from laurels.http.routes import Access, Request, Response, route
from laurels.intake import OrderForm
from laurels.ledger import MemberState


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
    """Tell what an order would earn if it came now, and write nothing. A member who is unknown is a new one. A member
    names no coupons: whether a code is one is told to the shop's own systems alone.
    """
    member_id, services = request.ids["member_id"], request.services
    if form.member_id != member_id:
        raise InvalidInput.of("member_id", "must be the one in the path")
    if form.coupons and request.caller.member_id is not None:
        raise InvalidInput.of("coupons", "are for the shop's own systems: a member's token cannot try codes")
    now = services.now()
    found = await services.ledger.account(member_id)
    kept, version = found if found is not None else (MemberState(), (await services.ledger.heads()).version)
    got = quote(services.programs, form.order("quote", now), kept, await services.ledger.budgets(), now)
    return Response(200, _quoted(got, request.token(version)))


def _quoted(got: Quote, as_of: str) -> Quoted:
    return Quoted(
        points=got.points,
        parts=parts_of(got.parts),
        reason=got.reason,
        as_of=as_of,
        carried=UNSET if got.carried is None else got.carried,
        payable_with_points=UNSET if got.payable is None else got.payable,
    )


ROUTES = (explain_order, quote_order)
