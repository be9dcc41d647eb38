"""What an order is to the program, and the net of its lines: each line's share of the total in whole minor units.

A net is fixed once, when the order is awarded, by largest remainder. A refund never shares pennies anew: that is not
monotone, so a refund could give points back (the Alabama paradox).
"""

from math import gcd

from msgspec import Struct

from laurels.errors import Refused
from laurels.model.currencies import DECIMALS
from laurels.model.lines import Payment
from laurels.program.rules import GOODS

ONE = 1_000_000
"""A quantity of one."""


class BasketLine(Struct, frozen=True, gc=False):
    """A line: quantity, unit price, discount and tax in millionths, the last three of major units. A negative price is
    a discount on the whole order. `tax` None: the line does not say it.
    """

    sku: str | None = None
    quantity: int = ONE
    unit_price: int = 0
    category: str | None = None
    brand: str | None = None
    kind: str = GOODS
    tags: tuple[str, ...] = ()
    discount: int = 0
    tax: int | None = None


class Basket(Struct, frozen=True, kw_only=True, gc=False):
    """An order as it is judged. `occurred_at` is filled in; `total` is in minor units. `order` is what the order is
    known by, and only has to differ between a member's orders.
    """

    order: str
    currency: str
    total: int
    occurred_at: int
    lines: tuple[BasketLine, ...] = ()
    payments: tuple[Payment, ...] = ()
    channel: str | None = None
    source: str | None = None
    region: str | None = None
    store: str | None = None
    coupons: tuple[str, ...] = ()


class MemberFacts(Struct, frozen=True, kw_only=True):
    """What the shop has said of a member, and may be erased. `birthday` is `MM-DD`; `draw` is a hash of the member by a
    secret of the ledger, by which holdouts are chosen.
    """

    birthday: str | None = None
    segments: tuple[str, ...] = ()
    referred: bool = False
    enrolled_at: int | None = None
    draw: bytes = b""


NOBODY = MemberFacts()
WHOLE = BasketLine(unit_price=ONE)
"""The one line of an order that sends only its total."""


def weights(lines: tuple[BasketLine, ...]) -> list[int]:
    """What each line costs after its own discount, in 10^-12 of a major unit; 0 for a discount on the order."""
    found = [line.quantity * line.unit_price - line.discount * ONE for line in lines]
    return found if min(found, default=0) >= 0 else [max(0, each) for each in found]


def nets(total: int, weighed: list[int], currency: str) -> tuple[int, ...]:
    """Each line's share of the total in minor units; they add up to it. Of equal remainders the earlier line's is
    rounded up. Raises `Refused` where there is a total, and no line that it could be of.
    """
    whole = sum(weighed)
    scale = 10 ** (12 - DECIMALS[currency])
    if whole == total * scale:
        shares = [weight // scale for weight in weighed]
        if sum(shares) == total:
            return tuple(shares)
    if not whole:
        if total:
            raise Refused("the lines cost nothing, and the order has a total")
        return (0,) * len(weighed)
    shares, rests = [], []
    for weight in weighed:
        share, rest = divmod(total * weight, whole)
        shares.append(share)
        rests.append(rest)
    missing = total - sum(shares)
    for place in sorted(range(len(rests)), key=lambda place: (-rests[place], place))[:missing]:
        shares[place] += 1
    return tuple(shares)


def paid_share(basket: Basket, excluded: frozenset[str]) -> tuple[int, int] | None:
    """The share of the order that earns, for how it was paid; None: all of it. Raises `Refused` where the payments do
    not add up to the total.
    """
    if not basket.payments:
        return None
    if sum(payment.amount for payment in basket.payments) != basket.total:
        raise Refused("payments do not add up to the total")
    kept_out = sum(payment.amount for payment in basket.payments if payment.method in excluded)
    if not kept_out or not basket.total:
        return None
    common = gcd(basket.total - kept_out, basket.total)
    return (basket.total - kept_out) // common, basket.total // common


def taxed_share(line: BasketLine, weight: int) -> str:
    """The share of a line that earns where tax does not, as `"5/6"`. Raises `Refused` where the line does not say its
    tax: it is never guessed.
    """
    if line.tax is None:
        raise Refused("the program leaves tax out, and the line does not say its tax")
    tax = line.tax * ONE
    if not weight:
        return "1"
    if tax > weight:
        raise Refused("a line's tax is more than the line")
    common = gcd(weight - tax, weight)
    return f"{(weight - tax) // common}/{weight // common}"
