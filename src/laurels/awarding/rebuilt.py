"""What documents said of which no content is kept (any more): from their entries, and from what is kept of orders."""

from collections.abc import Callable, Mapping

import msgspec

from laurels.awarding.refunds import Refunds
from laurels.clock import MINUTE
from laurels.errors import Refused
from laurels.ledger import Awarded, OrderKey
from laurels.model import Adjustment, Amendment, Cancellation, DocumentKind, Order, Redemption, Refund, Restoration
from laurels.model.details import (
    Details,
    TierDetails,
    adjust_details,
    hold_details,
    restore_details,
    transfer_details,
)
from laurels.model.spending import Capture, Hold, TierGrant, Transfer, Void
from laurels.program import Frame

_tier = msgspec.json.Decoder(TierDetails)


def changed_again(document: Awarded, revision: int, frame: Frame) -> bytes:
    """What a change of an order said, as far as the frame has it that it led to: enough to judge it in that, or where
    every version is simple.
    """
    order = Order(
        source=document.source,
        order_id=document.entry.order_id or "",
        currency=frame.currency,
        total=frame.total,
        occurred_at=frame.at,
    )
    return msgspec.json.encode(Amendment(revision=revision, order=order))


def rebuilt(document: Awarded, refunds: Mapping[OrderKey, Refunds], *, by_line: bool) -> bytes:
    """The content of a document, as far as it is known; `refunds` are those that are kept of orders, `by_line` says
    whether the lines are known of the order that it names: else their total is enough. Raises `Refused` where nothing
    is known.
    """
    if document.kind is DocumentKind.REFUND:
        return _refund(document, refunds, by_line=by_line)
    return _REBUILT[document.kind](document)


def _order(document: Awarded) -> bytes:
    """An order of which only the total is known any more."""
    entry = document.entry
    return msgspec.json.encode(
        Order(
            source=document.source,
            order_id=document.id,
            currency=entry.currency or "",
            total=entry.amount or 0,
            occurred_at=entry.occurred_at,
        )
    )


def order_refunded(document: Awarded) -> OrderKey | None:
    """The order that a refund names, by its entry."""
    entry = document.entry
    if document.kind is not DocumentKind.REFUND or entry.order_id is None:
        return None
    return Details.decode(entry.details).order_source or document.source, entry.order_id


def _refund(document: Awarded, refunds: Mapping[OrderKey, Refunds], *, by_line: bool) -> bytes:
    entry, known, key = document.entry, None, order_refunded(document)
    order_source = Details.decode(entry.details).order_source
    if key is not None:
        known = refunds.get(key, Refunds()).find(document.source, document.id)
        if known is not None and known.lines and not by_line:
            known = None
    said = Refund(
        source=document.source,
        refund_id=document.id,
        order_id=entry.order_id,
        currency=entry.currency or "",
        amount=(entry.amount or 0) if known is None else known.amount,
        occurred_at=entry.occurred_at,
        order_source=order_source,
        lines=() if known is None else known.lines,
    )
    return msgspec.json.encode(said)


def _lost(document: Awarded) -> bytes:
    raise Refused(f"what the {document.kind} {document.id} said is not kept any more")


def _cancellation(document: Awarded) -> bytes:
    entry = document.entry
    said = Cancellation(
        source=document.source,
        refund_id=document.id,
        order_id=entry.order_id or "",
        order_source=Details.decode(entry.details).order_source,
    )
    return msgspec.json.encode(said)


def _adjustment(document: Awarded) -> bytes:
    entry = document.entry
    details = adjust_details(entry.details)
    said = Adjustment(
        id=document.id,
        points=entry.points,
        actor="",
        board=details.board,
        occurred_at=entry.occurred_at,
        expires_at=details.expires_at,
        quiet=True,
    )
    return msgspec.json.encode(said)


def _redemption(document: Awarded) -> bytes:
    points = -document.entry.points
    return msgspec.json.encode(Redemption(source=document.source, redemption_id=document.id, points=points))


def _restoration(document: Awarded) -> bytes:
    assert document.entry.details is not None, "what comes back names its redemption"
    return msgspec.json.encode(
        Restoration(
            source=document.source,
            cancel_id=document.id.split("\n")[-1],
            redemption_id=restore_details(document.entry.details).redemption_id,
            points=document.entry.points,
        )
    )


def _hold(document: Awarded) -> bytes:
    details = hold_details(document.entry.details)
    minutes = (details.until - document.entry.recorded_at) // MINUTE
    said = Hold(
        source=document.source, hold_id=document.id, points=details.points, minutes=minutes, shares=details.shares
    )
    return msgspec.json.encode(said)


def _capture(document: Awarded) -> bytes:
    return msgspec.json.encode(Capture(source=document.source, hold_id=document.id, points=-document.entry.points))


def _void(document: Awarded) -> bytes:
    return msgspec.json.encode(Void(source=document.source, hold_id=document.id))


def _transferred(document: Awarded) -> bytes:
    details = transfer_details(document.entry.details)
    assert details.to is not None, "who gives names whom"
    return msgspec.json.encode(
        Transfer(source=document.source, transfer_id=document.id, to=details.to, points=-document.entry.points)
    )


def _grant(document: Awarded) -> bytes:
    details = _tier.decode(document.entry.details or b"{}")
    until = details.until or 0
    return msgspec.json.encode(
        TierGrant(source=document.source, grant_id=document.id, tier=details.granted or "", until=until)
    )


_REBUILT: dict[DocumentKind, Callable[[Awarded], bytes]] = {
    DocumentKind.ORDER: _order,
    DocumentKind.CANCELLATION: _cancellation,
    DocumentKind.AMENDMENT: _lost,
    DocumentKind.ADJUSTMENT: _adjustment,
    DocumentKind.REDEMPTION: _redemption,
    DocumentKind.RESTORATION: _restoration,
    DocumentKind.HOLD: _hold,
    DocumentKind.CAPTURE: _capture,
    DocumentKind.VOID: _void,
    DocumentKind.TRANSFER: _transferred,
    DocumentKind.GRANT: _grant,
}
"""What a document said of which no content is kept, from its entry."""
