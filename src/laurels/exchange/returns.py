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
        documents = documents.with_columns(_sums(documents.filter(whole), rows, documents["head"]))
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


def _sums(returned: pl.DataFrame, rows: pl.DataFrame, heads: pl.Series) -> pl.Series:
    """The totals of these documents, exactly, beside null for the others."""
    totals = {}
    for head, currency in returned.select("head", "currency").iter_rows():
        lines = rows.filter(pl.col("head") == head).select("quantity", "unit_price").iter_rows()
        totals[head] = sum_lines(lines, currency)
    return pl.Series("total", [totals.get(head) for head in heads.to_list()], pl.Int64)
