"""Every cell of the mapped rows is checked and converted on whole columns; what fails is gathered as faults."""

from typing import Any

import polars as pl
from msgspec import Struct

from laurels.exchange import cells, hints, times
from laurels.exchange.faults import Fault
from laurels.exchange.mapping import MONEY_ROLES, ROLES, SIDE_ROLES, Mapping
from laurels.exchange.selecting import NOT_WHOLE, TIME_TYPES
from laurels.exchange.symbols import currencies_of
from laurels.exchange.zones import known_zone
from laurels.model import Channel
from laurels.model.currencies import DECIMALS

_DEFAULTS = {"channel": Channel.WEB.value, "source": "shop"}
_AMOUNT_ROLES = ("total", "amount", "refunded")
_NUMBERS = (*_AMOUNT_ROLES, "quantity", "unit_price", "line_total")
TIME_ROLES = ("occurred_at", "cancelled_at")
DOCUMENT = ("source", "refund", "id")
"""What tells the documents of a file apart."""

_ONE_OF = ("source", "member_id", "currency", "channel")
_OF_LINES = ("quantity", "unit_price", "line_total")


NAMES_AGAIN = "names the columns once more, as where files were put together; remove this row"

_MADE = ("row", "refund", "id", "order_id", "total")
_KEPT = (*_ONE_OF, "email", "refunded", "occurred_at", "cancelled_at", "status", "sku", *_OF_LINES)


class CheckedRows(Struct):
    """Rows with their cells converted, what is wrong with them, and what was left out of the others."""

    rows: pl.DataFrame
    faults: list[Fault]
    warnings: dict[str, int]


def check(mapping: Mapping, raw: pl.DataFrame, now: int) -> CheckedRows:
    """The rows with every cell converted, and which document each belongs to: `refund` and `id`. Roles without a column
    have none here either, since many rows are held at once: `with_absent` adds them.
    """
    # In one piece: polars 2.1 panics where `zfill` meets a column in several, as slices of Parquet are.
    raw = _complete(mapping, raw).rechunk()
    # Lazily, because only then is what stands in an expression twice computed once: three times as fast.
    good = raw.lazy().with_columns(_converted(mapping, raw, now)).collect()
    taken = pl.when(pl.col("refund")).then(pl.coalesce("amount", "total")).otherwise(pl.col("total"))
    order_id = pl.when(pl.col("refund") & pl.col("refund_id").is_null()).then(None).otherwise("order_id")
    rows = good.with_columns(taken.alias("total"), order_id.alias("order_id"))
    rows = rows.select(*_MADE, *(role for role in _KEPT if role in mapping.columns))
    return CheckedRows(rows, _faults(mapping, raw, good, now), _warnings(mapping, raw, good))


