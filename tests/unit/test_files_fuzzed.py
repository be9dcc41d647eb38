"""Whatever the bytes of a file: its orders are given, or it is refused. Nothing else is ever raised."""

import contextlib
import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from laurels.errors import FileRefused
from laurels.exchange import PRESETS, Mapping, describe, open_documents
from laurels.model import Order

HEADER = b"order_id,member_id,currency,total,note\n"
SCRAPS = st.sampled_from(
    [
        b",",
        b"\n",
        b"\r",
        b"\r\n",
        b'"',
        b'""',
        b"A1",
        b"m1",
        b"GBP",
        b"1.00",
        b"-",
        b"\0",
        b"\xe9",
        b"\xef\xbb\xbf",
        b";",
        b" ",
    ]
)
ROWS = st.lists(
    st.sampled_from([b"A1", b"A2", b"A3", b"m1", b"GBP", b"1.00", b'"x,y"', b'"p\nq"', b'"r""s"', b""]), max_size=7
)

reproducible = settings(
    print_blob=True, deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def try_it(path: Path, mapping: Mapping | None) -> None:
    with contextlib.suppress(FileRefused):
        describe(path)
    with contextlib.suppress(FileRefused):
        orders = open_documents(path, mapping)
        assert len(list(orders)) == orders.total


@reproducible
@given(st.binary(max_size=200) | st.lists(SCRAPS, max_size=60).map(b"".join), st.booleans())
@example(b"", True)
@example(b'"', True)
@example(b'A1,m1,GBP,1.00,"', True)
@example(b"\xff\xfe", False)
def test_any_bytes_as_csv(tmp_path: Path, content: bytes, with_header: bool) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes((HEADER if with_header else b"") + content)
    try_it(path, Mapping(total="total"))
    try_it(path, None)
    try_it(path, PRESETS["online-retail"].mapping())


@reproducible
@given(st.lists(ROWS, min_size=1, max_size=8))
def test_a_csv_is_taken_row_by_row_as_the_standard_library_reads_it(tmp_path: Path, rows: list[list[bytes]]) -> None:
    path = tmp_path / "orders.csv"
    content = HEADER + b"".join(b",".join(row) + b"\n" for row in rows)
    path.write_bytes(content)
    try:
        taken = list(open_documents(path, Mapping(total="total")))
    except FileRefused:
        return
    expected = list(csv.DictReader(io.StringIO(content.decode(), newline=""), restkey="more"))
    assert all("more" not in row and None not in row.values() for row in expected)
    assert [(order.order_id, order.member_id) for order in taken if isinstance(order, Order)] == [
        (row["order_id"], row["member_id"]) for row in expected
    ]


@reproducible
@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b"{", b"}", b'"order_id"', b":", b'"A"', b",", b"[", b"1", b"\n"])).map(b"".join)
)
def test_any_bytes_as_ndjson(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "orders.ndjson"
    path.write_bytes(content)
    try_it(path, None)
    try_it(path, Mapping(total="total"))


@pytest.mark.parametrize("before", [b"", b"PAR1", b"PAR1" + bytes(100)])
@pytest.mark.parametrize("after", [b"", b"PAR1", b"\xff\xff\xff\xffPAR1", b"\x10\0\0\0PAR1"])
def test_odd_bytes_as_parquet(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "orders.parquet"
    path.write_bytes(before + after)
    with pytest.raises(FileRefused):
        open_documents(path)
