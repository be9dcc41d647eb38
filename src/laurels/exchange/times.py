"""Columns of times: texts in the ways that files write them, or columns of dates and times, as microseconds.

An expression gives null for a cell that is not valid. It decides as `parse_written` and `check_occurred` do.
"""

import re
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import polars as pl

from laurels.errors import InvalidInput
from laurels.exchange import cells
from laurels.exchange.mapping import EPOCH_FORMATS
from laurels.exchange.refusals import refuse, shown
from laurels.exchange.table import POLARS_FAILED
from laurels.model.money import MILLION
from laurels.model.times import EARLIEST, MAX_AHEAD, WRITTEN, check_occurred, parse_written

OUT_OF_RANGE = "must lie between 2000-01-01 and 5 minutes from now"

Zones = Sequence[tuple[pl.Expr | None, str]]
"""Time zones, each with the rows that are of it; None: all that no other one has."""

_GROUPS = rf"\A(?:{WRITTEN})\z"
_PLAIN = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z?\z"
_WITH_OFFSET = re.compile(r"%(?:z|:z|#z|\+|s)")
_WITH_CLOCK = re.compile(r"%(?:[-_0]?[HIkl]|T|R|X|c|\+|s|r)")
_ZONE_NAME = re.compile(r"(?<!%)(?:%%)*%[-_0]?Z")
_YEAR_FIRST = re.compile(r"%[-_0]?[YGFCcDv+sy]")
"""Formats whose texts could be taken for what `parse_written` reads."""

_MINUTE = 60_000_000


def check_format(file: str, time_format: str | None) -> None:
    """Refuse a format that polars does not know, before it is tried on every row; and one with the name of a zone, for
    polars skips that: 10:00 in New York would be taken for 10:00 in London.
    """
    if time_format is None or time_format in EPOCH_FORMATS:
        return
    if _ZONE_NAME.search(time_format):
        raise refuse(file, "mapping, time_format: %Z, a zone's name, is not read; give --time-zone, or --map zone=")
    try:
        pl.Series(["2026-01-05"]).str.strptime(pl.Datetime("us"), time_format, strict=False)
    except POLARS_FAILED as error:
        why = shown(str(error).partition("\n")[0], 120)
        raise refuse(file, f"mapping, time_format: {shown(time_format)} cannot be read ({why})") from error


def are_plain(texts: pl.Series) -> bool:
    """Whether all texts of a column, empty cells aside, are spelt as `plain` reads them."""
    return bool(texts.str.contains(_PLAIN).all())


def plain(text: pl.Expr, zones: Zones, now: int) -> pl.Expr:
    """The same as `instants` for texts such as `2026-11-01T10:00:00Z` and `2026-11-01 10:00:00`, ten times as fast."""
    local = text.str.slice(0, 19).str.replace(" ", "T", literal=True)
    local = local.str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
    in_utc = text.str.ends_with("Z")
    return _in_range(pl.when(in_utc).then(local.dt.epoch("us")).otherwise(_by_zones(local, zones)), now)


def instants(text: pl.Expr, zones: Zones, now: int) -> pl.Expr:
    """Times in text as microseconds: with an offset, else by the clocks of the row's zone, else null."""
    group = text.str.extract_groups(_GROUPS).struct
    two = [group.field(str(index)).fill_null("0").str.zfill(2) for index in range(2, 7)]
    fraction = group.field("7").fill_null("").str.slice(0, 6).str.pad_end(6, "0")
    clock = pl.format("{}-{}-{}T{}:{}:{}.{}", group.field("1"), *two, fraction)
    local = clock.str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f", time_unit="us", strict=False)
    offset = group.field("8")
    by_offset = pl.when(offset.is_not_null()).then(local.dt.epoch("us") - _ahead(offset))
    return _in_range(pl.coalesce(by_offset, pl.when(offset.is_null()).then(_by_zones(local, zones))), now)


