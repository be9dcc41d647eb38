"""From a table and a mapping to orders and refunds: every cell is checked, then the rows are gathered to documents.

All of it happens on whole columns, in memory: a file of ten million lines needs a few GB. Only the documents
themselves are made one by one, while they are taken.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from laurels import clock
from laurels.cli.files import cells
from laurels.cli.files.mapping import LINE_ROLES, ROLES, Mapping
from laurels.cli.files.orders import OrdersFile
from laurels.cli.files.refusals import refuse_cell, shown
from laurels.cli.files.table import Table
from laurels.errors import FileRefused, InvalidInput
from laurels.model import Channel, Line, Order, Refund
from laurels.model.currencies import DECIMALS
from laurels.model.money import MAX_WHOLE_DIGITS, check_total, sum_lines

_DOCUMENTS_AT_ONCE = 4096
_TRILLIONTHS = 10.0**12
"""Quantity x price, both in millionths, comes in so many parts of a major unit."""

_TIME_TYPES = (pl.Datetime, pl.Date)
_TEXT_TYPES = (pl.String, pl.Categorical, pl.Enum, pl.Null)
_DECIMAL_ROLES = frozenset({"total", "quantity", "unit_price"})
_DEFAULTS = {"channel": Channel.WEB.value, "source": "shop"}


def read_orders(table: Table, mapping: Mapping, *, quiet: bool) -> OrdersFile:
    """The orders and refunds in a table. Raises `FileRefused` at the first row (then column) that cannot be taken."""
    mapping.check(table.file, table.columns)
    now = clock.now()
    raw = _select(table, mapping)
    raw, skipped = _leave_out(raw, mapping)
    rows = _check(table, mapping, raw, now)
    del raw
    rows = _gather(table, mapping, rows)
    documents = rows.filter(pl.col("head") == pl.col("row"))
    if not mapping.of_lines:
        return OrdersFile(documents.height, skipped, lambda: _give(documents, None, quiet=quiet))
    rows = rows.sort("head", "row")
    _check_sums(table, rows)
    documents = documents.with_columns(rows.group_by("head", maintain_order=True).len("lines")["lines"])
    lines = rows.select(LINE_ROLES)
    return OrdersFile(documents.height, skipped, lambda: _give(documents, lines, quiet=quiet))


def _select(table: Table, mapping: Mapping) -> pl.DataFrame:
    """The mapped columns by role, as text or as the times they are, with null for empty cells; and `row`, from 1."""
    frame = table.select(mapping.columns)
    return frame.select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("row"),
        *(_as_text(table, role, column, frame.schema[role]).alias(role) for role, column in mapping.columns.items()),
    )


def _as_text(table: Table, role: str, column: str, dtype: pl.DataType) -> pl.Expr:
    cell = pl.col(role)
    if isinstance(dtype, _TIME_TYPES) and role == "occurred_at":
        return cell
    text = cell.cast(pl.String)
    if isinstance(dtype, _TEXT_TYPES) or (dtype.is_integer() and role != "occurred_at"):
        return pl.when(text != "").then(text)
    if isinstance(dtype, pl.Decimal) and role in _DECIMAL_ROLES:
        # The type's scale is not the cell's precision: 5.000 in a decimal(12, 3) is 5.
        short = text.str.strip_chars_end("0").str.strip_suffix(".")
        return pl.when(text.str.contains(".", literal=True)).then(short).otherwise(text)
    raise refuse_cell(table.file, None, column, f"holds {shown(str(dtype))}; {_wanted_type(role)}")


def _wanted_type(role: str) -> str:
    if role == "occurred_at":
        return "times must be a datetime, a date or text"
    if role in _DECIMAL_ROLES:
        return "amounts must be decimals, whole numbers or text, for floating-point numbers are not exact"
    return "it must be text or whole numbers"


def _leave_out(raw: pl.DataFrame, mapping: Mapping) -> tuple[pl.DataFrame, dict[str, int]]:
    """The rows that the mapping does not skip, and how many it does, by reason; a row counts under its first one."""
    reasons: dict[str, pl.Expr] = {}
    if mapping.skip_prefix is not None:
        begins = pl.col("order_id").str.starts_with(mapping.skip_prefix).fill_null(value=False)
        reasons[f"rows whose {mapping.order_id} begins with {mapping.skip_prefix}"] = begins
    if mapping.skip_without_member:
        reasons[f"rows without {mapping.member_id}"] = pl.col("member_id").is_null()
    skipped: dict[str, int] = {}
    for reason, applies in reasons.items():
        kept = raw.filter(~applies)
        skipped[reason] = raw.height - kept.height
        raw = kept
    return raw, skipped


def _check(table: Table, mapping: Mapping, raw: pl.DataFrame, now: int) -> pl.DataFrame:
    """The same rows with every cell converted, every role as a column, and `refund` and `id`; or `FileRefused`."""
    absent = [
        pl.lit(mapping.constants.get(role), pl.Int64 if role == "occurred_at" else pl.String).alias(role)
        for role in ROLES
        if role not in mapping.columns
    ]
    defaults = [pl.col(role).fill_null(value) for role, value in _DEFAULTS.items()]
    raw = raw.with_columns(*absent).with_columns(*defaults, _is_refund(mapping).alias("refund"))
    # Lazily, because only then is what stands in an expression twice computed once: three times as fast.
    good = raw.lazy().with_columns(_converted(mapping, raw.schema, now)).collect()
    _refuse_first_bad_cell(table, mapping, raw, good, now)
    is_refund = pl.col("refund")
    order_id = pl.col("order_id")
    return good.with_columns(
        pl.when(is_refund & pl.col("refund_id").is_not_null())
        .then(pl.col("refund_id"))
        .otherwise(order_id)
        .alias("id"),
        pl.when(is_refund & pl.col("refund_id").is_null()).then(None).otherwise(order_id).alias("order_id"),
    ).drop("refund_id")


def _is_refund(mapping: Mapping) -> pl.Expr:
    if mapping.refund_prefix is not None:
        return pl.col("order_id").str.starts_with(mapping.refund_prefix).fill_null(value=False)
    return pl.col("refund_id").is_not_null()


def _converted(mapping: Mapping, schema: pl.Schema, now: int) -> list[pl.Expr]:
    """An expression for every role that has a column; null is a cell that is not valid."""
    is_refund = pl.col("refund")
    currency_decimals = pl.col("currency").replace_strict(DECIMALS, default=None, return_dtype=pl.UInt32)
    minor_unit = 10 ** (cells.MAX_DECIMALS - currency_decimals.cast(pl.Int64))
    price_decimals = pl.lit(cells.MAX_DECIMALS)
    # A refund's sign does not count, but an order's does; what is 0 of something was not bought.
    quantity = cells.millionths(pl.col("quantity"), price_decimals, signed=is_refund)
    expressions = {
        "order_id": cells.ids(pl.col("order_id")),
        "member_id": cells.ids(pl.col("member_id")),
        "currency": cells.one_of(pl.col("currency"), DECIMALS),
        "channel": cells.one_of(pl.col("channel"), list(Channel)),
        "source": cells.sources(pl.col("source")),
        "email": cells.emails(pl.col("email")),
        "refund_id": cells.ids(pl.col("refund_id")),
        "total": cells.millionths(pl.col("total"), currency_decimals, signed=is_refund) // minor_unit,
        "sku": cells.skus(pl.col("sku")),
        "quantity": pl.when(quantity != 0).then(quantity),
        "unit_price": cells.millionths(pl.col("unit_price"), price_decimals, signed=pl.lit(value=True)),
    }
    times = schema["occurred_at"]
    expressions["occurred_at"] = (
        cells.moments(pl.col("occurred_at"), times, mapping.time_zone, now)
        if isinstance(times, _TIME_TYPES)
        else cells.instants(pl.col("occurred_at"), mapping.time_zone, now)
    )
    return [expressions[role].alias(role) for role in mapping.columns]


def _refuse_first_bad_cell(table: Table, mapping: Mapping, raw: pl.DataFrame, good: pl.DataFrame, now: int) -> None:
    required = dict.fromkeys(("member_id", "currency", "total", *LINE_ROLES), pl.lit(value=True))
    required["order_id"] = pl.col("refund_id").is_null()
    firsts = []
    for role in mapping.columns:
        wanted = pl.col(role).is_not_null() | required.get(role, pl.lit(value=False))
        row = raw.select(pl.col("row").filter(wanted & good[role].is_null()).first()).item()
        if row is not None:
            firsts.append((row, ROLES.index(role), role))
    if firsts:
        row, _, role = min(firsts)
        raise _bad_cell(table, mapping, raw.row(by_predicate=pl.col("row") == row, named=True), role, now)


def _bad_cell(table: Table, mapping: Mapping, raw: dict[str, Any], role: str, now: int) -> FileRefused:
    if raw[role] is None:
        return table.refuse(raw["row"], mapping.columns[role], "is empty")
    signed = role == "unit_price" or raw["refund"]
    why = cells.why(role, raw[role], currency=raw["currency"], signed=signed, zone=mapping.time_zone, now=now)
    return table.refuse(raw["row"], mapping.columns[role], f'"{shown(str(raw[role]))}" {why}')


def _gather(table: Table, mapping: Mapping, rows: pl.DataFrame) -> pl.DataFrame:
    """With `head`, the first row of the document that a row belongs to; refuses a document that contradicts itself."""
    rows = rows.with_columns(pl.col("row").min().over("source", "refund", "id").alias("head"))
    if not mapping.of_lines:
        twice = rows.filter(pl.col("head") != pl.col("row")).head(1)
        for row in twice.iter_rows(named=True):
            why = f'"{row["id"]}" stands in row {row["head"]} already; a row is a whole order'
            raise table.refuse(row["row"], mapping.columns["refund_id" if row["refund"] else "order_id"], why)
        return rows
    for role in ("member_id", "currency", "channel", "order_id"):
        if role in mapping.columns:
            differing = rows.filter(pl.col(role).ne_missing(pl.col(role).first().over("head"))).head(1)
            for row in differing.iter_rows(named=True):
                why = f'"{row[role]}" is another one than in row {row["head"]}, where {row["id"]} begins'
                raise table.refuse(row["row"], mapping.columns[role], why)
    return rows


def _check_sums(table: Table, rows: pl.DataFrame) -> None:
    """Raise `FileRefused` at the first order whose lines add up to less than nothing, or to more than can be held."""
    product = pl.col("quantity").cast(pl.Int128) * pl.col("unit_price").cast(pl.Int128)
    size = pl.col("quantity").cast(pl.Float64) * pl.col("unit_price").cast(pl.Float64)
    sums = rows.group_by("head", maintain_order=True).agg(
        product.sum().alias("exact"), size.abs().sum().alias("size"), pl.first("refund", "id", "currency")
    )
    # Int128 wraps around silently, but only far beyond sizes that are suspect anyway; suspects are added up exactly.
    suspect = (pl.col("size") >= 10**MAX_WHOLE_DIGITS * _TRILLIONTHS) | (~pl.col("refund") & (pl.col("exact") < 0))
    for order in sums.filter(suspect).iter_rows(named=True):
        lines = rows.filter(pl.col("head") == order["head"]).select("quantity", "unit_price").iter_rows()
        total = sum_lines(lines, order["currency"])
        try:
            check_total(abs(total) if order["refund"] else total, order["currency"], "lines")
        except InvalidInput as error:
            raise table.refuse(order["head"], None, f"the lines of {order['id']} {error.errors[0].message}") from error


def _give(documents: pl.DataFrame, lines: pl.DataFrame | None, *, quiet: bool) -> Iterator[Order | Refund]:
    taken = 0
    for part in documents.iter_slices(_DOCUMENTS_AT_ONCE):
        if lines is None:
            for head in part.iter_rows(named=True):
                yield _document(head, head["total"], (), quiet=quiet)
            continue
        count = sum(part["lines"].to_list())
        made = list(map(Line, *(column.to_list() for column in lines.slice(taken, count))))
        taken += count
        at = 0
        for head in part.iter_rows(named=True):
            own = tuple(made[at : at + head["lines"]])
            at += head["lines"]
            total = sum_lines(((line.quantity, line.unit_price) for line in own), head["currency"])
            yield _document(head, total, own, quiet=quiet)


def _document(head: dict[str, Any], total: int, lines: tuple[Line, ...], *, quiet: bool) -> Order | Refund:
    if head["refund"]:
        return Refund(
            source=head["source"],
            refund_id=head["id"],
            currency=head["currency"],
            amount=abs(total),
            member_id=head["member_id"],
            order_id=head["order_id"],
            occurred_at=head["occurred_at"],
            quiet=quiet,
        )
    return Order(
        source=head["source"],
        order_id=head["id"],
        currency=head["currency"],
        total=total,
        member_id=head["member_id"],
        channel=Channel(head["channel"]),
        occurred_at=head["occurred_at"],
        lines=lines,
        email=head["email"],
        quiet=quiet,
    )
