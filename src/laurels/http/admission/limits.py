"""How often one may ask: a quota for each member, for each address that shows no valid token, and for what a member
may do to itself a few times a day.

Each process counts for itself, so with several workers a member may get as many times the quota. What is counted is
lost at a restart; what must hold for ever is the ledger's matter.
"""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address

from msgspec import Struct

from laurels import clock
from laurels.clock import DAY, MINUTE, SECOND, Clock
from laurels.errors import TooManyRequests
from laurels.http.admission.body_room import BodyRoom
from laurels.http.native import IS_INSTALLED, core
from laurels.metrics import STREAMS as STREAMS_OPEN

FAILURES_PER_MINUTE = 60
"""Requests without a valid token that one address may send; then it is told to wait. Valid tokens always get in, since
behind a proxy everybody has the same address."""

CHECKS_PER_MINUTE = 3000
"""Tokens not seen before that one address may have checked, those that turn out valid left out: a check costs up to a
millisecond, so forgers get a twentieth of a core. Beyond, no token of that address is checked; those that were checked
lately go on.
"""

RENAMES_PER_DAY = 3
"""Each rename uses up a name number for ever."""

APPEARANCES_PER_DAY = 10
"""Times that a member may leave or rejoin the boards by itself; each is an entry, kept for ever."""

MOVES_PER_DAY = 500
"""Times that a member may spend, set aside or take back points by itself: each is an entry, kept for ever, and who
takes back what it spent has it to spend again.
"""

PURCHASES_PER_DAY = 500
"""Times that a member may check out: a purchase is kept for ever, one that was declined too."""

STREAMS = 20
"""Streams that a member may have open in one process: a browser opens six to a host, and there are phones too."""

STREAMS_IN_ALL = 10_000
"""Streams open in one process, whoever opened them; at most half of the connections that it takes."""

STREAM_RETRY_AFTER_S = 10

REMEMBERED = 200_000
"""Keys that one quota remembers: some 40 MB. Beyond, the one that asked longest ago is forgotten."""


MOST_IN_CORE = 1 << 40
"""Requests a minute that the core counts; the settings take no more than a thousandth of it."""


