"""From a table and a mapping to orders and refunds: every cell is checked, then the rows are gathered to documents.

Texts are read and checked some hundred thousand rows at a time. What the rows mean is held in memory as columns, some
100 bytes a row, since the rows of an order may lie apart and a bad file is to change nothing. The documents themselves
are made one by one, while they are taken.
"""

from collections import Counter

import polars as pl
from msgspec import Struct

from laurels import clock
from laurels.errors import InvalidInput
from laurels.exchange import selecting, times
from laurels.exchange.checking import DOCUMENT, check, with_absent, without_faulty
from laurels.exchange.faults import Fault, refuse_faults
from laurels.exchange.giving import give
from laurels.exchange.mapping import Mapping
from laurels.exchange.orders import OrdersFile
from laurels.exchange.returns import sums_of, too_long, with_rests
from laurels.exchange.table import Table
from laurels.model.money import MAX_WHOLE_DIGITS, MILLION, check_total

_TRILLIONTHS = 10.0**12
"""Quantity x price, both in millionths, comes in so many parts of a major unit."""


def read_orders(table: Table, mapping: Mapping, *, quiet: bool, skip_invalid: bool = False) -> OrdersFile:
    """The orders and refunds in a table. Raises `FileRefused` with every row that cannot be taken; with `skip_invalid`
    such rows, and the others of their orders, are left out and are the answer's `faults`.
    """
    mapping = mapping.fit(table.file, table.columns)
    now = clock.now()
    times.check_format(table.file, mapping.time_format)
    read = _read(table, mapping, now)
    faults = read.faults
    rows, further = _gather(mapping, without_faulty(read.rows, faults))
    faults += further
    faults += [fault for of_order in read.differing.values() for fault in of_order]
    rows = _without(rows, list(read.differing))
    if mapping.of_lines:
        rows = rows.sort("head", "row")
        rows, further = _check_sums(rows)
        faults += further
    documents = with_rests(rows.filter(pl.col("head") == pl.col("row")), rows, mapping)
    if further := too_long(documents, mapping):
        faults += further
        bad = [fault.row for fault in further]
        rows, documents = _without(rows, bad), _without(documents, bad)
    if faults and not skip_invalid:
        raise refuse_faults(table.file, faults, table.places)
    lines = None
    if mapping.of_lines:
        documents = documents.with_columns(rows.group_by("head", maintain_order=True).len("lines")["lines"])
        lines = rows.select("sku", "quantity", "unit_price")
    refunded = documents.select(((pl.col("refunded") > 0) & ~pl.col("refund")).sum()).item() if mapping.refunded else 0
    return OrdersFile(
        documents.height + (refunded or 0) + documents.select((pl.col("rest") > 0).sum()).item(),
        dict(read.skipped),
        lambda: give(documents, lines, quiet=quiet),
        warnings=dict(read.warnings),
        faults=faults + _dragged_along(read.rows, rows, faults),
        took=_took(table, mapping),
        ignored=tuple(column for column in mapping.ignore if column in table.columns),
    )


class _Read(Struct):
    """All rows of a file but those that are left out as the mapping says, and what was found on the way."""

    rows: pl.DataFrame
    faults: list[Fault]
    differing: dict[int, list[Fault]]
    skipped: Counter[str]
    warnings: Counter[str]


def _read(table: Table, mapping: Mapping, now: int) -> _Read:
    """Slice by slice, so that the texts of all rows are never in memory at once: only what they mean is."""
    slices: list[pl.DataFrame] = []
    read = _Read(pl.DataFrame(), [], {}, Counter(), Counter())
    for raw in selecting.by_role(table, mapping):
        differing = selecting.differing(raw, mapping)
        kept, skipped = selecting.leave_out(raw, mapping)
        if differing:
            read.differing |= {head: differing[head] for head in kept["row"].to_list() if head in differing}
        checked = check(mapping, kept, now)
        slices.append(checked.rows)
        read.faults += checked.faults
        read.skipped.update(skipped)
        read.warnings.update(checked.warnings)
    read.rows = with_absent(pl.concat(slices), mapping)
    return read


