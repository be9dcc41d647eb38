"""What the model knows: programs, documents, entries of the feed, totals and places of a board."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

DAY = 86_400_000_000
LONDON = ZoneInfo("Europe/London")

Upto = Mapping[int, int] | None
"""How many events of each shard are there yet; None: all."""


class Program(NamedTuple):
    """One version of the rules; `per` in minor units."""

    version: int
    per: dict[str, int]
    points: int = 1
    rounding: str = "half-up"

    def earns(self, amount: int, currency: str) -> int:
        """f(amount)"""
        exact = Fraction(amount * self.points, self.per[currency])
        return math.floor(exact + Fraction(1, 2)) if self.rounding == "half-up" else math.floor(exact)


class Event(NamedTuple):
    """One entry of the feed. `member` counts enrolments: 0, 1, 2 …"""

    kind: str
    member: int
    points: int = 0
    source: str | None = None
    order_id: str | None = None
    refund_id: str | None = None
    version: int | None = None
    board_at: int = 0
    recorded_at: int = 0
    shard: int = 0

    def is_of_points(self, member: int) -> bool:
        """Whether it changed this member's points."""
        return self.member == member and self.kind in {"earn", "reverse", "adjust", "redeem"}


@dataclass
class Document:
    """An order or a refund, and how far it got. `amount` in minor units; `member` is None while the id is unknown."""

    kind: Literal["order", "refund"]
    source: str
    id: str
    member_id: str
    currency: str
    amount: int
    content: object
    raw: bytes
    occurred_at: int | None = None
    order_id: str | None = None
    accepted_at: int = 0
    member: int | None = None
    status: str = "accepted"
    waiting_since: int = 0
    dropped: bool = False
    forgotten: bool = False
    events: list[Event] = field(default_factory=list)
    program: Program | None = None
    left: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is known by for ever."""
        return self.kind, self.source, self.id

    @property
    def board_at(self) -> int:
        """The instant that decides the month: as sent, else when it was accepted."""
        return self.accepted_at if self.occurred_at is None else self.occurred_at


class Totals(NamedTuple):
    """A member's totals."""

    balance: int
    earned: int
    score: int


class BoardPlace(NamedTuple):
    """One place of a board."""

    member: int
    points: int
    rank: int
    position: int
    tied: int


def totals_of(events: Iterable[Event]) -> Totals:
    events = list(events)
    return Totals(
        sum(event.points for event in events),
        sum(event.points for event in events if event.kind in {"earn", "reverse"}),
        sum(event.points for event in events if event.kind in {"earn", "reverse", "adjust"}),
    )


@cache
def boards_of(event: Event) -> frozenset[str]:
    """The boards that an entry counts on: a month takes what was recorded within 7 days of its end."""
    begin = _london(event.board_at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = (begin + timedelta(days=32)).replace(day=1)
    late = event.recorded_at > _microseconds(after) + 7 * DAY
    return frozenset({"all-time"} if late else {"all-time", f"month:{begin:%Y-%m}"})


def month_of(at: int) -> str:
    """The board of the month in which an instant lies."""
    return f"month:{_london(at):%Y-%m}"


def _london(at: int) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(LONDON)


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
