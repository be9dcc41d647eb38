"""Orders: accept one, and tell how far it got."""

from msgspec import UNSET, Struct, UnsetType

from laurels.errors import Conflict, LedgerUnavailable, UnknownOrder
from laurels.http.checkout import check_out
from laurels.http.problems import FieldProblem, as_problems
from laurels.http.routes import Access, Answer, Call, route
from laurels.intake import AnySource, OrderForm
from laurels.ledger import DocumentState
from laurels.model import DocumentKind, Status, Version


class Accepted(Struct, frozen=True):
    """An order that is durable, and how far it got. `warnings` names what was left out, since it moves no points."""

    order_id: str
    status: Status
    warnings: list[FieldProblem] | UnsetType = UNSET


class OrderState(Struct, frozen=True, kw_only=True):
    """How far an order got. Once awarded: the points, why so many, and the version from which boards show them."""

    order_id: str
    source: str
    status: Status
    points: int | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    as_of: str | UnsetType = UNSET


class OrderQuery(Struct, forbid_unknown_fields=True):
    """Which system numbered the order."""

    source: AnySource = "shop"


@route(
    "POST",
    "/order/{order_id}",
    access=Access(("orders:write",)),
    answers={202: Accepted, 200: Accepted},
    problems=(Conflict, LedgerUnavailable),
    for_members=check_out,
)
async def place_order(call: Call, form: OrderForm) -> Answer:
    """Accept an order; with a member's own token: buy what is in the basket.

    202 says that it is durable; 200 that the same content was here before, with its present status. Other content under
    a used id is a conflict and changes nothing.
    """
    order_id = call.ids["order_id"]
    call.caller.check_source(form.source)
    order, warnings = form.order(order_id, call.services.now()), form.warnings()
    receipt = await call.services.intake.accept(order, form.usable() if warnings else call.raw)
    accepted = Accepted(order_id, receipt.status, as_problems(warnings) or UNSET)
    return Answer(200 if receipt.repeated else 202, accepted)


@route(
    "GET",
    "/order/{order_id}",
    access=Access(("orders:write", "members:read"), members="any"),
    answers={200: OrderState},
    problems=(UnknownOrder, LedgerUnavailable),
)
async def show_order(call: Call, query: OrderQuery) -> Answer:
    """Tell how far an order got, and what it earned. A member sees its own orders alone."""
    state = await call.services.ledger.document(
        DocumentKind.ORDER, query.source, call.ids["order_id"], of_member=call.caller.member_id
    )
    if state is None:
        raise UnknownOrder
    return Answer(200, await _shown(call, state))


async def _shown(call: Call, state: DocumentState) -> OrderState:
    entry = state.entry
    if entry is None:
        return OrderState(order_id=state.id, source=state.source, status=state.status)
    heads = await call.services.ledger.heads()
    return OrderState(
        order_id=state.id,
        source=state.source,
        status=state.status,
        points=entry.points,
        reason=entry.reason,
        as_of=str(Version(heads.epoch, {entry.shard: entry.position})),
    )


ROUTES = (place_order, show_order)
