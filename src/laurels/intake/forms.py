"""Orders and refunds as they come in, and the checks that turn them into model objects.

The structs are also what the API's documentation is made from. They hold what the sender wrote; `order()` and
`refund()` give the model object or raise `InvalidInput` with every field that is at fault.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from laurels.errors import FieldError, InvalidInput
from laurels.intake.decoding import CHECK
from laurels.intake.lines import (
    AmountText,
    LineForm,
    PaymentForm,
    ReturnLineForm,
    check_words,
    left_out,
    plain_lines,
    text_of,
)
from laurels.model import Amendment, Channel, Line, Order, Payment, Refund, Traits
from laurels.model.currencies import DECIMALS
from laurels.model.ids import ID, SKU, SOURCE, check_email, check_id, check_sku, check_source, is_email, is_sku
from laurels.model.lines import NO_TRAITS
from laurels.model.money import (
    MILLION,
    check_currency,
    check_total,
    format_amount,
    parse_amount,
    to_minor,
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
SourceText = Annotated[
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
InstantText = Annotated[
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
Region = Annotated[str, text_of(16, "where it was bought, as ISO 3166-2 or as programs name it", "GB-NIR")]
Store = Annotated[str, text_of(64, "the shop's own name of the store", "Leeds 4")]
Coupon = Annotated[str, text_of(64, "a code that the customer used", "SPRING10")]
RefundId = Annotated[Id, Meta(description="the refund's id in the system that numbers refunds", examples=["R1"])]

# What is in `extra_json_schema` is told to clients, and checked below with words of its own.


class OrderForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """An order. `lines`, `total` or both; then they must agree. The same content under the same id counts once, and
    `email` is not part of the content.
    """

    member_id: MemberId
    currency: Currency
    channel: Channel = Channel.WEB
    occurred_at: InstantText | None = None
    source: SourceText = "shop"
    email: Email | None = None
    lines: (
        Annotated[list[LineForm], Meta(min_length=1, max_length=MAX_LINES, description="summed exactly, rounded once")]
        | None
    ) = None
    total: Annotated[AmountText, Meta(description="in major units; needed where there are no lines")] | None = None
    region: Region | None = None
    store: Store | None = None
    coupons: Annotated[list[Coupon], Meta(max_length=8)] | None = None
    payments: (
        Annotated[list[PaymentForm], Meta(min_length=1, max_length=16, description="how it was paid; they add up")]
        | None
    ) = None

    def order(self, order_id: str, now: int) -> Order:
        """The checked order. `now` is what `occurred_at` is held against. One with a fault is read twice: first as far
        as that, then for all that is wrong with it; so one without, as nearly every order is, costs no book-keeping.
        """
        try:
            currency, at = check_currency(self.currency), _instant(self.occurred_at, now)
            lines, traits, exact = self._lines()
            if not (self.region is None and self.store is None and not self.coupons):
                errors = _Errors()
                self._check_words(errors)
                errors.raise_any()
        except InvalidInput:
            self._raise_all(now)
            raise
        total = self._total(exact, currency)
        return Order(
            source=self.source,
            order_id=order_id,
            member_id=self.member_id,
            currency=currency,
            channel=self.channel,
            occurred_at=at,
            lines=lines,
            total=total,
            email=usable_email(self.email),
            traits=traits,
            region=self.region,
            store=self.store,
            coupons=tuple(self.coupons or ()),
            payments=self._payments(total, currency),
        )

    def warnings(self) -> list[FieldError]:
        """What of the order is unusable and left out, since it moves no points; empty for nearly every order."""
        email = email_warning(self.email)
        found = [] if email is None else [email]
        for n, form in enumerate(self.lines or ()):
            if form.sku and not is_sku(form.sku):
                warning = left_out(check_sku, form.sku, f"lines[{n}].sku")
                found += [] if warning is None else [warning]
        return found

    def usable(self) -> bytes:
        """The order without what is left out, to be kept in place of what was received: that may be anything, a card
        number that was typed into the wrong field.
        """
        lines = self.lines and [msgspec.structs.replace(form, sku=form.usable_sku) for form in self.lines]
        return msgspec.json.encode(msgspec.structs.replace(self, email=usable_email(self.email), lines=lines))

    def _lines(self) -> tuple[tuple[Line, ...], tuple[Traits, ...], int | None]:
        """Lines, traits, and what they come to in millionths of millionths; None without a line. Raises `InvalidInput`
        at the first fault, whose field is not named.
        """
        if not self.lines:
            return (), (), None
        plain = plain_lines(self.lines)
        if plain is not None:
            lines, exact = plain
            return lines, (), exact
        lines = tuple([form.line("") for form in self.lines])
        traits = tuple([form.traits("", line) for form, line in zip(self.lines, lines, strict=True)])
        exact = sum(line.quantity * line.unit_price for line in lines) - MILLION * sum(each.discount for each in traits)
        return lines, traits if any(each is not NO_TRAITS for each in traits) else (), exact

    def _raise_all(self, now: int) -> None:
        """Raise `InvalidInput` with every field of these parts that is at fault."""
        errors = _Errors()
        errors.keep(lambda: check_currency(self.currency), "")
        errors.keep(lambda: _instant(self.occurred_at, now), None)
        forms = self.lines or ()
        lines = [errors.keep(partial(form.line, f"lines[{n}]"), _NO_LINE) for n, form in enumerate(forms)]
        for n, (form, line) in enumerate(zip(forms, lines, strict=True)):
            errors.keep(partial(form.traits, f"lines[{n}]", line), NO_TRAITS)
        self._check_words(errors)
        errors.raise_any()

    def _check_words(self, errors: "_Errors") -> None:
        for field, text in (
            ("region", self.region),
            ("store", self.store),
            ("coupons", " | ".join(self.coupons or ())),
        ):
            errors.keep(partial(check_words, text, field), None)

    def _payments(self, total: int, currency: str) -> tuple[Payment, ...]:
        if self.payments is None:
            return ()
        payments = tuple(form.payment(f"payments[{n}]", currency) for n, form in enumerate(self.payments))
        if sum(payment.amount for payment in payments) != total:
            raise InvalidInput.of("payments", f"must add up to the total, {format_amount(total, currency)}")
        return payments

    def _total(self, exact: int | None, currency: str) -> int:
        stated = None if self.total is None else parse_amount(self.total, currency, "total")
        if exact is None:
            if stated is None:
                raise InvalidInput.of("total", "is required where there are no lines")
            return stated
        summed = to_minor(exact, currency)
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
    amount: AmountText
    occurred_at: InstantText | None = None
    source: SourceText = "shop"

    def refund(self, member_id: str, now: int, order_id: str | None = None) -> Refund:
        """The checked refund. `now` is what `occurred_at` is held against."""
        return self._refund(self.amount, (), member_id, now, order_id)

    def _refund(
        self, stated: str | None, forms: "Sequence[ReturnLineForm]", member_id: str, now: int, order_id: str | None
    ) -> Refund:
        errors = _Errors()
        currency = errors.keep(lambda: check_currency(self.currency), "")
        at = errors.keep(lambda: _instant(self.occurred_at, now), None)
        errors.raise_any()
        amount = 0 if stated is None else parse_amount(stated, currency, "amount")
        if amount == 0 and (stated is not None or not forms):
            raise InvalidInput.of("amount", "must be more than zero" if stated is not None else "is required")
        lines = tuple(form.line_back(f"lines[{n}]", currency) for n, form in enumerate(forms))
        if amount and sum(line.amount or 0 for line in lines) > amount:
            raise InvalidInput.of("lines", "must not be more than the amount")
        return Refund(
            source=self.source,
            refund_id=self.refund_id,
            member_id=member_id,
            order_id=order_id,
            currency=currency,
            amount=amount,
            occurred_at=at,
            lines=lines,
        )


class RefundForm(UnlinkedRefundForm, forbid_unknown_fields=True, kw_only=True):
    """A refund of an order; the order is named by the path. It may come before its order. `lines`, `amount` or both:
    what of the amount no line says counts against the order as a whole.
    """

    member_id: MemberId
    amount: Annotated[AmountText, Meta(description="left out: what the lines are worth")] | None = None  # type: ignore[assignment]
    lines: Annotated[list[ReturnLineForm], Meta(min_length=1, max_length=MAX_LINES)] | None = None
    order_source: (
        Annotated[AnySource, Meta(description="the system that numbered the order, where it is another than `source`")]
        | None
    ) = None

    def refund(self, member_id: str, now: int, order_id: str | None = None) -> Refund:
        """The checked refund. `now` is what `occurred_at` is held against."""
        order_source = self.order_source if self.order_source != self.source else None
        refund = self._refund(self.amount, self.lines or (), member_id, now, order_id)
        return msgspec.structs.replace(refund, order_source=order_source)


def usable_email(text: str | None) -> str | None:
    """An address as it is kept: without white space around it; None for one that is unusable."""
    return None if text is None or email_warning(text) is not None else text.strip()


def email_warning(text: str | None) -> FieldError | None:
    """What to say of an address that is left out."""
    return None if text is None or is_email(text.strip()) else left_out(check_email, text.strip(), "email")


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