class Quota:
    """So many requests in a period for each key, used up in a burst or evenly; one comes back every period / requests.

    This is the generic cell rate algorithm: all that is kept of a key is its theoretical arrival time, the instant at
    which it would have its whole quota back.
    """

    def __init__(self, name: str, requests: int, period: int, now: Clock = clock.now) -> None:
        """`name` is told to clients in the header `RateLimit`. `period` is in microseconds; of more `requests` than it
        has, each comes back after one.
        """
        self._name = f'"{name}"'.encode("ascii")
        self._each = max(1, period // requests)
        self._period = self._each * requests
        self._now = now
        self._arrivals: OrderedDict[Hashable, int] = OrderedDict()

    def take(self, key: Hashable) -> "Allowance":
        """Use one up; tells what is left. A key with nothing left gets `Allowance.retry_after_s` above 0, and loses
        nothing.

        Costs 1 us and 200 bytes a key.
        """
        now = self._now()
        held = self._arrivals.get(key, 0)
        if not now < held <= now + self._period:  # whole by now, or the clock was set back
            held = now
        arrival = held + self._each
        over = arrival - now - self._period
        if over > 0:
            return Allowance(self._name, 0, over)
        self._arrivals[key] = arrival
        self._arrivals.move_to_end(key)
        if len(self._arrivals) > REMEMBERED:
            self._arrivals.popitem(last=False)
        return Allowance(self._name, -over // self._each, 0, arrival - now)

    def give_back(self, key: Hashable) -> None:
        """Undo one `take` that left something."""
        held = self._arrivals.get(key)
        if held is not None:
            self._arrivals[key] = held - self._each


class NativeQuota:
    """The same in the native core, where the edge uses it up too, without the interpreter. Keys are texts that UTF-8
    can hold.
    """

    def __init__(self, name: str, requests: int, period: int, now: Clock = clock.now) -> None:
        """See `Quota`."""
        self.name = f'"{name}"'.encode("ascii")
        each = max(1, period // requests)
        self.core = core.Quota(each, each * requests, REMEMBERED)
        self._now = now

    def take(self, key: str) -> "Allowance":
        """See `Quota`. Costs 0.5 us and 100 bytes a key."""
        return Allowance(self.name, *self.core.take(key, self._now()))

    def give_back(self, key: str) -> None:
        """See `Quota`."""
        self.core.give_back(key)


class Allowance(Struct, frozen=True, gc=False):
    """What is left of a key's quota, and its name as the header spells it. Times are in microseconds: until the next
    request, and until all is back.
    """

    name: bytes
    requests: int
    wait: int
    whole_in: int = 0

    @property
    def header(self) -> bytes:
        """The field `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10): requests that are left, and in how many
        seconds there are more. Empty where there is no limit.
        """
        if not self.name:
            return b""
        return b"%b;r=%d;t=%d" % (self.name, self.requests, _seconds(self.wait or self.whole_in))

    @property
    def retry_after_s(self) -> int:
        """Seconds to wait, rounded up; 0 where there is no need."""
        return _seconds(self.wait)


UNLIMITED = Allowance(b"", 1, 0)
"""What is left where nothing is counted; there is no header for it."""


class Limits:
    """The quotas of one process."""

    def __init__(self, per_minute: int, now: Clock = clock.now, *, most_streams: int = STREAMS_IN_ALL) -> None:
        """`per_minute` is what each member may send; 0: as much as it likes."""
        kind = NativeQuota if IS_INSTALLED and per_minute <= MOST_IN_CORE else Quota
        self.members = kind("member", per_minute, MINUTE, now) if per_minute else None
        self._failures = Quota("address", FAILURES_PER_MINUTE, MINUTE, now)
        self._checks = Quota("address", CHECKS_PER_MINUTE, MINUTE, now)
        self._renames = Quota("renames", RENAMES_PER_DAY, DAY, now)
        self._appearances = Quota("appearances", APPEARANCES_PER_DAY, DAY, now)
        self._moves = Quota("moves", MOVES_PER_DAY, DAY, now)
        self._purchases = Quota("purchases", PURCHASES_PER_DAY, DAY, now)
        self.bodies = BodyRoom()
        self._streams: Counter[str] = Counter()
        self._open = 0
        self._most_streams = min(STREAMS_IN_ALL, most_streams)

    def member(self, member_id: str) -> Allowance:
        """Count a member's request."""
        return UNLIMITED if self.members is None else self.members.take(member_id)

    def failure(self, address: str) -> Allowance:
        """Count a request that shows no valid token."""
        return self._failures.take(_network(address))

    def check(self, address: str) -> Allowance:
        """Count a token that is to be checked, before the check."""
        return self._checks.take(_network(address))

    def checked(self, address: str) -> None:
        """Take that back: the token was a valid one."""
        self._checks.give_back(_network(address))

    def check_streams(self, member_id: str | None) -> None:
        """Raise `TooManyRequests` where a member has as many streams open as it may, or all together have."""
        if self._open >= self._most_streams:
            raise TooManyRequests(STREAM_RETRY_AFTER_S, "As many streams are open as this process takes.")
        if member_id is not None and self._streams[member_id] >= STREAMS:
            raise TooManyRequests(
                STREAM_RETRY_AFTER_S, f"{STREAMS} streams are open already. Close one, or let your views share one."
            )

    @contextmanager
    def stream(self, member_id: str | None) -> Iterator[None]:
        """Count a stream for as long as it is open; a service's, without `member_id`, among all of them alone."""
        self._open += 1
        STREAMS_OPEN.inc()
        if member_id is not None:
            self._streams[member_id] += 1
        try:
            yield
        finally:
            self._open -= 1
            STREAMS_OPEN.dec()
            if member_id is not None:
                self._streams[member_id] -= 1
                if not self._streams[member_id]:
                    del self._streams[member_id]

    def rename(self, member_id: str) -> None:
        """Count a member's own rename. Raises `TooManyRequests`."""
        _allow(self._renames.take(member_id), f"A name can be changed {RENAMES_PER_DAY} times a day.")

    def appearance(self, member_id: str) -> None:
        """Count that a member leaves or rejoins the boards by itself. Raises `TooManyRequests`."""
        _allow(
            self._appearances.take(member_id),
            f"The boards can be left and joined again {APPEARANCES_PER_DAY} times a day.",
        )

    def move(self, member_id: str) -> None:
        """Count that a member moves its own points. Raises `TooManyRequests`."""
        _allow(self._moves.take(member_id), f"Points can be spent and taken back {MOVES_PER_DAY} times a day.")

    def purchase(self, member_id: str) -> None:
        """Count a member's checkout. Raises `TooManyRequests`."""
        _allow(self._purchases.take(member_id), f"A member can check out {PURCHASES_PER_DAY} times a day.")


def _allow(left: Allowance, message: str) -> None:
    """Raise `TooManyRequests` where nothing was left."""
    if left.wait:
        raise TooManyRequests(left.retry_after_s, f"{message} `Retry-After` says when again.")


def _seconds(microseconds: int) -> int:
    return -(-microseconds // SECOND)


def _network(address: str) -> str:
    """The address, or of IPv6 its network: one customer has 2^64 addresses. One of IPv4 may come in the form of IPv6,
    from a server that listens to both.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return parsed.packed[:8].hex() if parsed.ipv4_mapped is None else str(parsed.ipv4_mapped)
