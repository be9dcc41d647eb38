"""What a shop may send to the system under test: small pools of ids, so that repeats, conflicts and refunds of one
another's orders come about, and totals that round and tie.

A draft is drawn without looking at the system. `body` makes it the JSON of the wire at a given instant, `document` what
the model takes, from the same words but by its own arithmetic.
"""

import json
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Literal

from hypothesis import strategies as st
from tests.property.model_nouns import Document

HOUR = 3_600_000_000
MEMBERS = ("ann", "bob", "cyd", "dee", "eve", "17850")
ORDERS = tuple(f"o{number}" for number in range(6))
REFUNDS = tuple(f"r{number}" for number in range(12))
SOURCES = ("shop",) * 7 + ("till",)
TOTALS = ("5.00", "15.00", "4.99", "10.00", "14.99", "25.00", "0.00", "995.00", "1000.00")
HUGE = "214748364800.00"
"""More points than a member may have, under every program here."""
EDGES = ("2026-09-30T22:59:59.999999Z", "2026-10-01T00:00:00+01:00", "2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z")
"""Around the ends of months in London; on the first one the clocks there are an hour ahead of UTC."""


@dataclass(frozen=True)
class Draft:
    """An order or a refund as drawn. `when`: None, hours before now, or an instant (left out while in the future)."""

    kind: Literal["order", "refund"]
    id: str
    member_id: str
    currency: str
    amount: str
    source: str = "shop"
    when: int | str | None = None
    order_id: str | None = None
    lines: tuple[tuple[int | str, str], ...] = ()
    channel: str = "web"

    def sent(self, now: int) -> "Sent":
        """The draft as it goes over the wire at an instant."""
        body: dict[str, Any] = {"currency": self.currency, "source": self.source}
        if self.kind == "order" or self.order_id is not None:
            body["member_id"] = self.member_id
        if self.kind == "order":
            body["channel"] = self.channel
        else:
            body["refund_id"] = self.id
        if self.lines:
            body["lines"] = [{"sku": "85123A", "quantity": q, "unit_price": price} for q, price in self.lines]
        if not self.lines or len(self.lines) == 2:
            body["total" if self.kind == "order" else "amount"] = written(minor_units(self))
        if isinstance(self.when, int):
            body["occurred_at"] = instant(now - self.when * HOUR)
        elif self.when is not None and microseconds(self.when) <= now:
            body["occurred_at"] = self.when
        return Sent(self, json.dumps(body).encode())


@dataclass(frozen=True)
class Sent:
    """A draft and its bytes."""

    draft: Draft
    raw: bytes

    def document(self) -> Document:
        """The same for the model."""
        draft, at = self.draft, json.loads(self.raw).get("occurred_at")
        return Document(
            draft.kind,
            draft.source,
            draft.id,
            draft.member_id,
            draft.currency,
            minor_units(draft),
            content=(draft.order_id, draft.member_id, self.raw),
            raw=self.raw,
            occurred_at=None if at is None else microseconds(at),
            order_id=draft.order_id,
        )

    def altered(self, how: int) -> "Sent":
        """Other content under the same id."""
        draft, body = self.draft, json.loads(self.raw)
        if how == 0 and "lines" not in body:
            draft = replace(draft, amount=written(minor_units(draft) + 1))
            body["total" if draft.kind == "order" else "amount"] = draft.amount
        elif how == 1 and draft.kind == "order":
            body["channel"] = draft_channel = "mobile" if draft.channel != "mobile" else "store"
            draft = replace(draft, channel=draft_channel)
        else:
            draft = replace(draft, member_id=MEMBERS[MEMBERS.index(draft.member_id) - 1])
            if "member_id" in body:
                body["member_id"] = draft.member_id
        return Sent(draft, json.dumps(body).encode())


def minor_units(draft: Draft) -> int:
    """The draft's amount in pence: its lines summed exactly, then rounded half-up."""
    exact = sum((Fraction(q) * Fraction(price) for q, price in draft.lines), Fraction(0))
    return math.floor((exact if draft.lines else Fraction(draft.amount)) * 100 + Fraction(1, 2))


def written(minor: int) -> str:
    """2500 -> `"25.00"`."""
    return f"{minor // 100}.{minor % 100:02d}"


def instant(at: int) -> str:
    """Microseconds -> RFC 3339."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).isoformat()


def microseconds(text: str) -> int:
    """RFC 3339 -> microseconds."""
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


moments = st.one_of(st.none(), st.integers(0, 40 * 24), st.sampled_from(EDGES))
amounts = st.one_of(st.sampled_from(TOTALS), st.integers(1, 5000).map(written))
prices = st.sampled_from(("2.55", "10.00", "0.005", "4.994999", "-1.00"))
quantities: st.SearchStrategy[int | str] = st.sampled_from((1, 2, 6, "0.5"))
lines = st.lists(st.tuples(quantities, prices), min_size=1, max_size=3)


@st.composite
def orders(draw: st.DrawFn) -> Draft:
    """Each order id has a usual member and currency, so that a refund drawn before its order mostly fits it."""
    number = draw(st.integers(0, len(ORDERS) - 1))
    draft = Draft(
        "order",
        ORDERS[number],
        _usual_member(draw, number),
        _usual_currency(draw, number),
        HUGE if draw(st.integers(0, 29)) == 29 else draw(amounts),
        draw(st.sampled_from(SOURCES)),
        draw(moments),
        channel=draw(st.sampled_from(("web", "store"))),
    )
    return replace(draft, lines=tuple(draw(lines.filter(_positive)))) if draw(st.integers(0, 3)) == 3 else draft


@st.composite
def refunds(draw: st.DrawFn) -> Draft:
    """A refund of an order that may not have come yet."""
    number = draw(st.integers(0, len(ORDERS) - 1))
    return Draft(
        "refund",
        draw(st.sampled_from(REFUNDS)),
        _usual_member(draw, number),
        _usual_currency(draw, number),
        draw(amounts.filter(lambda amount: amount != "0.00")),
        draw(st.sampled_from(SOURCES)),
        draw(moments),
        order_id=ORDERS[number],
    )


@st.composite
def unlinked_refunds(draw: st.DrawFn) -> Draft:
    """A refund that names no order."""
    return replace(draw(refunds()), order_id=None, member_id=draw(st.sampled_from(MEMBERS)))


def _usual_member(draw: st.DrawFn, number: int) -> str:
    usual = MEMBERS[number % 4]
    member: str = draw(st.sampled_from((usual,) * 30 + MEMBERS))
    return member


def _usual_currency(draw: st.DrawFn, number: int) -> str:
    usual = "EUR" if number % 3 == 2 else "GBP"
    currency: str = draw(st.sampled_from((usual,) * 30 + ("GBP", "EUR", "USD")))
    return currency


def _positive(drawn: list[tuple[int | str, str]]) -> bool:
    return sum((Fraction(q) * Fraction(price) for q, price in drawn), Fraction(0)) >= 0