def with_absent(rows: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """With what rows are where they have no column for it: the constants, and null."""
    values = {**_DEFAULTS, **_constants(mapping)}
    return rows.with_columns(
        pl.lit(values.get(role), pl.Int64 if role in (*_NUMBERS, *TIME_ROLES) else pl.String).alias(role)
        for role in _KEPT
        if role not in mapping.columns
    )


def without_faulty(rows: pl.DataFrame, faults: list[Fault]) -> pl.DataFrame:
    """Without all rows of a document of which a row is at fault."""
    if not faults:
        return rows
    at_fault = pl.Series("row", sorted({fault.row for fault in faults}), pl.Int64)
    keys = rows.filter(pl.col("row").is_in(at_fault.implode())).select(*DOCUMENT).unique()
    return rows.join(keys, on=[*DOCUMENT], how="anti", nulls_equal=True, maintain_order="left")


def _complete(mapping: Mapping, raw: pl.DataFrame) -> pl.DataFrame:
    """With every role as a column, the constants in them, and which rows are refunds under which id."""
    constants = _constants(mapping)
    absent = [
        pl.lit(constants.get(role), pl.String).alias(role)
        for role in ROLES
        if role not in mapping.columns and role not in TIME_ROLES
    ]
    absent += [pl.lit(None, pl.Int64).alias(role) for role in TIME_ROLES if role not in mapping.columns]
    code = pl.col("currency")
    is_code = code.str.contains(r"^[A-Za-z]{3}$")
    refund_id = pl.coalesce("refund_id", "order_id")
    return (
        raw.with_columns(*absent)
        .with_columns(
            *(pl.col(role).fill_null(value) for role, value in _DEFAULTS.items()),
            pl.when(is_code).then(code.str.to_uppercase()).otherwise(code).alias("currency"),
            _is_refund(mapping).alias("refund"),
        )
        .with_columns(pl.when("refund").then(refund_id).otherwise("order_id").alias("id"))
    )


def _constants(mapping: Mapping) -> dict[str, str]:
    return {role: value.upper() if role == "currency" else value for role, value in mapping.constants.items()}


def _is_refund(mapping: Mapping) -> pl.Expr:
    signs = [pl.col("refund_id").is_not_null()]
    if mapping.refund_prefix is not None:
        signs.append(pl.col("order_id").str.starts_with(mapping.refund_prefix))
    if mapping.refund_events:
        signs.append(pl.col("event").is_in(list(mapping.refund_events)))
    if mapping.negative_refunds:
        signs.append(_is_negative(mapping))
    return pl.any_horizontal(sign.fill_null(value=False) for sign in signs)


def _is_negative(mapping: Mapping) -> pl.Expr:
    """Whether an amount is below zero; of lines, whether those of the order sum to less than zero."""
    if not mapping.of_lines:
        return pl.col("total").str.contains(r"^-.*[1-9]")
    exact = pl.lit(cells.MAX_DECIMALS)
    signed = pl.lit(value=True)
    read = [cells.millionths(pl.col(role), exact, signed=signed) for role in ("line_total", "quantity", "unit_price")]
    value = pl.coalesce(read[0], read[1].cast(pl.Float64) * read[2].cast(pl.Float64))
    return value.sum().over("order_id") < 0


def _converted(mapping: Mapping, raw: pl.DataFrame, now: int) -> list[pl.Expr]:
    """An expression for every role that has a column; null is a cell that is not valid."""
    is_refund = pl.col("refund")
    signed = pl.lit(value=True)
    currency_decimals = pl.col("currency").replace_strict(DECIMALS, default=None, return_dtype=pl.UInt32)
    minor_unit = 10 ** (cells.MAX_DECIMALS - currency_decimals.cast(pl.Int64))
    exact = pl.lit(cells.MAX_DECIMALS)
    plain = mapping.ids_as_they_are
    expressions = {
        "order_id": cells.ids(pl.col("order_id"), as_they_are=plain),
        "member_id": cells.ids(pl.col("member_id"), as_they_are=plain),
        "currency": cells.one_of(pl.col("currency"), DECIMALS),
        "channel": cells.one_of(pl.col("channel"), list(Channel)),
        "source": cells.sources(pl.col("source")),
        "email": cells.emails(pl.col("email").str.strip_chars()),
        "refund_id": cells.ids(pl.col("refund_id"), as_they_are=plain),
        "total": cells.millionths(pl.col("total"), currency_decimals, signed=is_refund) // minor_unit,
        "amount": cells.millionths(pl.col("amount"), currency_decimals, signed=is_refund) // minor_unit,
        "refunded": cells.millionths(pl.col("refunded"), currency_decimals, signed=signed).abs() // minor_unit,
        "sku": cells.skus(pl.col("sku")),
        # A refund's sign does not count, but an order's does.
        "quantity": cells.millionths(pl.col("quantity"), exact, signed=is_refund),
        "unit_price": cells.millionths(pl.col("unit_price"), exact, signed=signed),
        "line_total": cells.millionths(pl.col("line_total"), exact, signed=signed),
        "zone": cells.one_of(pl.col("zone"), [zone for zone in _zones_in(mapping, raw) if known_zone(zone)]),
        **{role: _instants(mapping, raw, role, now) for role in TIME_ROLES},
    }
    absent = [pl.lit(None, pl.Int64).alias(role) for role in _NUMBERS if role not in mapping.columns]
    return absent + [expressions[role].alias(role) for role in mapping.columns if role in expressions]


def _zones_in(mapping: Mapping, raw: pl.DataFrame) -> list[str]:
    return [] if mapping.zone is None else raw["zone"].drop_nulls().unique().to_list()


def _instants(mapping: Mapping, raw: pl.DataFrame, role: str, now: int) -> pl.Expr:
    zones: list[tuple[pl.Expr | None, str]] = [
        (pl.col("zone") == each, name) for each in _zones_in(mapping, raw) if (name := known_zone(each))
    ]
    if mapping.time_zone is not None:
        zones.append((None if not zones else pl.col("zone").is_null(), mapping.time_zone))
    dtype = raw.schema[role]
    column = pl.col(role)
    if isinstance(dtype, TIME_TYPES):
        return times.moments(column, dtype, zones, now)
    if dtype != pl.String:
        return column
    if mapping.time_format is not None:
        return times.formatted(column, mapping.time_format, zones, now)
    return (times.plain if times.are_plain(raw[role]) else times.instants)(column, zones, now)


def _faults(mapping: Mapping, raw: pl.DataFrame, good: pl.DataFrame, now: int) -> list[Fault]:
    everywhere = pl.lit(value=True)
    required: dict[str, pl.Expr] = dict.fromkeys(
        ("member_id", "currency", "quantity", "unit_price", "line_total"), everywhere
    )
    required["order_id"] = pl.col("refund_id").is_null()
    if mapping.refunds_alone:
        required["refund_id"] = everywhere
    required["total"] = ~pl.col("refund") | pl.col("amount").is_null()
    again = _names_again(mapping, raw)
    faults = [Fault(row, None, NAMES_AGAIN) for row in again]
    for role in mapping.columns:
        if role in SIDE_ROLES or role in {"status", "event"}:
            continue
        wanted = pl.col(role).is_not_null() | required.get(role, pl.lit(value=False))
        if role in _AMOUNT_ROLES:  # what it may be follows from the currency
            wanted &= good["currency"].is_not_null()
        bad = raw.filter(wanted & good[role].is_null()).select(
            "row", pl.col(role), pl.col("currency").alias("in"), "refund", pl.col("zone").alias("of")
        )
        faults += [
            Fault(
                row,
                mapping.columns[role],
                *_why(mapping, role, cell, currency=currency, zone=zone, now=now, refund=refund),
            )
            for row, cell, currency, refund, zone in bad.iter_rows()
            if row not in again
        ]
    order = {column: ROLES.index(role) for role, column in mapping.columns.items()}
    return sorted(faults, key=lambda fault: (fault.row, order.get(fault.column or "", 0)))


def _names_again(mapping: Mapping, raw: pl.DataFrame) -> set[int]:
    """The rows that hold the names of the columns once more, as files do that were put together."""
    same = [pl.col(role) == column for role, column in mapping.columns.items() if raw.schema[role] == pl.String]
    return set(raw.filter(pl.all_horizontal(same))["row"]) if same else set()


def _why(
    mapping: Mapping, role: str, cell: Any, *, currency: str, zone: str | None, now: int, refund: bool
) -> tuple[str, str | None]:
    if cell is None:
        return "is empty", None
    if role == "zone":
        return "is no known time zone; one is Europe/London", str(cell)
    if role in TIME_ROLES:
        name = known_zone(zone) if zone is not None else mapping.time_zone
        return times.why_not(cell, name, now, mapping.time_format), str(cell)
    signed = role in {"unit_price", "line_total", "refunded"} or refund
    sign = mapping.money_sign
    if (
        sign is not None
        and role in MONEY_ROLES
        and sign in cell
        and currency not in (currencies_of(sign) or (currency,))
    ):
        return f"is not in {currency}, which {sign} does not stand for", cell
    if mapping.minor_units and role in MONEY_ROLES and cell.endswith(NOT_WHOLE):
        return "must be a whole number of minor units, such as 500", cell.removesuffix(NOT_WHOLE)
    why = cells.why(role, cell, currency=currency, signed=signed)
    return (why + hints.for_amount(cell) if role in MONEY_ROLES else why), cell


def _warnings(mapping: Mapping, raw: pl.DataFrame, good: pl.DataFrame) -> dict[str, int]:
    """How many cells that move no points are left out, since nobody could use them, by column."""
    warnings = {}
    for role in SIDE_ROLES:
        if role in mapping.columns:
            unusable = raw.select((pl.col(role).is_not_null() & good[role].is_null()).sum()).item()
            if unusable:
                warnings[f"column {mapping.columns[role]}: unusable and left out"] = unusable
    return warnings
