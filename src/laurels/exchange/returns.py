"""Orders that were given back whole: what of each is left to refund, beyond the sum that its row tells of."""

import polars as pl

from laurels.exchange import cells
from laurels.exchange.faults import Fault
from laurels.exchange.giving import REST
from laurels.exchange.mapping import Mapping
from laurels.model.money import sum_lines


def with_rests(documents: pl.DataFrame, rows: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """With `rest`, in minor units, null or 0 where nothing is left. `rows` are those of all documents, by `head`."""
    if mapping.cancelled_at is None and not mapping.returned:
        return documents.with_columns(pl.lit(None, pl.Int64).alias("rest"))
    whole = _is_returned(mapping) & ~pl.col("refund")
    if mapping.of_lines:
        totals = sums_of(documents.filter(whole), rows)
        sums = [totals.get(head) for head in documents["head"].to_list()]
        documents = documents.with_columns(pl.Series("total", sums, pl.Int64))
    rest = (pl.col("total") - pl.col("refunded").fill_null(0)).clip(lower_bound=0)
    return documents.with_columns(pl.when(whole).then(rest).alias("rest"))


def too_long(documents: pl.DataFrame, mapping: Mapping) -> list[Fault]:
    """Orders whose id has no room for that of the refund."""
    good = cells.ids(pl.col("id") + REST, as_they_are=True).is_not_null()
    long = documents.filter((pl.col("rest") > 0) & ~good)
    why = f"was given back, and is too long for a refund's id, which ends in {REST}; shorten it"
    return [Fault(row, mapping.order_id, why, name) for row, name in long.select("row", "id").iter_rows()]


def _is_returned(mapping: Mapping) -> pl.Expr:
    status = pl.col("status").str.to_lowercase().is_in([each.lower() for each in mapping.returned])
    return pl.col("cancelled_at").is_not_null() | status.fill_null(value=False)


def sums_of(documents: pl.DataFrame, rows: pl.DataFrame) -> dict[int, int]:
    """What the lines of these documents add up to, exactly, in minor units, by `head`."""
    currencies = dict(documents.select("head", "currency").iter_rows())
    lines = rows.filter(pl.col("head").is_in(documents["head"].implode()))
    lines = lines.group_by("head").agg("quantity", "unit_price")
    return {head: sum_lines(zip(*of_it, strict=True), currencies[head]) for head, *of_it in lines.iter_rows()}
