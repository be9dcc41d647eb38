"""Checking and converting whole columns: an expression for each kind of cell, and the words for a cell that failed.

An expression gives null for a cell that is not valid. It decides as its counterpart in `laurels.model` does, which is
asked for the words; the tests hold the two together.
"""

from collections.abc import Callable, Collection

import polars as pl

from laurels.errors import InvalidInput
from laurels.exchange.mapping import check_channel
from laurels.model.currencies import DECIMALS
from laurels.model.ids import (
    EMAIL,
    ID,
    MAX_ID_BYTES,
    OWN_SOURCES,
    SKU,
    SOURCE,
    SPOILED,
    check_email,
    check_id,
    check_sku,
    check_source,
)
from laurels.model.money import MAX_WHOLE_DIGITS, MILLION, check_currency, parse_decimal

ID_ROLES = frozenset({"order_id", "member_id", "refund_id"})

MAX_DECIMALS = 6
"""Decimals of a quantity and of a unit price; in millionths both are whole."""

_DECIMAL = rf"^-?(0|[1-9][0-9]{{0,{MAX_WHOLE_DIGITS - 1}}})(\.[0-9]+)?$"
_NOISY = r"^-?[0-9]+(\.[0-9]+)?[eE]-[0-9]+$|^-?[0-9]+\.[0-9]{7,}$"
_NOISE = 1e-9
_EXACT_FLOATS = 2.0**53

SPOILED_WORDS = (
    "looks like an id that a spreadsheet or a program spoiled; fix it at its source, or take it as it is with "
    "--ids-as-they-are"
)
_CHECKS: dict[str, Callable[[str, str], str]] = {
    "currency": check_currency,
    "channel": check_channel,
    "email": check_email,
    "sku": check_sku,
    "source": check_source,
}


def ids(text: pl.Expr, *, as_they_are: bool = False) -> pl.Expr:
    """Identifiers, as `check_id` takes them; and, unless `as_they_are`, none that `is_spoiled`."""
    good = text.str.contains(_whole(ID)) & (text.str.len_bytes() <= MAX_ID_BYTES)
    return pl.when(good if as_they_are else good & ~text.str.contains(_whole(SPOILED))).then(text)


def sources(text: pl.Expr) -> pl.Expr:
    """The systems that number orders and refunds, as `check_source` takes them."""
    is_own = text.is_in(list(OWN_SOURCES)) | text.str.starts_with("member:")
    return pl.when(text.str.contains(_whole(SOURCE)) & ~is_own).then(text)


def skus(text: pl.Expr) -> pl.Expr:
    """The shop's names of its goods: any text of up to 128 characters without control characters."""
    return _matching(text, _whole(SKU))


def emails(text: pl.Expr) -> pl.Expr:
    """What has the form of an e-mail address."""
    return _matching(text, _whole(EMAIL))


def one_of(text: pl.Expr, known: Collection[str]) -> pl.Expr:
    """Texts that are in a short list."""
    return pl.when(text.is_in(list(known))).then(text)


def millionths(text: pl.Expr, decimals: pl.Expr, *, signed: pl.Expr) -> pl.Expr:
    """Decimal texts in millionths, as `parse_decimal` takes them: at most so many decimals (6 or fewer), zeros behind
    them aside.
    """
    unsigned = text.str.strip_prefix("-")
    fraction = unsigned.str.extract(r"\.([0-9]*[1-9])0*$", 1).fill_null("")
    whole = unsigned.str.extract(r"^([0-9]+)", 1).cast(pl.Int64, strict=False)
    value = whole * MILLION + fraction.str.pad_end(MAX_DECIMALS, "0").cast(pl.Int64, strict=False)
    negative = text.str.starts_with("-")
    fits = text.str.contains(_DECIMAL) & (fraction.str.len_bytes() <= decimals) & (~negative | signed)
    return pl.when(fits).then(pl.when(negative).then(-value).otherwise(value))


def settled(text: pl.Expr) -> pl.Expr:
    """Decimal texts without the noise of a float that was printed: within 1e-9 of six decimals it is that value."""
    value = text.cast(pl.Float64, strict=False)
    return pl.when(text.str.contains(_NOISY) & _is_near(value)).then(spelled(_nearest(value))).otherwise(text)


def floats(value: pl.Expr) -> pl.Expr:
    """Floats as decimal texts: those within 1e-9 of six decimals are that value, others keep all their digits."""
    return pl.when(_is_near(value)).then(spelled(_nearest(value))).otherwise(value.cast(pl.String))


def spelled(value: pl.Expr) -> pl.Expr:
    """Millionths as a decimal text, without zeros at the end."""
    size = value.abs()
    whole = pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit("")) + (size // MILLION).cast(pl.String)
    fraction = (size % MILLION).cast(pl.String).str.zfill(MAX_DECIMALS).str.strip_chars_end("0")
    return pl.when(fraction == "").then(whole).otherwise(whole + "." + fraction)


def _nearest(value: pl.Expr) -> pl.Expr:
    return (value * MILLION).round(0).cast(pl.Int64, strict=False)


def _is_near(value: pl.Expr) -> pl.Expr:
    scaled = (value * MILLION).round(0)
    return ((value - scaled / MILLION).abs() <= _NOISE) & (scaled.abs() <= _EXACT_FLOATS)


def why(role: str, cell: str, *, currency: str, signed: bool) -> str:
    """What is wrong with a cell that failed, times aside, and what is expected."""
    try:
        if role in {"total", "amount", "refunded"}:
            parse_decimal(cell, DECIMALS[currency], role, signed=signed)
        elif role in {"quantity", "unit_price", "line_total"}:
            parse_decimal(cell, MAX_DECIMALS, role, signed=signed)
        else:
            _CHECKS.get(role, check_id)(cell, role)
    except InvalidInput as error:
        return error.errors[0].message
    assert role in ID_ROLES, f"nothing is wrong with the {role}"
    return SPOILED_WORDS


def _whole(pattern: str) -> str:
    return rf"\A(?:{pattern})\z"


def _matching(text: pl.Expr, pattern: str) -> pl.Expr:
    return pl.when(text.str.contains(pattern)).then(text)
