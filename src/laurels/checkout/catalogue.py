"""The catalogue: what can be bought and for how much, and what it is to the program's rules. A CSV file, read whole and
checked at the start.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.resources import files
from io import StringIO
from pathlib import Path

from msgspec import Struct

from laurels.errors import FieldError, InvalidInput, SettingsError
from laurels.model import Line
from laurels.model.lines import Traits
from laurels.model.money import MILLION, check_currency, parse_millionths, sum_lines

COLUMNS = ["sku", "title", "unit_price", "currency"]
CATEGORY = "category"
"""A fifth column, which may be left out; a cell may be empty."""

LONGEST_SKU = 128
LONGEST_TITLE = 200
LONGEST_CATEGORY = 128
LONGEST_SHOWN = 40
MOST_FAULTS = 20
"""Faults that are told at once."""


class Product(Struct, frozen=True, kw_only=True):
    """Something that can be bought; `unit_price` is in millionths of the currency's major unit, never negative.
    `category` is a path such as `food/dairy`, as programs name them.
    """

    sku: str
    title: str
    unit_price: int
    currency: str
    category: str | None = None


class PricedItems(Struct, frozen=True):
    """What items cost together: one line for each article, the total in minor units. `traits` are the lines', empty
    where none has a category.
    """

    lines: tuple[Line, ...]
    total: int
    currency: str
    traits: tuple[Traits, ...] = ()


class Catalogue:
    """Products by their article number."""

    def __init__(self, products: Iterable[Product]) -> None:
        self.products = tuple(products)
        self._by_sku = {product.sku: product for product in self.products}

    def price(self, item_ids: Sequence[str]) -> PricedItems:
        """Price items, each named once for each piece.

        Raises `InvalidInput` naming the items that are unknown or priced in another currency than the first, and where
        they come to nothing.
        """
        self._check(item_ids)
        lines = tuple(
            Line(sku, pieces * MILLION, self._by_sku[sku].unit_price) for sku, pieces in Counter(item_ids).items()
        )
        currency = self._by_sku[item_ids[0]].currency
        total = sum_lines(((line.quantity, line.unit_price) for line in lines), currency)
        if total == 0:
            raise InvalidInput.of("itemIds", "must come to more than zero")
        categories = [self._by_sku[line.sku].category for line in lines]
        traits = tuple(Traits(category=category) for category in categories) if any(categories) else ()
        return PricedItems(lines, total, currency, traits)

    def _check(self, item_ids: Sequence[str]) -> None:
        if not item_ids:
            raise InvalidInput.of("itemIds", "must name at least one item")
        errors = [
            FieldError(f"itemIds[{n}]", "is not in the catalogue")
            for n, sku in enumerate(item_ids)
            if sku not in self._by_sku
        ]
        if errors:
            raise InvalidInput(errors)
        currency = self._by_sku[item_ids[0]].currency
        errors = [
            FieldError(f"itemIds[{n}]", f"is not priced in {currency} as itemIds[0] is. Order it apart")
            for n, sku in enumerate(item_ids)
            if self._by_sku[sku].currency != currency
        ]
        if errors:
            raise InvalidInput(errors)


def read_catalogue(path: Path | None) -> Catalogue:
    """The catalogue in a file, or the demo's. Raises `SettingsError` with a line for each fault: row, column, what."""
    if path is None:
        return Catalogue(
            _parse(files(__package__).joinpath("catalogue.csv").read_text("utf-8"), "the demo's catalogue")
        )
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"catalogue.file {path} must be UTF-8: {error}") from error
    except OSError as error:
        raise SettingsError(f"catalogue.file {path} cannot be read: {error.strerror}") from error
    return Catalogue(_parse(text, f"catalogue.file {path}"))


def _parse(text: str, name: str) -> list[Product]:
    """The products of a CSV text; all faults in one error."""
    faults: list[str] = []
    products: dict[str, Product] = {}
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if header not in (COLUMNS, [*COLUMNS, CATEGORY]):
            raise SettingsError(f"{name}: row 1: the columns must be {','.join(COLUMNS)}, and may end with ,{CATEGORY}")
        for row, cells in enumerate(reader, start=2):
            if not cells:
                continue
            product, found = _product(cells, len(header))
            if product is not None and product.sku in products:
                found = [("sku", f"{_shown(product.sku)} is there twice")]
            faults += [f"row {row}, {column}: {what}" for column, what in found]
            if product is not None:
                products[product.sku] = product
    except csv.Error as error:
        faults.append(f"row {reader.line_num}: {error}")
    if not products and not faults:
        faults.append("row 2: there are no products")
    if faults:
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise SettingsError("\n".join(f"{name}: {fault}" for fault in faults[:MOST_FAULTS] + more))
    return list(products.values())


def _product(cells: list[str], columns: int) -> tuple[Product | None, list[tuple[str, str]]]:
    """A row as a product, or None with (column, what is wrong) for each fault."""
    if len(cells) != columns:
        return None, [("all columns", f"there must be {columns} cells, not {len(cells)}")]
    sku, title, unit_price, currency, *more = cells
    category = more[0] if more else ""
    faults = [
        *_text_faults("sku", sku, LONGEST_SKU),
        *_text_faults("title", title, LONGEST_TITLE),
        *_money_faults("unit_price", unit_price, parse_millionths),
        *_money_faults("currency", currency, check_currency),
        *(_text_faults(CATEGORY, category, LONGEST_CATEGORY) if category else ()),
    ]
    if faults:
        return None, faults
    price = parse_millionths(unit_price, "unit_price")
    product = Product(sku=sku, title=title, unit_price=price, currency=currency, category=category or None)
    return product, []


def _text_faults(column: str, text: str, longest: int) -> Iterator[tuple[str, str]]:
    if not text or text != text.strip() or len(text) > longest or not text.isprintable():
        yield column, f"{_shown(text)} must be 1 to {longest} printable characters without spaces around them"


def _money_faults(column: str, text: str, check: Callable[[str, str], object]) -> Iterator[tuple[str, str]]:
    try:
        check(text, column)
    except InvalidInput as error:
        yield column, f"{_shown(text)} {error.errors[0].message}"


def _shown(text: str) -> str:
    """A cell as it may stand in a one-line message."""
    return repr(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…")
