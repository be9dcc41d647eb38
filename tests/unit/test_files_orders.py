"""What files of orders give: documents in file order, whatever the format."""

import gzip
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from laurels.errors import FileRefused
from laurels.exchange import Constant, Mapping, open_documents
from laurels.exchange.opening import open_plain
from laurels.model import Channel, Line, Order, Refund
from laurels.model.times import format_instant, from_datetime, parse_instant

TEN = from_datetime(datetime(2026, 1, 5, 10, tzinfo=UTC))
LINES = Mapping(sku="sku", quantity="quantity", unit_price="unit_price")
A1 = Order(
    source="shop",
    order_id="A1",
    currency="GBP",
    total=2500,
    member_id="m1",
    occurred_at=TEN,
    channel=Channel.STORE,
    quiet=True,
)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file from its name and text."""

    def write(name: str, text: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def read(path: Path, mapping: Mapping | None = None, **options: Any) -> list[Order | Refund]:
    orders = open_documents(path, mapping, **options)
    documents = list(orders)
    assert len(documents) == orders.total
    assert list(orders) == documents, "a second reading gives the same"
    return documents


class TestOneRowOneOrder:
    HEADER = "order_id,member_id,currency,channel,occurred_at,total\n"
    ROW = "A1,m1,GBP,store,2026-01-05T10:00:00Z,25.00\n"

    @pytest.mark.parametrize(
        "text",
        [
            HEADER + ROW,
            "\ufeff" + HEADER + ROW,
            (HEADER + ROW).replace("\n", "\r\n"),
            (HEADER + ROW).rstrip("\n"),
            HEADER + ROW.replace("m1", '"m1"'),
            HEADER + ROW.replace("10:00:00Z", "11:00:00.000000+01:00"),
            HEADER + ROW.replace("25.00", "25"),
        ],
        ids=["plain", "byte order mark", "CRLF", "no final newline", "quoted", "offset", "whole pounds"],
    )
    def test_csv(self, write: Write, text: str) -> None:
        assert read(write("orders.csv", text)) == [A1]

    def test_the_ending_may_be_overridden_and_its_case_does_not_count(self, write: Write) -> None:
        assert read(write("orders.txt", self.HEADER + self.ROW), format_name="csv") == [A1]
        assert read(write("orders.CSV", self.HEADER + self.ROW)) == [A1]

    def test_quiet_is_the_callers_choice(self, write: Write) -> None:
        assert read(write("orders.csv", self.HEADER + self.ROW), quiet=False) == [
            msgspec.structs.replace(A1, quiet=False)
        ]

    def test_what_a_row_leaves_empty(self, write: Write) -> None:
        path = write("orders.csv", self.HEADER + "A1,m1,GBP,,,25.00\n")
        assert read(path) == [
            Order(source="shop", order_id="A1", currency="GBP", total=2500, member_id="m1", quiet=True)
        ]

    def test_columns_that_are_not_mapped_do_not_count(self, write: Write) -> None:
        path = write("orders.csv", 'total,Bestellung,member_id,note\n25.00,A1,m1,"a,\nb"\n')
        mapping = Mapping(order_id="Bestellung", total="total", currency=Constant("EUR"), source=Constant("till-1"))
        assert read(path, mapping) == [
            Order(source="till-1", order_id="A1", currency="EUR", total=2500, member_id="m1", quiet=True)
        ]

    def test_one_id_in_two_sources_is_two_orders(self, write: Write) -> None:
        path = write("orders.csv", "order_id,member_id,currency,total,source\n1,m1,GBP,1.00,a\n1,m1,GBP,1.00,b\n")
        assert [document.source for document in read(path)] == ["a", "b"]

    def test_a_currency_without_decimals(self, write: Write) -> None:
        path = write("orders.csv", "order_id,member_id,currency,total\n1,m1,JPY,150\n2,m1,GBP,1.50\n")
        assert [document.total for document in read(path) if isinstance(document, Order)] == [150, 150]

    def test_refunds_with_and_without_an_order(self, write: Write) -> None:
        header = "order_id,member_id,currency,total,refund_id\n"
        path = write(
            "orders.csv", header + "A1,m1,GBP,25.00,\nA1,m1,GBP,5.00,R1\n,m1,GBP,-7.00,R2\nA1,m1,GBP,1.00,R3\n"
        )
        common: Any = {"source": "shop", "currency": "GBP", "member_id": "m1", "quiet": True}
        assert read(path)[1:] == [
            Refund(refund_id="R1", amount=500, order_id="A1", **common),
            Refund(refund_id="R2", amount=700, **common),
            Refund(refund_id="R3", amount=100, order_id="A1", **common),
        ]

    def test_a_refund_named_as_an_order_is_another_document(self, write: Write) -> None:
        path = write("orders.csv", "order_id,member_id,currency,total,refund_id\nA1,m1,GBP,25.00,\nA1,m1,GBP,5.00,A1\n")
        assert [type(document) for document in read(path)] == [Order, Refund]


class TestOneRowOneLine:
    HEADER = "order_id,member_id,currency,sku,quantity,unit_price\n"

    def test_lines_are_gathered_in_the_order_of_first_lines(self, write: Write) -> None:
        rows = "B,m2,GBP,BANK CHARGES,1,0.001\nA,m1,GBP,85123A,6,2.55\nB,m2,GBP,té/1,0.5,-0.01\nA,m1,GBP,71053,1,0\n"
        documents = read(write("orders.csv", self.HEADER + rows), LINES)
        assert [(type(document), document.member_id) for document in documents] == [(Order, "m2"), (Order, "m1")]
        first, second = documents
        assert isinstance(first, Order)
        assert isinstance(second, Order)
        assert first.lines == (Line("BANK CHARGES", 1_000_000, 1_000), Line("té/1", 500_000, -10_000))
        assert first.total == 0, "0.001 - 0.005 is less than half a penny below zero, so it is nothing"
        assert second.lines == (Line("85123A", 6_000_000, 2_550_000), Line("71053", 1_000_000, 0))
        assert second.total == 1530

    def test_an_order_takes_time_and_address_of_its_first_line(self, write: Write) -> None:
        header = self.HEADER.replace("\n", ",occurred_at,email\n")
        rows = (
            "A,m1,GBP,a,1,1.00,2026-01-05T10:00:00Z,ann@example.com\n"
            "A,m1,GBP,b,1,1.00,2026-01-05T09:00:00Z,bob@example.com\n"
        )
        (order,) = read(write("orders.csv", header + rows))
        assert isinstance(order, Order)
        assert (order.occurred_at, order.email) == (TEN, "ann@example.com")

    def test_half_a_penny_is_rounded_up_once_for_the_whole_order(self, write: Write) -> None:
        rows = "A,m1,GBP,a,1,0.002\nA,m1,GBP,b,1,0.003\nB,m1,GBP,a,1,0.004\n"
        assert [
            order.total for order in read(write("o.csv", self.HEADER + rows), LINES) if isinstance(order, Order)
        ] == [1, 0]

    def test_refunds_by_prefix_and_rows_left_out(self, write: Write) -> None:
        mapping = msgspec.structs.replace(LINES, refund_prefix="C", skip_prefix="X", skip_without_member=True)
        rows = "C1,m1,GBP,a,-2,1.255\nX1,m1,GBP,not even checked: \x07,,\nX2,,,,,\nA1,,GBP,,,\nA2,m1,GBP,a,1,1.00\n"
        path = write("orders.csv", self.HEADER + rows)
        orders = open_documents(path, mapping)
        assert orders.skipped == {"rows whose order_id begins with X": 2, "rows without member_id": 1}
        refund, order = orders
        assert refund == Refund(source="shop", refund_id="C1", currency="GBP", amount=251, member_id="m1", quiet=True)
        assert isinstance(order, Order)

    def test_a_file_of_which_nothing_is_left(self, write: Write) -> None:
        mapping = msgspec.structs.replace(LINES, skip_without_member=True)
        orders = open_documents(write("orders.csv", self.HEADER + "A1,,GBP,a,1,1.00\n"), mapping)
        assert (orders.total, list(orders)) == (0, [])

    def test_more_orders_than_are_made_at_once(self, write: Write) -> None:
        rows = "".join(f"A{number % 9000},m{number % 9000},GBP,s{number},1,1.00\n" for number in range(20_000))
        documents = read(write("orders.csv", self.HEADER + rows), LINES)
        assert [getattr(document, "order_id", "") for document in documents] == [f"A{number}" for number in range(9000)]
        for number, order in enumerate(documents):
            assert isinstance(order, Order)
            assert order.member_id == f"m{number}"
            assert [line.sku for line in order.lines] == [f"s{each}" for each in range(number, 20_000, 9000)]

    def test_the_largest_amounts_are_summed_exactly(self, write: Write) -> None:
        rows = "A,m1,GBP,a,1,999999999999.99\nA,m1,GBP,a,999999.999999,-0.000001\nA,m1,GBP,b,1,0.999999\n"
        (order,) = read(write("orders.csv", self.HEADER + rows), LINES)
        assert isinstance(order, Order)
        assert order.total == 99_999_999_999_999


class TestTimes:
    def read_time(self, write: Write, text: str, zone: str | None) -> str:
        path = write("orders.csv", f"order_id,member_id,currency,total,at\nA1,m1,GBP,1.00,{text}\n")
        (order,) = read(path, Mapping(total="total", occurred_at="at", time_zone=zone))
        assert order.occurred_at is not None
        return format_instant(order.occurred_at)

    @pytest.mark.parametrize(
        ("clock", "instant"),
        [
            ("2026-01-05 10:00:00", "2026-01-05T10:00:00Z"),
            ("2026-07-05 10:00:00", "2026-07-05T09:00:00Z"),
            ("2026-07-05T10:00", "2026-07-05T09:00:00Z"),
            ("2026-07-05", "2026-07-04T23:00:00Z"),
            ("2026-07-05T10:00:00.1234567", "2026-07-05T09:00:00.123456Z"),
            ("2026-07-05T10:00:00+02:00", "2026-07-05T08:00:00Z"),
            ("2026-10-25 01:30:00", "2026-10-25T00:30:00Z"),
            ("2026-03-29 01:30:00", "2026-03-29T01:30:00Z"),
        ],
    )
    def test_by_the_clocks_of_london(self, write: Write, clock: str, instant: str) -> None:
        assert self.read_time(write, clock, "Europe/London") == instant

    def test_a_day_that_a_country_skipped(self, write: Write) -> None:
        assert self.read_time(write, "2011-12-30 12:00:00", "Pacific/Apia") == "2011-12-30T22:00:00Z"


class TestParquet:
    def test_typed_columns(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.parquet"
        frame = pl.DataFrame(
            {
                "order_id": [1, 2],
                "member_id": pl.Series([17850, 17850], dtype=pl.Int32),
                "currency": pl.Series(["GBP", "GBP"], dtype=pl.Categorical),
                "total": [Decimal("25.000"), Decimal("0.500")],
                "occurred_at": pl.Series([datetime(2026, 1, 5, 10, tzinfo=UTC), None], dtype=pl.Datetime("ns", "UTC")),
            }
        )
        frame.write_parquet(path)
        common: Any = {"source": "shop", "currency": "GBP", "member_id": "17850", "quiet": True}
        assert read(path) == [
            Order(order_id="1", total=2500, occurred_at=TEN, **common),
            Order(order_id="2", total=50, **common),
        ]

    @pytest.mark.parametrize(
        ("value", "instant"),
        [
            (datetime(2026, 7, 5, 10), "2026-07-05T09:00:00Z"),  # noqa: DTZ001
            (datetime(2026, 3, 29, 1, 30), "2026-03-29T01:30:00Z"),  # noqa: DTZ001
            (datetime(2026, 10, 25, 1, 30), "2026-10-25T00:30:00Z"),  # noqa: DTZ001
            (date(2026, 7, 5), "2026-07-04T23:00:00Z"),
        ],
    )
    def test_times_without_a_zone(self, tmp_path: Path, value: date, instant: str) -> None:
        path = tmp_path / "orders.parquet"
        pl.DataFrame({"order_id": ["1"], "member_id": ["m"], "total": [3], "at": [value]}).write_parquet(path)
        mapping = Mapping(total="total", currency=Constant("GBP"), occurred_at="at", time_zone="Europe/London")
        (order,) = read(path, mapping)
        assert (order.occurred_at, isinstance(order, Order) and order.total) == (parse_instant(instant, "at"), 300)


class TestFlatNdjson:
    MAPPING = Mapping(order_id="id", member_id="customer", total="sum", currency=Constant("GBP"))

    def test_a_mapping_reads_flat_objects(self, write: Write) -> None:
        path = write(
            "o.jsonl",
            '{"id": 1, "customer": "m1", "sum": "2.50"}\n{"sum": "1", "id": "A", "customer": 7, "tags": [1.5]}',
        )
        documents = read(path, self.MAPPING)
        assert [(getattr(d, "order_id", ""), d.member_id, getattr(d, "total", 0)) for d in documents] == [
            ("1", "m1", 250),
            ("A", "7", 100),
        ]

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ('{"id": 1, "customer": "m1", "sum": 2.505}', 'row 2, column sum: "2.505" must have at most 2 decimals'),
            ('{"id": 1.0, "customer": "m1", "sum": 2.50}', 'row 2, column id: "1.0" looks like an id that'),
            ('{"id": 1, "customer": true, "sum": "1"}', "row 2, column customer: must be a text or a number"),
            ('{"id": 1, "customer": ["m1"], "sum": "1"}', "row 2, column customer: must be a text or a number"),
            ('{"id": 1, "customer": "m1"}', "row 2, column sum: is empty"),
            ("[1]", "row 2: Expected `object`, got `array`"),
            ("{", "row 2: is not one JSON object on one line"),
        ],
    )
    def test_refused(self, write: Write, line: str, words: str) -> None:
        path = write("o.ndjson", '{"id": 0, "customer": "m1", "sum": "2.50"}\n' + line + "\n")
        with pytest.raises(FileRefused) as caught:
            open_documents(path, self.MAPPING)
        assert caught.value.message.startswith(f"{path}: {words}")

    def test_too_many_keys(self, write: Write) -> None:
        lines = "".join(
            msgspec.json.encode({f"k{row}.{key}": 1 for key in range(100)}).decode() + "\n" for row in range(101)
        )
        with pytest.raises(FileRefused, match="more than 10,000 different keys"):
            open_documents(write("o.ndjson", lines), self.MAPPING)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only where descriptors have paths: on Linux")
@pytest.mark.parametrize("name", ["orders.csv.gz", "orders.json", "orders.json.gz"])
def test_what_is_unpacked_has_no_name_that_a_killed_process_would_leave(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Customers' data that lay there would be found by nobody who erases."""
    nowhere = tmp_path / "tmp"
    nowhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(nowhere))
    content = b'[{"order_id": "A1"}]' if ".json" in name else b"order_id\nA1\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    file, _ = open_plain(path)
    for _ in range(2):
        assert b"A1" in file.path.read_bytes()
    assert [*nowhere.iterdir()] == []
    file.remove()
    assert not file.path.exists()
