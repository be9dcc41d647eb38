"""What a step of a worked case says, in Laurels' types; and what is told of the points that result."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from laurels.awarding.owing import Liability
from laurels.model import Channel, Line, LineKind, Order, Traits
from laurels.model.currencies import DECIMALS
from laurels.model.money import parse_amount, parse_millionths
from laurels.model.times import format_instant, from_datetime
from laurels.program import Basket, BasketLine, Payment, ProgramState
from laurels.program.liability import Outstanding, half_up
from laurels.program.local_time import NEVER

SOURCE = "till"


def instant(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text))


def basket_of(step: dict[str, Any], at: int) -> Basket:
    """An order of a step; `total` is what its lines add up to where it says none."""
    currency = step.get("currency", "GBP")
    lines = tuple(
        BasketLine(
            sku=line.get("sku"),
            quantity=parse_millionths(line.get("quantity", "1"), "quantity"),
            unit_price=parse_millionths(line["unit_price"], "unit_price", signed=True),
            category=line.get("category"),
            brand=line.get("brand"),
            kind=line.get("kind", "goods"),
            tags=tuple(line.get("tag", ())),
            discount=parse_millionths(line.get("discount", "0"), "discount"),
            tax=parse_millionths(line["tax"], "tax") if "tax" in line else None,
        )
        for line in step.get("lines", [])
    )
    total = parse_amount(step["total"], currency, "total") if "total" in step else total_of(lines, currency)
    return Basket(
        order=step["order"],
        currency=currency,
        total=total,
        occurred_at=at,
        lines=lines,
        payments=tuple(
            Payment(each["method"], parse_amount(each["amount"], currency, "amount"))
            for each in step.get("payments", [])
        ),
        channel=step.get("channel"),
        source=step.get("source"),
        region=step.get("region"),
        coupons=(step["coupon"],) if "coupon" in step else (),
    )


def total_of(lines: tuple[BasketLine, ...], currency: str) -> int:
    exact = 0
    for line in lines:
        gross = line.quantity * line.unit_price
        exact += gross if gross < 0 else max(0, gross - line.discount * 1_000_000)
    scale: int = 10 ** (12 - DECIMALS[currency])
    return (2 * exact + scale) // (2 * scale)


def order_of(step: dict[str, Any], member: str) -> Order:
    """The order that a shop would send for a step."""
    basket = basket_of(step, 0)
    traits = tuple(
        Traits(line.category, line.brand, LineKind(line.kind), line.tags, line.discount, line.tax)
        for line in basket.lines
    )
    return Order(
        source=SOURCE,
        order_id=step["order"],
        member_id=member,
        currency=basket.currency,
        total=basket.total,
        occurred_at=instant(step["occurred"]) if "occurred" in step else None,
        lines=tuple(Line(line.sku or "", line.quantity, line.unit_price) for line in basket.lines),
        traits=traits if any(each != Traits() for each in traits) else (),
        channel=Channel(step.get("channel", "web")),
        region=basket.region,
        coupons=basket.coupons,
        payments=basket.payments,
    )


def lots_of(state: ProgramState) -> dict[str, int]:
    return {lot_name(lot.expires, lot.origin): lot.active for lot in state.lots if lot.active}


def lot_name(expires: int, origin: int) -> str:
    return ("never" if expires == NEVER else format_instant(expires)) + (" restored" if expires > origin else "")


def told_liability(step: dict[str, Any], owed: Liability | Outstanding, moved: Mapping[str, int]) -> dict[str, Any]:
    """What is outstanding, what moved by kind, and what it is worth at a step's value of a point."""
    value = Fraction(step["value"]) * (owed.active + owed.pending)
    return {
        "active": owed.active,
        "pending": owed.pending,
        "owed": owed.owed,
        "total": owed.total,
        "moved": {kind: points for kind, points in sorted(moved.items()) if points},
        "value": str(half_up(value)),
        "expected": str(half_up(value * Fraction(step.get("redeemed_share", "1")))),
    }
