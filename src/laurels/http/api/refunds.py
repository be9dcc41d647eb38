"""Refunds: of an order, or of an amount that names none."""

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from laurels.checkout import CIRCLE, SOURCE
from laurels.errors import Conflict, InvalidInput, LedgerUnavailable, UnknownOrder
from laurels.http.api.moves import reason_for
from laurels.http.api.orders import OrderEntry, bought_in, show_entry
from laurels.http.routes import Access, Request, Response, route
from laurels.intake import AnySource, RefundForm, UnlinkedRefundForm
from laurels.ledger import DocumentState, OrderKey
from laurels.model import Cancellation, DocumentKind, EntryKind, Refund, Status, Version
from laurels.model.details import Details

WRITE = Access(("orders:write",))


class CircleQuery(Struct, forbid_unknown_fields=True):
    """Which system numbered the refund. Which one numbered the order need not be said: the refund has said it; where it
    is said it must be so.
    """

    source: AnySource = "shop"
    order_source: AnySource | None = None


class CancelQuery(Struct, forbid_unknown_fields=True):
    """The same; what is not said here may be said in the body."""

    source: AnySource | None = None
    order_source: AnySource | None = None


class CancellationForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which system numbered the refund (`shop`), and which one the order, as where the refund was sent."""

    source: AnySource | None = None
    order_source: AnySource | None = None


class RefundAccepted(Struct, frozen=True):
    """A refund that is durable, and how far it got."""

    refund_id: str
    status: Status


class RefundState(Struct, frozen=True, kw_only=True):
    """How far a refund got. Once it counts: what it takes back now, why, and how it came to that entry by entry (its
    cancellation is one); `as_of` is the version from which boards show it. While it waits or is in quarantine: why.
    """

    refund_id: str
    order_id: str
    source: str
    status: Status
    points: int | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    as_of: str | UnsetType = UNSET
    entries: list[OrderEntry] | UnsetType = UNSET


@route(
    "POST",
    "/order/{order_id}/refund",
    access=WRITE,
    answers={202: RefundAccepted, 200: RefundAccepted},
    problems=(Conflict, LedgerUnavailable),
)
async def refund_order(request: Request, form: RefundForm) -> Response:
    """Accept a refund of an order. It may come before its order; then it waits.

    It takes back what the refunded part of the order had earned, under the rules of that time.
    """
    order_id = request.ids["order_id"]
    refund = form.refund(form.member_id, request.services.now(), order_id)
    circle = await _circle(request, refund.order_source or refund.source, order_id, refund.member_id)
    return await _accept(request, refund if circle is None else msgspec.structs.replace(refund, order_source=circle))


@route(
    "GET",
    "/order/{order_id}/refund/{refund_id}",
    access=Access(("orders:write", "members:read"), members="any"),
    answers={200: RefundState},
    problems=(UnknownOrder, LedgerUnavailable),
)
async def show_refund(request: Request, query: CircleQuery) -> Response:
    """Tell how far a refund of an order got, and what it took back. A member sees its own alone."""
    refund_id, order_id = request.ids["refund_id"], request.ids["order_id"]
    ledger = request.services.ledger
    state = await ledger.document(DocumentKind.REFUND, query.source, refund_id, of_member=request.caller.member_id)
    if state is None or not _is_of(state, order_id, query.order_source):
        raise UnknownOrder("No such refund.")
    shown = RefundState(refund_id=refund_id, order_id=order_id, source=query.source, status=state.status)
    if state.entry is None:
        reason = reason_for(request, state)
        return Response(200, shown if reason is None else replace(shown, reason=reason))
    of_order = await ledger.order_entries(*_order_of(state))
    earned = max((n for n, entry in enumerate(of_order) if entry.kind is EntryKind.EARN), default=0)
    since_earned = of_order[earned:]  # an amendment earns anew, and carries refunds over
    own = [entry for entry in of_order if (entry.source, entry.refund_id) == (query.source, refund_id)]
    if not own:
        raise UnknownOrder("No such refund.")
    entries = await request.services.programs.worded(own, ledger)
    return Response(
        200,
        replace(
            shown,
            points=sum(entry.points for entry in own if entry in since_earned),
            reason=entries[0].reason,
            as_of=request.token(Version((await ledger.heads()).epoch, {entries[-1].shard: entries[-1].position})),
            entries=[show_entry(entry) for entry in entries],
        ),
    )


@route(
    "POST",
    "/loyalty/{member_id}/refund",
    access=WRITE,
    answers={202: RefundAccepted, 200: RefundAccepted},
    problems=(Conflict, LedgerUnavailable),
)
async def refund_member(request: Request, form: UnlinkedRefundForm) -> Response:
    """Accept a refund that names no order: it takes back what its amount would earn."""
    return await _accept(request, form.refund(request.ids["member_id"], request.services.now()))


@route(
    "POST",
    "/order/{order_id}/refund/{refund_id}/cancel",
    access=WRITE,
    answers={202: RefundAccepted, 200: RefundAccepted},
    problems=(UnknownOrder, Conflict, LedgerUnavailable),
)
async def cancel_refund(request: Request, form: CancellationForm, query: CancelQuery) -> Response:
    """Cancel a refund that failed or was a mistake: its order is worth what the other refunds leave.

    The cancelled refund's id stays used. A refund that waits for its order can be cancelled too.
    """
    refund_id = request.ids["refund_id"]
    source = _once("source", form.source, query.source) or "shop"
    named = _once("order_source", form.order_source, query.order_source)
    request.caller.check_source(source)
    refund = await request.services.ledger.document(DocumentKind.REFUND, source, refund_id)
    if refund is None or refund.dropped or not _is_of(refund, request.ids["order_id"], named):
        raise UnknownOrder("This order has no such refund.")
    order_source, order_id = _order_of(refund)
    cancellation = Cancellation(
        source=source,
        refund_id=refund_id,
        order_id=order_id,
        order_source=order_source if order_source != source else None,
    )
    receipt = await request.services.intake.cancel(cancellation, request.caller.actor)
    return Response(200 if receipt.repeated else 202, RefundAccepted(refund_id, receipt.status))


def _once(field: str, said: str | None, asked: str | None) -> str | None:
    """What the body or the query names. Raises `InvalidInput` where they differ: another refund would be cancelled."""
    if said is not None and asked is not None and said != asked:
        raise InvalidInput.of(field, "is another one in the body than in the address")
    return said if said is not None else asked


async def _circle(request: Request, order_source: str, order_id: str, member_id: str | None) -> str | None:
    """The buyer's own circle, where an order of the source `checkout` is not one of version 0.1's, which shared one:
    that of the id, or of who became one with it, where the order is in that one.
    """
    if order_source != SOURCE or not member_id:
        return None
    if await request.services.ledger.document(DocumentKind.ORDER, SOURCE, order_id, of_member=member_id) is not None:
        return None
    circle, _ = await bought_in(request, member_id, order_id)
    return circle


def _is_of(refund: DocumentState, order_id: str, order_source: str | None) -> bool:
    """Whether a refund is of this order, of this source where one is named."""
    if refund.entry is None and refund.order_key is None:
        return False  # it names none
    source, own = _order_of(refund)
    circle = SOURCE if source.startswith(CIRCLE) else source
    return own == order_id and order_source in {None, source, circle}


def _order_of(refund: DocumentState) -> OrderKey:
    """The order that a refund is of."""
    if refund.entry is not None:
        return Details.decode(refund.entry.details).order_source or refund.source, refund.entry.order_id or ""
    assert refund.order_key is not None, "it names one"
    return refund.order_key


async def _accept(request: Request, refund: Refund) -> Response:
    request.caller.check_source(refund.source)
    receipt = await request.services.intake.accept(refund, request.raw, request.caller.actor)
    return Response(200 if receipt.repeated else 202, RefundAccepted(refund.refund_id, receipt.status))


ROUTES = (refund_order, show_refund, cancel_refund, refund_member)
