"""Orders: accept one, and tell how far it got."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Struct, UnsetType

from laurels.awarding import OrderWorth, order_worth
from laurels.checkout import CIRCLE, SOURCE, is_bought
from laurels.errors import Conflict, FieldError, InvalidInput, LedgerUnavailable, UnknownOrder
from laurels.http.admission.callers import Caller
from laurels.http.api.checkout import check_out
from laurels.http.api.moves import reason_for
from laurels.http.problems import FieldProblem, as_problems
from laurels.http.routes import Access, Request, Response, route
from laurels.intake import AmendmentForm, AnySource, OrderForm
from laurels.ledger import DocumentState, Receipt
from laurels.model import Amendment, Document, DocumentKind, Entry, EntryKind, Order, Status, Version
from laurels.model.details import Details
from laurels.model.money import format_amount
from laurels.model.times import format_instant
from laurels.program import format_grains
from laurels.program.local_time import NEVER


class Accepted(Struct, frozen=True):
    """An order that is durable, and how far it got. `warnings` names what was left out, since it moves no points."""

    order_id: str
    status: Status
    warnings: list[FieldProblem] | UnsetType = UNSET


class OrderEntry(Struct, frozen=True, kw_only=True):
    """One step of how an order came to its points."""

    kind: EntryKind
    refund_id: str | UnsetType = UNSET
    points: int
    reason: str


class Part(Struct, frozen=True):
    """Points by what gave them: whole, or a decimal string where what is below a point is carried."""

    name: str
    points: int | str


class OrderLine(Struct, frozen=True):
    """What a line's share of the total was, and what is kept of it."""

    net: str
    left: str


class OrderState(Struct, frozen=True, kw_only=True):
    """How far an order got. Once awarded: what it is worth now, why it earned what it did, how it came to that entry by
    entry, and the version from which boards show it. In quarantine: the reason.

    Under a program in depth also what it is worth by part, its total, what is left of it and of its lines, how much of
    that was not paid in a way that earns nothing (`earning`), from when its points can be spent, and when they lapse.
    """

    order_id: str
    source: str
    status: Status
    points: int | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    as_of: str | UnsetType = UNSET
    entries: list[OrderEntry] | UnsetType = UNSET
    parts: list[Part] | UnsetType = UNSET
    total: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    left: str | UnsetType = UNSET
    earning: str | UnsetType = UNSET
    lines: list[OrderLine] | UnsetType = UNSET
    active_at: str | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET


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
async def place_order(request: Request, form: OrderForm) -> Response:
    """Accept an order; with a member's own token: buy what is in the basket.

    202 says that it is durable; 200 that the same content was here before, with its present status. Other content under
    a used id is a conflict and changes nothing.
    """
    order_id = request.ids["order_id"]
    document, warnings = order_document(form, order_id, request.raw, request.caller, request.services.now())
    return accepted(order_id, await request.services.intake.accept_document(document), warnings)


def order_document(
    form: OrderForm, order_id: str, raw: bytes, caller: Caller, now: int
) -> tuple[Document, list[FieldError]]:
    """A caller's order as the ledger takes it, and what of it is left out. Raises `InvalidInput`, `NotAllowed`."""
    caller.check_source(form.source)
    order, warnings = form.order(order_id, now), form.warnings()
    return order.document(form.usable() if warnings else raw, caller.actor), warnings


def accepted(order_id: str, receipt: Receipt, warnings: Sequence[FieldError]) -> Response:
    """The answer to an order that is in the ledger."""
    body = Accepted(order_id, receipt.status, as_problems(warnings) or UNSET)
    return Response(200 if receipt.repeated else 202, body)


@route(
    "GET",
    "/order/{order_id}",
    access=Access(("orders:write", "members:read"), members="any"),
    answers={200: OrderState},
    problems=(UnknownOrder, LedgerUnavailable),
)
async def show_order(request: Request, query: OrderQuery) -> Response:
    """Tell how far an order got, and what it earned. A member sees its own orders alone."""
    state = await state_of(request, query.source, request.ids["order_id"])
    if state is None:
        raise UnknownOrder
    return Response(200, msgspec.structs.replace(await _shown(request, state), source=shown_source(request, state)))


def shown_source(request: Request, state: DocumentState) -> str:
    """The source of an order as its caller knows it: of what a member bought itself, not the number in it."""
    return SOURCE if request.caller.member_id is not None and is_bought(state.source) else state.source


async def state_of(request: Request, source: str, order_id: str) -> DocumentState | None:
    """An order as its caller may see it. `checkout` of a member's request is what it bought itself."""
    member_id, ledger = request.caller.member_id, request.services.ledger
    if member_id is not None and source == SOURCE:
        _, own = await bought_in(request, member_id, order_id)
        if own is not None:
            return own
    return await ledger.document(DocumentKind.ORDER, source, order_id, of_member=member_id)


