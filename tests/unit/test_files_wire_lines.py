"""NDJSON of whole orders: the shape that `POST /orders` takes, and the same refusals."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from laurels.errors import FileRefused
from laurels.exchange import open_documents
from laurels.model import Channel, Line, Order, Refund
from laurels.model.times import parse_instant

ORDER = {
    "order_id": "A1",
    "member_id": "17850",
    "currency": "GBP",
    "channel": "store",
    "occurred_at": "2026-01-05T10:00:00Z",
    "source": "till",
    "email": "ann@example.com",
    "lines": [
        {"sku": "85123A", "quantity": 6, "unit_price": "2.55"},
        {"sku": "off", "quantity": "0.5", "unit_price": "-0.60"},
    ],
    "total": "15.00",
}
REFUND = {
    "refund_id": "R1",
    "member_id": "17850",
    "currency": "GBP",
    "amount": "5.00",
    "order_id": "A1",
    "source": "till",
}


def write(tmp_path: Path, *lines: dict[str, Any] | bytes) -> Path:
    path = tmp_path / "orders.ndjson"
    path.write_bytes(
        b"".join((line if isinstance(line, bytes) else msgspec.json.encode(line)) + b"\n" for line in lines)
    )
    return path


def test_orders_and_refunds_in_file_order(tmp_path: Path) -> None:
    small = {"order_id": "A2", "member_id": "m", "currency": "EUR", "total": "1"}
    path = write(tmp_path, REFUND, ORDER, small)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().rstrip())
    orders = open_documents(path)
    assert (orders.total, orders.skipped) == (3, {})
    expected = [
        Refund(source="till", refund_id="R1", currency="GBP", amount=500, member_id="17850", order_id="A1", quiet=True),
        Order(
            source="till",
            order_id="A1",
            currency="GBP",
            total=1500,
            member_id="17850",
            channel=Channel.STORE,
            occurred_at=parse_instant("2026-01-05T10:00:00Z", ""),
            lines=(Line("85123A", 6_000_000, 2_550_000), Line("off", 500_000, -600_000)),
            email="ann@example.com",
            quiet=True,
        ),
        Order(source="shop", order_id="A2", currency="EUR", total=100, member_id="m", quiet=True),
    ]
    assert list(orders) == expected
    assert list(orders) == expected
    assert all(not document.quiet for document in open_documents(path, quiet=False))


def test_a_total_may_be_left_to_the_lines(tmp_path: Path) -> None:
    without = {key: value for key, value in ORDER.items() if key != "total"}
    (order,) = open_documents(write(tmp_path, without))
    assert isinstance(order, Order)
    assert order.total == 1500


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"order_id": "A1 "}, "column order_id: must be 1 to 128"),
        ({"order_id": 5}, "column order_id: must be text in quotes, not a number"),
        ({"member_id": ""}, "column member_id: must be 1 to 128"),
        ({"currency": "XXX"}, "column currency: must be the code of a currency in ISO 4217"),
        ({"channel": "fax"}, "column channel: invalid enum value 'fax'"),
        ({"occurred_at": "2026-02-30T10:00:00Z"}, "column occurred_at: must be a time"),
        ({"occurred_at": "2100-01-01T10:00:00Z"}, "column occurred_at: must lie between"),
        ({"source": "a/b"}, "column source: must be 1 to 64"),
        ({"total": 15}, "column total: must be text in quotes, not a number"),
        ({"total": 15.0}, "column total: must be text in quotes, not a number"),
        ({"total": "1e400"}, "column total: must be a decimal string"),
        ({"total": "NaN"}, "column total: must be a decimal string"),
        ({"total": "15.01"}, "column total: must agree with the lines, which sum to 15.00"),
        ({"total": None, "lines": []}, "column lines: must not be empty"),
        ({"points": 5}, "column points: is not a known field"),
        (
            {"lines": [{"sku": "a", "quantity": -1, "unit_price": "1"}]},
            "column lines[0].quantity: must be at least 0",
        ),
        (
            {"lines": [{"sku": "a", "quantity": 1.5, "unit_price": "1"}]},
            "column lines[0].quantity: expected `int | str`",
        ),
        (
            {"lines": [{"sku": "a", "quantity": 1, "unit_price": 1}]},
            "column lines[0].unit_price: must be text in quotes, not a number",
        ),
        ({"lines": [{"sku": "a", "quantity": 1, "unit_price": "-1"}]}, "column lines: add up to -1.00"),
        (
            {"lines": [{"sku": "a", "quantity": 10**11, "unit_price": "10"}]},
            "column lines: add up to more than 12 whole",
        ),
    ],
)
def test_bad_orders_are_refused(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    assert words in refusal(write(tmp_path, ORDER, REFUND, ORDER | changed))


def test_a_side_datum_sinks_no_order(tmp_path: Path) -> None:
    lines = [
        {"sku": "\x07", "quantity": 1, "unit_price": "15.00"},
        {"sku": "", "quantity": 0, "unit_price": "3.00"},
        {"quantity": "0.000", "unit_price": "-0.00"},
    ]
    (order,) = open_documents(write(tmp_path, ORDER | {"email": "ann", "lines": lines}))
    assert isinstance(order, Order)
    assert (order.email, order.total, [line.sku for line in order.lines]) == (None, 1500, ["", "", ""])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"amount": "-5.00"}, "column amount: must not be negative"),
        ({"amount": 5}, "column amount: must be text in quotes, not a number"),
        ({"order_id": "."}, "column order_id: must be 1 to 128"),
        ({"total": "5.00"}, "column total: is not a known field"),
    ],
)
def test_bad_refunds_are_refused(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    assert words in refusal(write(tmp_path, ORDER, ORDER, REFUND | changed))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"order_id": "A1"', "is not one JSON object on one line"),
        (b"[" * 100_000, "Expected `object`, got `array`"),
        (b'{"x":' * 100_000, "is not one JSON object on one line"),
        (b'{"order_id": "caf\xe9"}', "is not valid JSON"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{} {}", "is not one JSON object on one line"),
        (b'{"order_id": "A1"}', "column member_id: is required"),
        (b'"' + b"x" * 16_000_000 + b'"', "is longer than 16,000,000 bytes"),
    ],
    ids=["cut short", "deep arrays", "deep objects", "Latin-1", "array", "two", "incomplete", "gigantic"],
)
def test_lines_that_are_not_orders_are_refused(tmp_path: Path, line: bytes, words: str) -> None:
    assert words in refusal(write(tmp_path, ORDER, REFUND, line))


def test_a_file_that_changes_after_the_check_is_refused_at_the_line(tmp_path: Path) -> None:
    path = write(tmp_path, ORDER, REFUND)
    given = iter(open_documents(path))
    path.write_bytes(b'{"x"')
    with pytest.raises(FileRefused, match="row 1: is not one JSON object"):
        list(given)


def refusal(path: Path) -> str:
    with pytest.raises(FileRefused) as caught:
        open_documents(path)
    message = caught.value.message
    assert "\n" not in message
    assert len(message) < 400
    assert message.startswith(f"{path}: row 3")
    return message
