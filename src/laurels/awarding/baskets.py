"""An order as the program judges it, and the frame of one that was awarded."""

import msgspec

from laurels.errors import Refused
from laurels.ledger import Award
from laurels.model import Order, Refund
from laurels.model.lines import NO_TRAITS
from laurels.program import NEW, Basket, BasketLine, Frame, Program, frame_of
from laurels.program.local_time import NEVER

_order = msgspec.json.Decoder(Order)


def known_by(source: str, order_id: str) -> str:
    """What an order is known by among a member's. No id has a line end in it."""
    return f"{source}\n{order_id}"


def basket_of(order: Order, at: int) -> Basket:
    """An order at the instant when it happened. Linear in its lines."""
    return Basket(
        order=known_by(order.source, order.order_id),
        currency=order.currency,
        total=order.total,
        occurred_at=at,
        lines=_lines(order),
        payments=order.payments,
        channel=order.channel.value,
        source=order.source,
        region=order.region,
        store=order.store,
        coupons=order.coupons,
    )


def _lines(order: Order) -> tuple[BasketLine, ...]:
    if not order.traits:
        return tuple([BasketLine(line.sku or None, line.quantity, line.unit_price) for line in order.lines])
    return tuple(
        [
            BasketLine(
                line.sku or None,
                line.quantity,
                line.unit_price,
                traits.category,
                traits.brand,
                traits.kind,
                traits.tags,
                traits.discount,
                traits.tax,
            )
            for line, traits in zip(order.lines, order.traits or (NO_TRAITS,) * len(order.lines), strict=True)
        ]
    )


def goods_of(refund: Refund, at: int) -> Basket:
    """What a refund that names no order gives back: plain goods of its amount."""
    return Basket(
        order=known_by(refund.source, f"\n{refund.refund_id}"),
        currency=refund.currency,
        total=refund.amount,
        occurred_at=at,
        source=refund.source,
    )


def frame_of_award(award: Award, program: Program, *, by_line: bool) -> Frame:
    """The frame that an order was awarded in; `program` is its version. Where none was kept it follows from the order,
    and for refunds that are not `by_line` from its total. Raises `Refused` where its lines are not known any more.
    """
    if award.frame is not None:
        return Frame.decode(award.frame)
    if by_line:
        if award.content is None:
            raise Refused(f"the lines of the order {award.order_id} are not known (any more)")
        try:
            order = _order.decode(award.content)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Refused(f"the order {award.order_id} cannot be read: {error}") from error
        return frame_of(program, basket_of(order, award.board_at), NEW)
    at = award.board_at
    return Frame(program.version, award.currency, at, at, NEVER, (award.amount,))