def formatted(text: pl.Expr, time_format: str, zones: Zones, now: int) -> pl.Expr:
    """Times in text of one format, strftime's or `epoch` (seconds), `epoch-ms`, `epoch-us`."""
    if time_format in EPOCH_FORMATS:
        unit = EPOCH_FORMATS[time_format]
        whole = text.str.extract(r"^([0-9]{1,17})(?:\.[0-9]*)?$", 1).cast(pl.Int64, strict=False) * unit
        exact = cells.millionths(text, pl.lit(cells.MAX_DECIMALS), signed=pl.lit(value=False))
        return _in_range(exact if unit == MILLION else whole, now)
    if _WITH_OFFSET.search(time_format):
        aware = text.str.to_datetime(time_format, time_unit="us", time_zone="UTC", strict=False)
        return _in_range(aware.dt.epoch("us"), now)
    if not _WITH_CLOCK.search(time_format):
        local = text.str.to_date(time_format, strict=False).cast(pl.Datetime("us"))
    else:
        local = text.str.to_datetime(time_format, time_unit="us", strict=False)
    read = _in_range(_by_zones(local, zones), now)
    return read if _YEAR_FIRST.match(time_format) else pl.coalesce(read, instants(text, zones, now))


def moments(column: pl.Expr, dtype: pl.DataType, zones: Zones, now: int) -> pl.Expr:
    """Times in a column of dates or times, as microseconds; without a zone of their own by the clocks of `zones`."""
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return _in_range(column.dt.cast_time_unit("us").dt.epoch("us"), now)
    return _in_range(_by_zones(column.cast(pl.Datetime("us")), zones), now)


def why_not(cell: str | date, zone: str | None, now: int, time_format: str | None) -> str:
    """What is wrong with a cell that is no time that an order may have."""
    if isinstance(cell, date):  # a datetime is one, too
        return "has no offset; name its time zone" if zone is None else OUT_OF_RANGE
    if time_format is not None:
        return f"must be a time of the format {time_format}, and " + OUT_OF_RANGE.removeprefix("must ")
    try:
        check_occurred(parse_written(cell, "occurred_at", None if zone is None else ZoneInfo(zone)), now)
    except InvalidInput as error:
        message = error.errors[0].message
        return f"{message}; or name its format" if message.startswith("must be a time such as") else message
    return OUT_OF_RANGE


def _ahead(offset: pl.Expr) -> pl.Expr:
    """An offset as written -> microseconds ahead of UTC; 0 for Z, UTC and GMT."""
    digits = offset.str.extract(r"^[+-]([0-9:]+)$", 1)
    hours = digits.str.extract(r"^([0-9]{1,2}?)(?::|[0-9]{2}$|$)", 1).cast(pl.Int64, strict=False)
    minutes = digits.str.extract(r"^[0-9]{1,2}:?([0-9]{2})$", 1).cast(pl.Int64, strict=False)
    size = (hours.fill_null(0) * 60 + minutes.fill_null(0)) * _MINUTE
    return pl.when(offset.str.starts_with("-")).then(-size).otherwise(size)


def _in_range(instant: pl.Expr, now: int) -> pl.Expr:
    return pl.when(instant.is_between(EARLIEST, now + MAX_AHEAD)).then(instant)


def _by_zones(local: pl.Expr, zones: Zones) -> pl.Expr:
    read = [(of, _by_the_clock(local, zone).dt.epoch("us")) for of, zone in zones]
    return pl.coalesce(
        *(value if of is None else pl.when(of).then(value) for of, value in read), pl.lit(None, pl.Int64)
    )


def _by_the_clock(local: pl.Expr, zone: str) -> pl.Expr:
    """Clock readings as instants: the first of two; one that clocks skipped by the offset of the day before."""
    day = pl.duration(days=1)
    read = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    skipped = (local - day).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null") + day
    return pl.coalesce(read, skipped)
