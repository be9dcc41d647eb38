"""Documents: a fingerprint tells a repeat from a conflict, and content says everything but who."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.model import Adjustment, Balance, Channel, EntryKind, Line, Order, Redemption, Refund
from laurels.model.entries import MAX_POINTS

ORDER = Order(
    source="shop",
    order_id="A1",
    member_id="zoe",
    currency="GBP",
    total=1530,
    channel=Channel.STORE,
    occurred_at=1,
    lines=(Line("85123A", 6_000_000, 2_550_000),),
    email="zoe@example.com",
)
REFUND = Refund(
    source="shop", refund_id="R1", order_id="A1", member_id="zoe", currency="GBP", amount=500, occurred_at=1
)


@pytest.mark.parametrize(
    "change",
    [
        {"member_id": "bob"},
        {"currency": "EUR"},
        {"total": 1531},
        {"channel": Channel.WEB},
        {"occurred_at": None},
        {"occurred_at": 2},
        {"lines": ()},
        {"lines": (Line("85123A", 6_000_000, 2_550_001),)},
        {"lines": (Line("85123B", 6_000_000, 2_550_000),)},
        {"lines": (Line("85123A", 6_000_000, 2_550_000), Line("free", 1_000_000, 0))},
    ],
)
def test_an_orders_content_is_who_what_when_and_where(change: dict[str, object]) -> None:
    changed = msgspec.structs.replace(ORDER, **change)
    assert changed.document().fingerprint != ORDER.document().fingerprint


@pytest.mark.parametrize("change", [{"email": None}, {"email": "x@example.com"}, {"quiet": True}])
def test_an_address_and_quiet_are_not_content(change: dict[str, object]) -> None:
    changed = msgspec.structs.replace(ORDER, **change)
    assert changed.document().fingerprint == ORDER.document().fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"member_id": "bob"},
        {"currency": "EUR"},
        {"amount": 501},
        {"occurred_at": None},
        {"order_id": "A2"},
        {"order_id": None},
    ],
)
def test_a_refunds_content_names_its_order(change: dict[str, object]) -> None:
    assert msgspec.structs.replace(REFUND, **change).document().fingerprint != REFUND.document().fingerprint


def test_fingerprints_do_not_run_together() -> None:
    """What moves from one field to the next is other content."""
    one = Redemption(source="s", redemption_id="1", member_id="zoe1", points=2, reason="x")
    other = Redemption(source="s", redemption_id="1", member_id="zoe", points=12, reason="x")
    assert one.document().fingerprint != other.document().fingerprint


def test_content_names_nobody() -> None:
    documents = [
        ORDER.document(),
        REFUND.document(),
        Adjustment(id="J1", points=5, actor="clerk", member_id="zoe").document(),
        Redemption(source="shop", redemption_id="S1", points=5, member_id="zoe").document(),
    ]
    for document in documents:
        assert b"zoe" not in document.content
        assert document.member_id == "zoe"


def test_content_is_read_back() -> None:
    assert msgspec.json.decode(ORDER.document().content, type=Order) == msgspec.structs.replace(
        ORDER, member_id="", email=None
    )
    assert msgspec.json.decode(REFUND.document().content, type=Refund) == msgspec.structs.replace(REFUND, member_id="")


def test_only_a_refund_of_an_order_enrols_nobody() -> None:
    assert ORDER.document().enrols
    assert not REFUND.document().enrols
    assert msgspec.structs.replace(REFUND, order_id=None).document().enrols


@given(moves=st.lists(st.tuples(st.sampled_from(EntryKind), st.integers(-100, 100)), max_size=30))
def test_totals_are_sums_of_their_kinds(moves: list[tuple[EntryKind, int]]) -> None:
    totals = Balance()
    for kind, points in moves:
        totals = totals.plus(kind, points)
    assert totals.balance == sum(points for _, points in moves)
    assert totals.earned == sum(points for kind, points in moves if kind in {"earn", "reverse"})
    assert totals.score == sum(points for kind, points in moves if kind in {"earn", "reverse", "adjust"})


def test_a_total_stays_in_its_range() -> None:
    assert Balance(MAX_POINTS, -MAX_POINTS, 0).in_range()
    for totals in (Balance(MAX_POINTS + 1), Balance(0, -MAX_POINTS - 1), Balance(0, 0, MAX_POINTS + 1)):
        assert not totals.in_range()