async def bought_in(request: Request, member_id: str, order_id: str) -> tuple[str | None, DocumentState | None]:
    """An order that a member bought itself, and the circle that it is in: of the id, or of who became one with it. What
    is in none of them is looked for in that of the id, and None of who is unknown.
    """
    ledger = request.services.ledger
    circles = [f"{CIRCLE}{number}" for number in await ledger.numbers(member_id)]
    for circle in circles:
        own = await ledger.document(DocumentKind.ORDER, circle, order_id, of_member=member_id)
        if own is not None:
            return circle, own
    return (circles[0] if circles else None), None


async def _shown(request: Request, state: DocumentState) -> OrderState:
    shown = OrderState(order_id=state.id, source=state.source, status=state.status)
    if state.entry is None:
        reason = reason_for(request, state)
        return shown if reason is None else msgspec.structs.replace(shown, reason=reason)
    ledger = request.services.ledger
    entries = await request.services.programs.worded(await ledger.order_entries(state.source, state.id), ledger)
    last = entries[-1]
    award = None if request.services.programs.simple else await ledger.order_award(state.source, state.id)
    if award is not None and award.frame is not None:
        shown = _in_depth(shown, order_worth(award, request.services.programs))
    return msgspec.structs.replace(
        shown,
        points=sum(entry.points for entry in entries),
        reason=[entries[0], *(entry for entry in entries if entry.kind is EntryKind.EARN)][-1].reason,
        as_of=request.token(Version((await ledger.heads()).epoch, {last.shard: last.position})),
        entries=[show_entry(entry) for entry in entries],
    )


def _in_depth(shown: OrderState, worth: OrderWorth) -> OrderState:
    frame = worth.frame
    earning, paid = frame.paid or (1, 1)
    lines = [OrderLine(*(format_amount(n, frame.currency) for n in (each.net, each.left))) for each in worth.lines]
    return msgspec.structs.replace(
        shown,
        parts=parts_of(worth.parts),
        total=format_amount(frame.total, frame.currency),
        currency=frame.currency,
        left=format_amount(worth.left, frame.currency),
        earning=format_amount(worth.left * earning // paid, frame.currency),
        lines=lines,
        active_at=format_instant(frame.active_at),
        expires_at=UNSET if frame.expires_at == NEVER else format_instant(frame.expires_at),
    )


def parts_of(parts: Sequence[tuple[str, int]]) -> list[Part]:
    """Parts in grains, as they are shown; those of 0 points are left out, but for the base."""
    shown = [(name, format_grains(grains)) for name, grains in parts if grains or name == "base"]
    return [Part(name, text if "." in text else int(text)) for name, text in shown]


def show_entry(entry: Entry) -> OrderEntry:
    """An entry of an order as it is shown."""
    return OrderEntry(
        kind=entry.kind,
        refund_id=UNSET if entry.refund_id is None else entry.refund_id,
        points=entry.points,
        reason=entry.reason,
    )


@route(
    "POST",
    "/order/{order_id}/amend",
    access=Access(("orders:write",)),
    answers={202: Accepted, 200: Accepted},
    problems=(UnknownOrder, Conflict, LedgerUnavailable),
)
async def amend_order(request: Request, form: AmendmentForm) -> Response:
    """Change an order after it was sent: it is taken back whole and earned anew, in one step, and refunds that were
    taken are carried over. One that is not awarded yet, or lies in quarantine, is awarded as it was changed to.
    Revisions rise: one that is older than what was taken conflicts. The same again is answered, not done twice.
    """
    order_id = request.ids["order_id"]
    request.caller.check_source(form.source)
    amendment = form.amendment(order_id, request.services.now())
    state = await request.services.ledger.document(DocumentKind.ORDER, form.source, order_id)
    if state is None:
        raise UnknownOrder
    await _check_same(request, state, amendment.order)
    await _check_rises(request, amendment)
    warnings = form.warnings()
    receipt = await request.services.intake.accept(
        amendment, form.usable() if warnings else request.raw, request.caller.actor
    )
    return accepted(order_id, receipt, warnings)


async def _check_same(request: Request, state: DocumentState, order: Order) -> None:
    """A change may not be to another member or currency: that would be another order. A member may have two ids."""
    if state.member_id not in {None, order.member_id}:
        kind, ledger = DocumentKind.ORDER, request.services.ledger
        if await ledger.document(kind, order.source, order.order_id, of_member=order.member_id) is None:
            raise InvalidInput.of("member_id", "must be the order's own")
    entry = state.entry
    if entry is not None and entry.currency != order.currency:
        raise InvalidInput.of("currency", f"must be the order's own, {entry.currency}")


async def _check_rises(request: Request, amendment: Amendment) -> None:
    """An older state of an order, which came late, is refused here where that is known: it would only lie in
    quarantine. The same revision again is the intake's to answer.
    """
    ledger, order = request.services.ledger, amendment.order
    entries = await ledger.order_entries(order.source, order.order_id)
    last = max((Details.decode(entry.details).amended or 0 for entry in entries), default=0)
    if amendment.revision >= last:
        return
    document = amendment.document()
    if await ledger.document(document.kind, document.source, document.id) is None:
        raise Conflict(f"Revision {last} of this order was taken before, which is later. Nothing was changed.")


ROUTES = (place_order, show_order, amend_order)
