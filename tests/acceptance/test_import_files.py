"""A year of a real shop's invoices through `online-retail`, against standings that were computed apart from Laurels."""

import csv
from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest

from laurels.exchange import PRESETS, OrdersFile, open_documents
from laurels.model import Order, Refund
from laurels.model.times import format_instant


@pytest.fixture(scope="module")
def retail(data_dir: Path) -> OrdersFile:
    return open_documents(data_dir / "online_retail.parquet", PRESETS["online-retail"].mapping())


@pytest.fixture(scope="module")
def documents(retail: OrdersFile) -> list[Order | Refund]:
    return list(retail)


def points_of(minor: int) -> int:
    """1 point for every 10.00, a half goes up."""
    return (minor + 500) // 1000


def test_counts(retail: OrdersFile, documents: list[Order | Refund]) -> None:
    orders = [document for document in documents if isinstance(document, Order)]
    assert (len(orders), len(documents) - len(orders)) == (18_536, 3_654)
    assert retail.total == len(documents)
    assert retail.skipped == {"rows whose InvoiceNo begins with A": 3, "rows without CustomerID": 135_077}
    assert len({document.member_id for document in documents}) == 4_372
    assert sum(len(order.lines) for order in orders) == 397_924


def test_standings_that_follow(documents: list[Order | Refund], data_dir: Path) -> None:
    points: dict[str, int] = defaultdict(int)
    for document in documents:
        points[document.member_id] += (
            points_of(document.total) if isinstance(document, Order) else -points_of(document.amount)
        )
    assert sum(points.values()) == 830_121
    # Sorting is stable and members stand in the order of their first documents, so this is the board's total order.
    ranked = sorted((member for member in points if points[member] >= 1), key=lambda member: -points[member])
    with (data_dir / "online_retail_expected.csv").open(newline="") as file:
        expected = [(row["member_id"], int(row["points"])) for row in csv.DictReader(file)]
    assert [(member, points[member]) for member in ranked] == expected


def test_an_order_and_its_refund(documents: list[Order | Refund]) -> None:
    first = documents[0]
    assert isinstance(first, Order)
    assert (first.order_id, first.member_id, first.currency, first.total) == ("536365", "17850", "GBP", 13_912)
    assert (first.source, first.channel, first.email, first.quiet) == ("shop", "web", None, True)
    assert format_instant(first.occurred_at or 0) == "2010-12-01T08:26:00Z"
    assert [line.sku for line in first.lines][:2] == ["85123A", "71053"]
    by_id = {
        document.order_id if isinstance(document, Order) else document.refund_id: document for document in documents
    }
    bought, cancelled = by_id["581483"], by_id["C581484"]
    assert isinstance(bought, Order)
    assert isinstance(cancelled, Refund)
    assert (bought.member_id, bought.total, cancelled.amount, cancelled.order_id) == (
        "16446",
        16_846_960,
        16_846_960,
        None,
    )


def test_summer_time(documents: list[Order | Refund]) -> None:
    summer = next(document for document in documents if (document.occurred_at or 0) > 1_310_000_000_000_000)
    hour = int(format_instant(summer.occurred_at or 0)[11:13])
    assert 4 <= hour <= 20, "the shop is open from 6 to 21 by its own clock"


@pytest.mark.long
def test_the_same_from_csv_and_ndjson(documents: list[Order | Refund], data_dir: Path, tmp_path: Path) -> None:
    frame = pl.read_parquet(data_dir / "online_retail.parquet")
    as_text = frame.with_columns(pl.col("UnitPrice", "InvoiceDate").cast(pl.String))
    frame.write_csv(tmp_path / "retail.csv")
    as_text.write_ndjson(tmp_path / "retail.ndjson")
    for name in ("retail.csv", "retail.ndjson"):
        assert list(open_documents(tmp_path / name, PRESETS["online-retail"].mapping())) == documents
