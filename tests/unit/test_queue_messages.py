"""What a queue's message may say: the published schema and the reading agree."""

import gzip
import json
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import REPOSITORY

from laurels import clock
from laurels.errors import InvalidInput
from laurels.intake.messages import LARGEST, read
from laurels.intake.named import members_named

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


BODY = json.dumps(ORDER).encode()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (gzip.compress(BODY, mtime=0), "is compressed (gzip)"),
        (zlib.compress(BODY), "is compressed (zlib)"),
        (b"\x28\xb5\x2f\xfd" + BODY, "is compressed (Zstandard)"),
        (b"\x00\x00\x00\x00\x07" + BODY, "the five bytes of a schema registry"),
        (b"\x00\x00\x00\x00\x07\x0aA1001\x0a17850", "the five bytes of a schema registry"),
        (b"Obj\x01\x04\x16avro.schema", "is a file of Avro"),
        (json.dumps(ORDER).encode("utf-16"), "is in UTF-16"),
        (b"<order id='A1'/>", "is XML"),
        (b"[" + BODY + b"]", "is a list"),
        (BODY + b"\n" + BODY, "is more than one line of JSON"),
        (json.dumps(BODY.decode()).encode(), "was made JSON twice"),
        (json.dumps({"schema": {"type": "struct"}, "payload": ORDER}).encode(), "is wrapped by Debezium"),
        (json.dumps({"before": None, "after": ORDER, "op": "c"}).encode(), "is wrapped by Debezium"),
        (json.dumps({"Type": "Notification", "TopicArn": "arn:…", "Message": "{}"}).encode(), "is wrapped by SNS"),
        (json.dumps({"detail-type": "order", "detail": ORDER}).encode(), "is wrapped by EventBridge"),
        (
            b'["software.amazon.payloadoffloading.PayloadS3Pointer", {"s3BucketName": "b", "s3Key": "k"}]',
            "points to where the order is",
        ),
    ],
)
def test_what_a_message_is_in_is_said(body: bytes, said: str) -> None:
    """Where it is no order as JSON, and whatever it is: whoever finds it in quarantine knows what to change."""
    with pytest.raises(InvalidInput) as raised:
        read(body, clock.now())
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "wish"}, "kind"),
        ({"payload": 1}, "payload"),
        ({"total": 25.0}, "total"),
        ({"member_id": ""}, "member_id"),
    ],
)
def test_what_is_an_order_is_told_its_field(change: dict[str, Any], said: str) -> None:
    """And not what else it might be."""
    with pytest.raises(InvalidInput) as raised:
        read(json.dumps(ORDER | change).encode(), clock.now())
    assert raised.value.errors[0].field == said


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from([*ORDER]), inner, max_size=3)
    ),
)


@given(
    st.binary()
    | VALUES.map(lambda value: json.dumps(value).encode())
    | st.tuples(st.sampled_from([*ORDER, *REFUND, "lines", "occurred_at", "payload"]), VALUES).map(
        lambda pair: json.dumps(ORDER | {pair[0]: pair[1]}).encode()
    )
    | st.tuples(st.integers(0, len(BODY)), st.binary(max_size=4)).map(
        lambda at: BODY[: at[0]] + at[1] + BODY[at[0] + 1 :]
    )
)
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    """No bytes raise anything else: else a queue would stop at them."""
    with suppress(InvalidInput):
        read(body, clock.now())
    members_named(body)
