"""What an order's lines say: what was bought, what it is, what came back of it."""

from enum import StrEnum

from msgspec import Struct


class LineKind(StrEnum):
    """What a line is. Programs say which of them earn."""

    GOODS = "goods"
    SHIPPING = "shipping"
    FEE = "fee"
    TIP = "tip"
    DEPOSIT = "deposit"
    GIFT_CARD = "gift_card"
    TAX = "tax"


class Line(Struct, frozen=True, array_like=True, gc=False):
    """One line of an order: quantity and unit price in millionths, the price of major units; a discount's price is
    negative.
    """

    sku: str
    quantity: int
    unit_price: int


class Traits(Struct, frozen=True, omit_defaults=True, gc=False):
    """What else is said of a line. `category` is a path (`grocery/dairy`); `discount` (its own) and `tax` are
    millionths of major units, `tax` None where the line does not say it.
    """

    category: str | None = None
    brand: str | None = None
    kind: LineKind = LineKind.GOODS
    tags: tuple[str, ...] = ()
    discount: int = 0
    tax: int | None = None


NO_TRAITS = Traits()


class Payment(Struct, frozen=True, array_like=True, gc=False):
    """A part of an order's total by its method, in minor units."""

    method: str
    amount: int


class ReturnLine(Struct, frozen=True, array_like=True, gc=False):
    """A line that comes back, counted from 1 as the order was sent: so many minor units of it, or so many millionths of
    its quantity.
    """

    line: int
    amount: int | None = None
    quantity: int | None = None
