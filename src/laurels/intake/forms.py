"""Orders and refunds as they come in, and the checks that turn them into model objects.

The structs are also what the API's documentation is made from. They hold what the sender wrote; `order()` and
`refund()` give the model object or raise `InvalidInput` with every field that is at fault.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from laurels.errors import FieldError, InvalidInput
from laurels.intake.decoding import CHECK
from laurels.model import Amendment, Channel, Line, Order, Refund
from laurels.model.currencies import DECIMALS
from laurels.model.ids import ID, SKU, SOURCE, check_email, check_id, check_sku, check_source
from laurels.model.money import (
    check_currency,
    check_total,
    format_amount,
    parse_amount,
    parse_millionths,
    sum_lines,
)
from laurels.model.times import check_occurred, parse_instant

T = TypeVar("T")

MAX_LINES = 10_000
_NO_LINE = Line("", 0, 0)

Id = Annotated[
    str,
    Meta(
        examples=["#1001"],
        extra={CHECK: check_id},
        extra_json_schema={"pattern": rf"^{ID}\Z"},
    ),
]
MemberId = Annotated[Id, Meta(description="the shop's own id of a customer", examples=["17850"])]
Source = Annotated[
    str,
    Meta(
        description="the system that numbers these: an id is used once within it; not laurels, checkout or member",
        examples=["shop"],
        extra={CHECK: check_source},
        extra_json_schema={"pattern": rf"^{SOURCE}\Z"},
    ),
]
AnySource = Annotated[
    str,
    Meta(
        description="the system that numbers these",
        examples=["shop"],
        extra={CHECK: check_id},
        extra_json_schema={"pattern": rf"^{ID}\Z"},
    ),
]
"""A source that is asked for: Laurels' own too, and those of version 0.1, which took any id."""
Currency = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=3,
        description="ISO 4217; orders in a currency that the program does not name are quarantined",
        examples=["GBP"],
        extra_json_schema={"enum": sorted(DECIMALS)},
    ),
]
Amount = Annotated[
    str,
    Meta(
        max_length=32,
        description="a decimal string in major units, with the currency's decimals; zeros behind them change nothing",
        examples=["25.00"],
        extra_json_schema={"pattern": r"^(0|[1-9][0-9]{0,11})(\.[0-9]+)?\Z"},
    ),
]
UnitPrice = Annotated[
    str,
    Meta(
        max_length=32,
        description="a decimal string in major units, at most 6 decimals; below zero for a discount",
        examples=["2.55"],
        extra_json_schema={"pattern": r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,6}0*)?\Z"},
    ),
]
QuantityText = Annotated[
    str,
    Meta(
        max_length=32,
        description="or a decimal string, at most 6 decimals",
        examples=["0.350"],
        extra_json_schema={"pattern": r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6}0*)?\Z"},
    ),
]
Instant = Annotated[
    str,
    Meta(
        max_length=64,
        description="RFC 3339 with an offset, from 2000-01-01 to 5 minutes from now; left out: when it is accepted",
        examples=["2026-11-01T10:00:00Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
Email = Annotated[
    str,
    Meta(
        description="where the member is reached; an unusable one is left out, and `warnings` says so",
        examples=["ann@example.com"],
    ),
]
Sku = Annotated[str, Meta(pattern=rf"^{SKU}\Z", description="the article's number", examples=["85123A"])]
LineSku = Annotated[
    str,
    Meta(
        description="the article's number; an unusable one is left out, and `warnings` says so",
        examples=["85123A"],
    ),
]
RefundId = Annotated[Id, Meta(description="the refund's id in the system that numbers refunds", examples=["R1"])]

# What is in `extra_json_schema` is told to clients, and checked below with words of its own.


class LineForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """One line of an order. A negative unit price is a discount; a quantity of 0 counts nothing."""

    sku: LineSku | None = None
    quantity: Annotated[int, Meta(ge=0, le=999_999_999_999, description="pieces")] | QuantityText
    unit_price: UnitPrice

    def line(self, field: str) -> Line:
        """The checked line; quantity and price in millionths."""
        quantity = parse_millionths(str(self.quantity), f"{field}.quantity")
        price = parse_millionths(self.unit_price, f"{field}.unit_price", signed=True)
        return Line(self.usable_sku or "", quantity, price)

    @property
    def usable_sku(self) -> str | None:
        """The article's number as it is kept; None where it is lacking or unusable."""
        return None if not self.sku or left_out(check_sku, self.sku, "sku") else self.sku


class OrderForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """An order. `lines`, `total` or both; then they must agree. The same content under the same id counts once, and
    `email` is not part of the content.
    """

    member_id: MemberId
    currency: Currency
    channel: Channel = Channel.WEB
    occurred_at: Instant | None = None
    source: Source = "shop"
    email: Email | None = None
    lines: (
        Annotated[list[LineForm], Meta(min_length=1, max_length=MAX_LINES, description="summed exactly, rounded once")]
        | None
    ) = None
    total: Annotated[Amount, Meta(description="in major units; needed where there are no lines")] | None = None

    def order(self, order_id: str, now: int) -> Order:
        """The checked order. `now` is what `occurred_at` is held against."""
        errors = _Errors()
        currency = errors.keep(lambda: check_currency(self.currency), "")
        at = errors.keep(lambda: _instant(self.occurred_at, now), None)
        lines = [errors.keep(partial(form.line, f"lines[{n}]"), _NO_LINE) for n, form in enumerate(self.lines or ())]
        errors.raise_any()
        return Order(
            source=self.source,
            order_id=order_id,
            member_id=self.member_id,
            currency=currency,
            channel=self.channel,
            occurred_at=at,
            lines=tuple(lines),
            total=self._total(lines, currency),
            email=usable_email(self.email),
        )

    def warnings(self) -> list[FieldError]:
        """What of the order is unusable and left out, since it moves no points; empty for nearly every order."""
        skus = (left_out(check_sku, form.sku, f"lines[{n}].sku") for n, form in enumerate(self.lines or ()) if form.sku)
        return [warning for warning in (email_warning(self.email), *skus) if warning is not None]

    def usable(self) -> bytes:
        """The order without what is left out, to be kept in place of what was received: that may be anything, a card
        number that was typed into the wrong field.
        """
        lines = self.lines and [msgspec.structs.replace(form, sku=form.usable_sku) for form in self.lines]
        return msgspec.json.encode(msgspec.structs.replace(self, email=usable_email(self.email), lines=lines))

    def _total(self, lines: list[Line], currency: str) -> int:
        stated = None if self.total is None else parse_amount(self.total, currency, "total")
        if not lines:
            if stated is None:
                raise InvalidInput.of("total", "is required where there are no lines")
            return stated
        summed = sum_lines(((line.quantity, line.unit_price) for line in lines), currency)
        check_total(summed, currency, "lines")
        if stated is not None and stated != summed:
            raise InvalidInput.of("total", f"must agree with the lines, which sum to {format_amount(summed, currency)}")
        return summed


class NamedOrderForm(OrderForm, forbid_unknown_fields=True, kw_only=True):
    """An order that says its own id, as in bulk and in files."""

    order_id: Id


class AmendmentForm(OrderForm, forbid_unknown_fields=True, kw_only=True):
    """An order that was changed after it was sent: all of it anew. `revision` rises with each change; without
    `occurred_at` the order's own time stays.
    """

    revision: Annotated[int, Meta(ge=1, le=2**31 - 1, description="1, 2, 3 …: higher than those taken before")]

    def amendment(self, order_id: str, now: int) -> Amendment:
        """The checked amendment. `now` is what `occurred_at` is held against."""
        return Amendment(revision=self.revision, order=self.order(order_id, now))


class UnlinkedRefundForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A refund that names no order; the member is named by the path."""

    refund_id: RefundId
    currency: Currency
    amount: Amount
    occurred_at: Instant | None = None
    source: Source = "shop"

    def refund(self, member_id: str, now: int, order_id: str | None = None) -> Refund:
        """The checked refund. `now` is what `occurred_at` is held against."""
        errors = _Errors()
        currency = errors.keep(lambda: check_currency(self.currency), "")
        at = errors.keep(lambda: _instant(self.occurred_at, now), None)
        errors.raise_any()
        amount = parse_amount(self.amount, currency, "amount")
        if amount == 0:
            raise InvalidInput.of("amount", "must be more than zero")
        return Refund(
            source=self.source,
            refund_id=self.refund_id,
            member_id=member_id,
            order_id=order_id,
            currency=currency,
            amount=amount,
            occurred_at=at,
        )


class RefundForm(UnlinkedRefundForm, forbid_unknown_fields=True, kw_only=True):
    """A refund of an order; the order is named by the path. It may come before its order."""

    member_id: MemberId
    order_source: (
        Annotated[AnySource, Meta(description="the system that numbered the order, where it is another than `source`")]
        | None
    ) = None

    def refund(self, member_id: str, now: int, order_id: str | None = None) -> Refund:
        """The checked refund. `now` is what `occurred_at` is held against."""
        order_source = self.order_source if self.order_source != self.source else None
        return msgspec.structs.replace(super().refund(member_id, now, order_id), order_source=order_source)


def usable_email(text: str | None) -> str | None:
    """An address as it is kept: without white space around it; None for one that is unusable."""
    return None if text is None or email_warning(text) is not None else text.strip()


def email_warning(text: str | None) -> FieldError | None:
    """What to say of an address that is left out."""
    return None if text is None else left_out(check_email, text.strip(), "email")


def left_out(check: Callable[[str, str], str], text: str, field: str) -> FieldError | None:
    """Why a side datum is left out; None for one that is kept."""
    try:
        check(text, field)
    except InvalidInput as error:
        return FieldError(field, f"is left out: it {error.errors[0].message}")
    return None


class _Errors:
    """Gathers what is wrong, so that the sender hears of every field at once."""

    def __init__(self) -> None:
        self._errors: list[FieldError] = []

    def keep(self, check: Callable[[], T], default: T) -> T:
        """The checked value, or `default` after noting what is wrong with it."""
        try:
            return check()
        except InvalidInput as error:
            self._errors.extend(error.errors)
            return default

    def raise_any(self) -> None:
        """Raise `InvalidInput` where anything was noted."""
        if self._errors:
            raise InvalidInput(self._errors)


def _instant(text: str | None, now: int) -> int | None:
    return None if text is None else check_occurred(parse_instant(text, "occurred_at"), now)