def _gather(mapping: Mapping, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Fault]]:
    """With `head`, the first row of the document that a row belongs to, without documents that contradict themselves;
    and where they do.
    """
    rows = rows.with_columns(_head(rows).alias("head"))
    faults = []
    if not mapping.of_lines:
        twice = rows.filter(pl.col("head") != pl.col("row")).select("row", "head", "id", "refund")
        for row, head, name, refund in twice.iter_rows():
            column = mapping.refund_id if refund and mapping.refund_id else mapping.order_id
            faults.append(Fault(row, column, f"stands in row {head} already; a row is a whole order", name))
    else:
        rows = _as_lines(mapping, rows)
        for role in ("member_id", "currency", "channel", "order_id"):
            if role in mapping.columns:
                differing = rows.filter(pl.col(role).ne_missing(pl.col(role).first().over("head")))
                for row, head, name, value in differing.select(
                    "row", "head", "id", pl.col(role).alias("v")
                ).iter_rows():
                    why = f"is another one than in row {head}, where {name} begins"
                    faults.append(Fault(row, mapping.columns[role], why, value))
    return _without(rows, [fault.row for fault in faults]), sorted(faults, key=lambda fault: fault.row)


def _head(rows: pl.DataFrame) -> pl.Expr:
    """The first row of the document that a row belongs to. Where every row is a document of its own, which the hashes
    of what tells them apart show, nothing is gathered: that takes five times the memory.
    """
    hashes = rows.select(pl.struct(DOCUMENT).hash()).to_series()
    return pl.col("row") if hashes.n_unique() == rows.height else pl.col("row").min().over(*DOCUMENT)


def _as_lines(mapping: Mapping, rows: pl.DataFrame) -> pl.DataFrame:
    """Lines as the wire has them: a line's total is one piece at that price, and a line may lack an article."""
    if mapping.line_total is not None:
        rows = rows.with_columns(pl.lit(MILLION, pl.Int64).alias("quantity"), pl.col("line_total").alias("unit_price"))
    return rows.with_columns(pl.col("sku").fill_null(""))


def _without(rows: pl.DataFrame, bad: list[int]) -> pl.DataFrame:
    if not bad:
        return rows
    heads = rows.filter(pl.col("row").is_in(bad))["head"].unique()
    return rows.filter(~pl.col("head").is_in(heads.implode()))


def _check_sums(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Fault]]:
    """Without orders whose lines add up to less than nothing, or to more than can be held; and which those are."""
    product = pl.col("quantity").cast(pl.Int128) * pl.col("unit_price").cast(pl.Int128)
    size = pl.col("quantity").cast(pl.Float64) * pl.col("unit_price").cast(pl.Float64)
    sums = rows.group_by("head", maintain_order=True).agg(
        product.sum().alias("exact"), size.abs().sum().alias("size"), pl.first("refund", "id", "currency")
    )
    faults = []
    # Int128 wraps around silently, but only far beyond sizes that are suspect anyway; suspects are added up exactly.
    suspect = (pl.col("size") >= 10**MAX_WHOLE_DIGITS * _TRILLIONTHS) | (~pl.col("refund") & (pl.col("exact") < 0))
    suspects = sums.filter(suspect)
    totals = sums_of(suspects, rows)
    for order in suspects.iter_rows(named=True):
        total = totals[order["head"]]
        try:
            check_total(abs(total) if order["refund"] else total, order["currency"], "lines")
        except InvalidInput as error:
            faults.append(Fault(order["head"], None, f"the lines of {order['id']} {error.errors[0].message}"))
    return _without(rows, [fault.row for fault in faults]), faults


def _dragged_along(read: pl.DataFrame, rows: pl.DataFrame, faults: list[Fault]) -> list[Fault]:
    """Rows that are left out for the fault of another one of their order."""
    if not faults:
        return []
    left_out = read.join(rows.select("row"), on="row", how="anti", maintain_order="left")
    own = {fault.row for fault in faults}
    return [
        Fault(row, None, "another row of this order is at fault", name)
        for row, name in left_out.select("row", "id").iter_rows()
        if row not in own
    ]


def _took(table: Table, mapping: Mapping) -> dict[str, str]:
    """What each role was read from, and what was not read."""
    columns = {role: text for role, text in mapping.columns.items() if role != "total" or not mapping.refunds_alone}
    took = {**columns, **{role: f'"{value}" everywhere' for role, value in mapping.constants.items()}}
    text = " ".join(mapping.columns.values())
    unread = [column for column in table.columns if column not in text]
    return took | ({"not read": ", ".join(unread)} if unread else {})
