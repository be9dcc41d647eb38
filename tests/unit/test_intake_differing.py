"""A conflict's answer can say which fields differ."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from laurels.intake import differing_fields
from laurels.model import Channel, Line, Order, Refund

TEA, MILK = Line("tea", 2_000_000, 2_500_000), Line("milk", 1_000_000, 1_000_000)
ORDER = Order(
    source="shop",
    order_id="A1",
    member_id="ann",
    currency="GBP",
    total=600,
    occurred_at=1_790_812_800_000_000,
    lines=(TEA, MILK),
    email="ann@example.com",
)
REFUND = Refund(source="shop", refund_id="R1", member_id="ann", order_id="A1", currency="GBP", amount=500)


def differing(one: Order | Refund, other: Order | Refund) -> list[str]:
    found = differing_fields(one.document().content, other.document().content)
    assert found == differing_fields(other.document().content, one.document().content), "both ways alike"
    return found


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({}, []),
        ({"member_id": "bob"}, []),
        ({"email": None, "quiet": True}, []),
        ({"lines": (MILK, TEA)}, []),
        ({"occurred_at": None}, ["occurred_at"]),
        ({"occurred_at": 1}, ["occurred_at"]),
        ({"currency": "EUR"}, ["currency"]),
        ({"channel": Channel.STORE}, ["channel"]),
        ({"total": 601}, ["total"]),
        ({"lines": (TEA,), "total": 500}, ["lines"]),
        ({"lines": ()}, ["lines"]),
        ({"lines": (TEA, TEA, MILK), "total": 1100}, ["lines"]),
        ({"lines": (TEA, replace(MILK, sku=""))}, ["lines"]),
        ({"currency": "EUR", "channel": Channel.MOBILE, "occurred_at": None}, ["channel", "currency", "occurred_at"]),
    ],
)
def test_of_orders(changed: dict[str, Any], fields: list[str]) -> None:
    assert differing(ORDER, replace(ORDER, **changed)) == fields


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({}, []),
        ({"amount": 501}, ["amount"]),
        ({"order_id": None}, ["order_id"]),
        ({"occurred_at": 5}, ["occurred_at"]),
    ],
)
def test_of_refunds(changed: dict[str, Any], fields: list[str]) -> None:
    assert differing(REFUND, replace(REFUND, **changed)) == fields


CHANGES: dict[str, Any] = {"currency": "EUR", "channel": Channel.STORE, "occurred_at": None, "lines": (TEA,)}


def test_every_mixture_of_changes_is_named() -> None:
    for count in range(len(CHANGES) + 1):
        for names in combinations(sorted(CHANGES), count):
            assert differing(ORDER, replace(ORDER, **{name: CHANGES[name] for name in names})) == list(names)


@given(kept=st.binary(max_size=40), sent=st.binary(max_size=40))
def test_what_cannot_be_read_gives_nothing(kept: bytes, sent: bytes) -> None:
    content = ORDER.document().content
    assert differing_fields(b"\xff" + kept, content) == differing_fields(content, b"\xff" + sent) == []
    assert differing_fields(b"[1]", content) == differing_fields(content, b"7") == []
