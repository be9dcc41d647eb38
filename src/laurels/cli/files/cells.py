"""Checking and converting whole columns: an expression for each kind of cell, and the words for a cell that failed.

An expression gives null for a cell that is not valid. It decides as its counterpart in `laurels.model` does, which is
asked for the words; the tests hold the two together.
"""

import re
from collections.abc import Callable, Collection
from datetime import date

import polars as pl

from laurels.cli.files.mapping import check_channel
from laurels.errors import InvalidInput
from laurels.model.currencies import DECIMALS
from laurels.model.ids import (
    EMAIL,
    ID,
    MAX_ID_BYTES,
    OWN_SOURCES,
    SKU,
    SOURCE,
    check_email,
    check_id,
    check_sku,
    check_source,
)
from laurels.model.money import MAX_WHOLE_DIGITS, MILLION, check_currency, parse_decimal
from laurels.model.times import EARLIEST, MAX_AHEAD, check_occurred, parse_instant

MAX_DECIMALS = 6
"""Decimals of a quantity and of a unit price; in millionths both are whole."""

_DECIMAL = rf"^-?(0|[1-9][0-9]{{0,{MAX_WHOLE_DIGITS - 1}}})(\.[0-9]+)?$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MINUTE = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_SECOND = r":[0-5][0-9](\.[0-9]{1,9})?"
_OFFSET = rf"([Zz]|[+-]{_MINUTE})$"
_BY_THE_CLOCK = rf"{_DATE}([Tt ]{_MINUTE}({_SECOND})?)?$"
_WITH_OFFSET = rf"{_DATE}[Tt]{_MINUTE}{_SECOND}{_OFFSET}"

_CHECKS: dict[str, Callable[[str, str], str]] = {
    "currency": check_currency,
    "channel": check_channel,
    "email": check_email,
    "sku": check_sku,
    "source": check_source,
}
_OUT_OF_RANGE = "must lie between 2000-01-01 and 5 minutes from now"


def ids(text: pl.Expr) -> pl.Expr:
    """Identifiers, as `check_id` takes them."""
    return pl.when(text.str.contains(_whole(ID)) & (text.str.len_bytes() <= MAX_ID_BYTES)).then(text)


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


def instants(text: pl.Expr, zone: str | None, now: int) -> pl.Expr:
    """Times in text as microseconds: with an offset as `parse_instant` reads them, else by the clocks of `zone`."""
    offset = text.str.extract(_OFFSET, 1)
    clock = text.str.replace(_OFFSET, "").str.replace("[Tt ]", "T")
    clock = (
        pl.when(clock.str.len_bytes() == len("2026-11-01"))
        .then(clock + "T00:00:00")
        .when(clock.str.len_bytes() == len("2026-11-01T10:00"))
        .then(clock + ":00")
        .otherwise(clock.str.slice(0, len("2026-11-01T10:00:00.000000")))
    )
    local = clock.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    hours, minutes = (offset.str.slice(at, 2).cast(pl.Int64, strict=False).fill_null(0) for at in (1, 4))
    ahead = (hours * 60 + minutes) * 60_000_000 * pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    by_offset = pl.when(text.str.contains(_WITH_OFFSET)).then(local.dt.epoch("us") - ahead)
    if zone is None:
        return _in_range(by_offset, now)
    by_clock = pl.when(text.str.contains(_BY_THE_CLOCK)).then(_by_the_clock(local, zone).dt.epoch("us"))
    return _in_range(pl.coalesce(by_offset, by_clock), now)


def moments(column: pl.Expr, dtype: pl.DataType, zone: str | None, now: int) -> pl.Expr:
    """Times in a column of dates or times, as microseconds; without a zone of their own by the clocks of `zone`."""
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return _in_range(column.dt.cast_time_unit("us").dt.epoch("us"), now)
    if zone is None:
        return pl.lit(None, pl.Int64)
    return _in_range(_by_the_clock(column.cast(pl.Datetime("us")), zone).dt.epoch("us"), now)


def why(role: str, cell: str | date, *, currency: str, signed: bool, zone: str | None, now: int) -> str:
    """What is wrong with a cell that failed, and what is expected."""
    if isinstance(cell, date):  # a datetime is one, too
        return "has no offset; name its time zone" if zone is None else _OUT_OF_RANGE
    if role == "occurred_at":
        return _why_not_a_time(cell, zone, now)
    try:
        if role == "total":
            parse_decimal(cell, DECIMALS[currency], role, signed=signed)
        elif role in {"quantity", "unit_price"}:
            parse_decimal(cell, MAX_DECIMALS, role, signed=signed)
        else:
            _CHECKS.get(role, check_id)(cell, role)
    except InvalidInput as error:
        return error.errors[0].message
    return "must be more than 0"  # a quantity, and all that is left to be wrong


def _why_not_a_time(text: str, zone: str | None, now: int) -> str:
    if re.match(_DATE, text, re.ASCII):
        try:
            date.fromisoformat(text[:10])
        except ValueError:
            return "is a day that is not in the calendar"
    if zone is not None and re.match(_BY_THE_CLOCK, text, re.ASCII):
        return _OUT_OF_RANGE
    try:
        check_occurred(parse_instant(text, "occurred_at"), now)
    except InvalidInput as error:
        if zone is None or re.match(_WITH_OFFSET, text, re.ASCII):
            return error.errors[0].message
    return "must be a time such as 2026-11-01T10:00:00Z" + ("" if zone is None else " or 2026-11-01 10:00:00")


def _whole(pattern: str) -> str:
    return rf"\A(?:{pattern})\z"


def _matching(text: pl.Expr, pattern: str) -> pl.Expr:
    return pl.when(text.str.contains(pattern)).then(text)


def _in_range(instant: pl.Expr, now: int) -> pl.Expr:
    return pl.when(instant.is_between(EARLIEST, now + MAX_AHEAD)).then(instant)


def _by_the_clock(local: pl.Expr, zone: str) -> pl.Expr:
    """Clock readings as instants: the first of two; one that clocks skipped by the offset of the day before."""
    day = pl.duration(days=1)
    read = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    skipped = (local - day).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null") + day
    return pl.coalesce(read, skipped)
