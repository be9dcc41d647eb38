"""What a queue's message may say: the published schema and the reading agree."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.conftest import REPOSITORY

from laurels import clock
from laurels.errors import InvalidInput
from laurels.intake.messages import LARGEST, read

SCHEMA = json.loads(Path(REPOSITORY / "docs/reference/queue-message.schema.json").read_text("utf-8"))
ORDER = {"kind": "order", "order_id": "#1001", "member_id": "17850", "currency": "GBP", "total": "25.00"}
REFUND = {"kind": "refund", "refund_id": "R1", "member_id": "17850", "currency": "GBP", "amount": "5.00"}
LINES = [{"sku": "85123A", "quantity": 6, "unit_price": "2.55"}, {"quantity": "0.350", "unit_price": "-28.00"}]

GOOD: list[dict[str, Any]] = [
    ORDER,
    REFUND,
    {**ORDER, "channel": "store", "source": "till-4", "email": "ann@example.com", "lines": LINES, "total": "5.50"},
    {**ORDER, "occurred_at": "2026-01-01T10:00:00Z", "total": "25.0000"},
    {**REFUND, "order_id": "#1001", "order_source": "web", "source": "till"},
]
BAD: list[Any] = [
    {},
    [],
    "order",
    {**ORDER, "kind": "wish"},
    {key: value for key, value in ORDER.items() if key != "kind"},
    {key: value for key, value in ORDER.items() if key != "member_id"},
    {**ORDER, "total": 25.00},
    {**ORDER, "order_id": ""},
    {**ORDER, "order_id": " A"},
    {**ORDER, "order_id": "A\nB"},
    {**ORDER, "member_id": "."},
    {**ORDER, "currency": "XXQ"},
    {**ORDER, "channel": "phone"},
    {**ORDER, "colour": "red"},
    {**ORDER, "source": "a b"},
    {**ORDER, "lines": []},
    {**REFUND, "amount": "-5.00"},
    {**REFUND, "total": "5.00"},
]


@pytest.mark.parametrize("message", GOOD)
def test_what_the_schema_takes_is_read(message: dict[str, Any]) -> None:
    jsonschema.validate(message, SCHEMA)
    read(json.dumps(message).encode(), clock.now())


@pytest.mark.parametrize("message", BAD)
def test_what_the_schema_refuses_is_refused(message: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(message, SCHEMA)
    with pytest.raises(InvalidInput):
        read(json.dumps(message).encode(), clock.now())


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"null", b"[" * 100_000, b"{}" * (LARGEST // 2 + 1), b'{"kind":"order"']
)
def test_bytes_that_are_no_message_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput) as raised:
        read(body, clock.now())
    assert len(raised.value.message) < 300
