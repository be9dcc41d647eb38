"""What is kept of a member beside its entries: lots, pending points, debt, remainders, use of caps, tiers, holds.

`ProgramState` is what an engine keeps, as bytes that it never reads into; all of it can be computed again from entries
and frames. `Account` is the same while it is worked on.
"""

import msgspec
from msgspec import Struct

from laurels.errors import PointsOutOfRange, Refused
from laurels.program.local_time import NEVER

LotKey = tuple[int, int]
"""Of a lot: when it expires, and when it would have (later than that after inactivity, sooner where points were
restored).
"""


class Lot(Struct, frozen=True, array_like=True, gc=False):
    """Points that expire together. `compensated` is what of `expired` a refund found there and did not take again."""

    expires: int
    origin: int
    active: int
    expired: int = 0
    compensated: int = 0


class Waiting(Struct, frozen=True, array_like=True, gc=False):
    """Points of an order that cannot be spent before `active_at`."""

    active_at: int
    expires: int
    order: str
    points: int


class Spent(Struct, frozen=True, array_like=True, gc=False):
    """Points that left a lot at an instant: what a redemption is made of, so that it can be undone."""

    expires: int
    origin: int
    points: int
    at: int


class OpenHold(Struct, frozen=True, array_like=True, gc=False):
    """An open hold, and what it pins of each lot."""

    id: str
    points: int
    since: int
    until: int
    pins: tuple[tuple[int, int, int], ...]


class ProgramState(Struct, frozen=True, array_like=True, gc=False):
    """One member's. Everything is sorted, and nothing is kept that says nothing, so equal states are equal bytes.

    `carried` and `used` are grains by currency, and by bonus and period; `counted` is what counts towards tiers by
    month, in grains, or in minor units of spend; `tiers` are the changes of tier, oldest first, as of `tiers_seen`.
    """

    lots: tuple[Lot, ...] = ()
    pending: tuple[Waiting, ...] = ()
    owed: int = 0
    carried: tuple[tuple[str, int], ...] = ()
    used: tuple[tuple[str, str, int], ...] = ()
    orders: int = 0
    counted: tuple[tuple[int, int], ...] = ()
    grants: tuple[tuple[str, int], ...] = ()
    tiers: tuple[tuple[int, str | None], ...] = ()
    holds: tuple[OpenHold, ...] = ()
    last_active: int | None = None
    tiers_seen: int | None = None

    @property
    def active(self) -> int:
        """Points that are not pending, less what is owed; may be below zero. As of the instant last looked at."""
        return sum([lot.active for lot in self.lots]) - self.owed

    @property
    def held(self) -> int:
        """Points that open holds have set aside."""
        return sum([hold.points for hold in self.holds])

    @property
    def waiting(self) -> int:
        """Points that cannot be spent yet."""
        return sum([each.points for each in self.pending])

    @property
    def available(self) -> int:
        """What can be spent."""
        return self.active - self.held

    def encode(self) -> bytes:
        """Compact bytes; equal states give equal bytes. Raises `PointsOutOfRange` for figures past all range."""
        try:
            return _encoder.encode(self)
        except OverflowError as error:
            raise PointsOutOfRange from error

    @staticmethod
    def decode(content: bytes) -> "ProgramState":
        """From `encode`; empty bytes are a member of whom nothing is known. Raises `Refused` for other bytes."""
        if not content:
            return NEW
        try:
            return _states.decode(content)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Refused(f"the member's state cannot be read: {error}") from error


NEW = ProgramState()

_encoder = msgspec.msgpack.Encoder()
_states = msgspec.msgpack.Decoder(ProgramState)


def begun(balance: int, orders: int = 0, last_active: int | None = None) -> ProgramState:
    """The state of a member of whom nothing but a balance was kept: all its points never expire."""
    lots = (Lot(NEVER, NEVER, balance),) if balance > 0 else ()
    return ProgramState(lots, owed=max(0, -balance), orders=orders, last_active=last_active)


class Lapse(Struct, frozen=True, array_like=True, gc=False):
    """An entry that the clock, or a refund of what had lapsed, led to: points (negative: they expired), the instant,
    and the lot.
    """

    points: int
    at: int
    expires: int
    origin: int


class Account:
    """A member's state while it is worked on. `lots` are [active, expired, compensated] by key; `moves` is what was put
    into and taken out of each lot by the document at hand; `lapses` are the entries that have to be written beside it.
    """

    __slots__ = (
        "carried",
        "counted",
        "grants",
        "holds",
        "lapses",
        "last_active",
        "lots",
        "moves",
        "orders",
        "owed",
        "pending",
        "tiers",
        "tiers_seen",
        "used",
    )

    def __init__(self, state: ProgramState) -> None:
        self.lots: dict[LotKey, list[int]] = {
            (lot.expires, lot.origin): [lot.active, lot.expired, lot.compensated] for lot in state.lots
        }
        self.pending = list(state.pending)
        self.owed = state.owed
        self.carried = dict(state.carried)
        self.used = {(bonus, period): grains for bonus, period, grains in state.used}
        self.orders = state.orders
        self.counted = dict(state.counted)
        self.grants = list(state.grants)
        self.tiers = list(state.tiers)
        self.holds = list(state.holds)
        self.last_active = state.last_active
        self.tiers_seen = state.tiers_seen
        self.moves: dict[LotKey, int] = {}
        self.lapses: list[Lapse] = []

    def state(self) -> ProgramState:
        """The same, to keep."""
        return ProgramState(
            tuple([Lot(*key, *lot) for key, lot in sorted(self.lots.items()) if lot[0] or lot[1]]),
            tuple(sorted(self.pending, key=_by_time)) if self.pending else (),
            self.owed,
            tuple(sorted([pair for pair in self.carried.items() if pair[1]])) if self.carried else (),
            tuple(sorted([(*key, grains) for key, grains in self.used.items() if grains])) if self.used else (),
            self.orders,
            tuple(sorted([pair for pair in self.counted.items() if pair[1]])) if self.counted else (),
            tuple(sorted(self.grants)) if self.grants else (),
            tuple(self.tiers),
            tuple(sorted(self.holds, key=_by_end)) if self.holds else (),
            self.last_active,
            self.tiers_seen,
        )

    @property
    def available(self) -> int:
        """What can be spent."""
        return sum([lot[0] for lot in self.lots.values()]) - self.owed - sum([hold.points for hold in self.holds])

    def active_at_least(self, at: int) -> None:
        """Note that the member was active at an instant."""
        if self.last_active is None or at > self.last_active:
            self.last_active = at


def _by_time(waiting: Waiting) -> tuple[int, int, str]:
    return waiting.active_at, waiting.expires, waiting.order


def _by_end(hold: OpenHold) -> tuple[int, str]:
    return hold.until, hold.id
