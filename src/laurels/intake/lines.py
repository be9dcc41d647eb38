"""The lines of orders and refunds as they come in, and the checks that turn them into model objects."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct

from laurels.errors import FieldError, InvalidInput
from laurels.model import Line, LineKind, Payment, ReturnLine, Traits
from laurels.model.cards import looks_like_card
from laurels.model.ids import PRINTABLE, is_sku
from laurels.model.lines import NO_TRAITS
from laurels.model.money import MILLION, parse_amount, parse_millionths

MOST_PIECES = 999_999_999_999

PRICES = 8192
"""Prices whose texts are remembered with their numbers: a shop has some thousands."""


def _decimal(pattern: str, description: str, example: str) -> Meta:
    """Of a decimal number in a text, so that no client's floating point comes near it."""
    return Meta(
        max_length=32, description=description, examples=[example], extra_json_schema={"pattern": rf"^{pattern}\Z"}
    )


AmountText = Annotated[
    str,
    _decimal(
        r"(0|[1-9][0-9]{0,11})(\.[0-9]+)?",
        "a decimal string in major units, with the currency's decimals; zeros behind them change nothing",
        "25.00",
    ),
]
UnitPrice = Annotated[
    str,
    _decimal(
        r"-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,6}0*)?",
        "a decimal string in major units, at most 6 decimals; below zero for a discount",
        "2.55",
    ),
]
QuantityText = Annotated[
    str, _decimal(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,6}0*)?", "or a decimal string, at most 6 decimals", "0.350")
]
LineSku = Annotated[
    str,
    Meta(
        description="the article's number; an unusable one is left out, and `warnings` says so",
        examples=["85123A"],
    ),
]


def text_of(longest: int, description: str, example: str) -> Meta:
    """Of a short text that people read."""
    return Meta(
        min_length=1,
        max_length=longest,
        pattern=PRINTABLE,
        description=description,
        examples=[example],
    )


Category = Annotated[str, text_of(128, "a path by /; programs match whole segments of it", "grocery/dairy")]
Brand = Annotated[str, text_of(128, "the brand", "Meadow")]
Tag = Annotated[str, text_of(64, "whatever else programs are to know it by", "organic")]
Method = Annotated[str, text_of(64, "how it was paid: card, cash, gift_card, points …", "card")]
Discount = Annotated[UnitPrice, Meta(description="off this line, in major units; not below zero")]


class LineForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """One line of an order. A negative unit price is a discount; a quantity of 0 counts nothing."""

    sku: LineSku | None = None
    quantity: Annotated[int, Meta(ge=0, le=MOST_PIECES, description="pieces")] | QuantityText
    unit_price: UnitPrice
    category: Category | None = None
    brand: Brand | None = None
    kind: LineKind = LineKind.GOODS
    tags: Annotated[list[Tag], Meta(max_length=8)] | None = None
    discount: Discount | None = None
    tax: Annotated[UnitPrice, Meta(description="the tax in this line, in major units")] | None = None

    def line(self, field: str) -> Line:
        """The checked line; quantity and price in millionths."""
        said = self.quantity
        if type(said) is int and 0 <= said <= MOST_PIECES:
            quantity = said * MILLION
        else:
            quantity = parse_millionths(str(said), f"{field}.quantity")
        price = parse_millionths(self.unit_price, f"{field}.unit_price", signed=True)
        return Line(self.usable_sku or "", quantity, price)

    def traits(self, field: str, line: Line) -> Traits:
        """What else is said of the checked line. Raises `InvalidInput`."""
        if (
            self.category is None
            and self.brand is None
            and self.kind is LineKind.GOODS
            and not self.tags
            and self.discount is None
            and self.tax is None
        ):
            return NO_TRAITS
        for name, text in (("category", self.category), ("brand", self.brand), ("tags", " | ".join(self.tags or ()))):
            check_words(text, f"{field}.{name}")
        discount = 0 if self.discount is None else parse_millionths(self.discount, f"{field}.discount")
        if discount and discount * MILLION > line.quantity * line.unit_price:
            raise InvalidInput.of(f"{field}.discount", "must not be more than the line")
        return Traits(
            category=self.category,
            brand=self.brand,
            kind=self.kind,
            tags=tuple(self.tags or ()),
            discount=discount,
            tax=None if self.tax is None else parse_millionths(self.tax, f"{field}.tax"),
        )

    @property
    def usable_sku(self) -> str | None:
        """The article's number as it is kept; None where it is lacking or unusable."""
        return self.sku if self.sku and is_sku(self.sku) else None


def plain_lines(forms: Sequence[LineForm]) -> tuple[tuple[Line, ...], int] | None:
    """Lines of which none says more than what was bought, how many and for how much, as nearly every order's are; and
    their sum in millionths of millionths. None where a line says more or is at fault: then each is checked by itself.
    Costs 0.5 us a line.
    """
    lines, exact = [], 0
    for form in forms:
        said, sku = form.quantity, form.sku
        if type(said) is not int or not 0 <= said <= MOST_PIECES or (sku and not is_sku(sku)):
            return None
        if form.category is not None or form.brand is not None or form.tags or form.kind is not LineKind.GOODS:
            return None
        if form.discount is not None or form.tax is not None:
            return None
        try:
            price = _price(form.unit_price)
        except InvalidInput:
            return None
        quantity = said * MILLION
        exact += quantity * price
        lines.append(Line(sku or "", quantity, price))
    return tuple(lines), exact


@lru_cache(PRICES)
def _price(text: str) -> int:
    """A unit price in millionths. Raises `InvalidInput` that names no field."""
    return parse_millionths(text, "", signed=True)


class PaymentForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A part of the total, by how it was paid."""

    method: Method
    amount: AmountText

    def payment(self, field: str, currency: str) -> Payment:
        """The checked payment."""
        check_words(self.method, f"{field}.method")
        return Payment(self.method, parse_amount(self.amount, currency, f"{field}.amount"))


class ReturnLineForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A line that comes back: so many of it, or so much of what it cost."""

    line: Annotated[int, Meta(ge=1, le=10_000, description="counted from 1, as the order was sent")]
    quantity: Annotated[int, Meta(ge=1, le=999_999_999_999)] | QuantityText | None = None
    amount: AmountText | None = None

    def line_back(self, field: str, currency: str) -> ReturnLine:
        """The checked line. Raises `InvalidInput`."""
        if (self.quantity is None) == (self.amount is None):
            raise InvalidInput.of(field, "must say either quantity or amount")
        if self.quantity is not None:
            return ReturnLine(self.line, quantity=parse_millionths(str(self.quantity), f"{field}.quantity"))
        return ReturnLine(self.line, amount=parse_amount(self.amount or "", currency, f"{field}.amount"))


def check_words(text: str | None, field: str) -> str | None:
    """Give a text back that holds no card number; raise `InvalidInput` for one that seems to."""
    if text is not None and looks_like_card(text):
        raise InvalidInput.of(field, "must not hold a card number: take it out, it would be kept for ever")
    return text


def left_out(check: Callable[[str, str], str], text: str, field: str) -> FieldError | None:
    """Why a side datum is left out; None for one that is kept."""
    try:
        check(text, field)
    except InvalidInput as error:
        return FieldError(field, f"is left out: it {error.errors[0].message}")
    return None
