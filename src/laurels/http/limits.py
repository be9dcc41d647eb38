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

FAILURES_PER_MINUTE = 60
"""Requests without a valid token that one address may send; then it is told to wait. Valid tokens always get in, since
behind a proxy everybody has the same address."""

RENAMES_PER_DAY = 3
"""Each rename uses up a name number for ever."""

STREAMS = 20
"""Streams that a member may have open in one process: a browser opens six to a host, and there are phones too."""

STREAM_RETRY_AFTER_S = 10

REMEMBERED = 200_000
"""Keys that one quota remembers: some 40 MB. Beyond, the one that asked longest ago is forgotten."""


class Quota:
    """So many requests in a period for each key, used up in a burst or evenly; one comes back every period / requests.

    This is the generic cell rate algorithm: all that is kept of a key is the instant at which it would have its whole
    quota back.
    """

    def __init__(self, name: str, requests: int, period: int, now: Clock = clock.now) -> None:
        """`name` is told to clients in the header `RateLimit`. `period` is in microseconds."""
        self._name = f'"{name}"'.encode("ascii")
        self._each = period // requests
        self._period = self._each * requests
        self._now = now
        self._whole_at: OrderedDict[Hashable, int] = OrderedDict()

    def take(self, key: Hashable) -> "Left":
        """Use one up; tells what is left. A key with nothing left gets `Left.retry_after_s` above 0, and loses nothing.

        Costs 1 us and 200 bytes a key.
        """
        now = self._now()
        held = self._whole_at.get(key, 0)
        if not now < held <= now + self._period:  # whole by now, or the clock was set back
            held = now
        whole_at = held + self._each
        over = whole_at - now - self._period
        if over > 0:
            return Left(self._name, 0, over)
        self._whole_at[key] = whole_at
        self._whole_at.move_to_end(key)
        if len(self._whole_at) > REMEMBERED:
            self._whole_at.popitem(last=False)
        return Left(self._name, -over // self._each, 0, whole_at - now)


class Left(Struct, frozen=True, gc=False):
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
        seconds there are more.
        """
        return b"%b;r=%d;t=%d" % (self.name, self.requests, _seconds(self.wait or self.whole_in))

    @property
    def retry_after_s(self) -> int:
        """Seconds to wait, rounded up; 0 where there is no need."""
        return _seconds(self.wait)


class Limits:
    """The quotas of one process."""

    def __init__(self, per_minute: int, now: Clock = clock.now) -> None:
        """`per_minute` is what each member may send."""
        self._members = Quota("member", per_minute, MINUTE, now)
        self._failures = Quota("address", FAILURES_PER_MINUTE, MINUTE, now)
        self._renames = Quota("renames", RENAMES_PER_DAY, DAY, now)
        self._streams: Counter[str] = Counter()

    def member(self, member_id: str) -> Left:
        """Count a member's request."""
        return self._members.take(member_id)

    def failure(self, address: str) -> Left:
        """Count a request that shows no valid token."""
        return self._failures.take(_network(address))

    def check_streams(self, member_id: str) -> None:
        """Raise `TooManyRequests` where a member has as many streams open as it may."""
        if self._streams[member_id] >= STREAMS:
            raise TooManyRequests(
                STREAM_RETRY_AFTER_S, f"{STREAMS} streams are open already. Close one, or let your views share one."
            )

    @contextmanager
    def stream(self, member_id: str) -> Iterator[None]:
        """Count a member's stream for as long as it is open."""
        self._streams[member_id] += 1
        try:
            yield
        finally:
            self._streams[member_id] -= 1
            if not self._streams[member_id]:
                del self._streams[member_id]

    def rename(self, member_id: str) -> None:
        """Count a member's own rename. Raises `TooManyRequests`."""
        left = self._renames.take(member_id)
        if left.wait:
            raise TooManyRequests(
                left.retry_after_s,
                f"A name can be changed {RENAMES_PER_DAY} times a day. `Retry-After` says when again.",
            )


def _seconds(microseconds: int) -> int:
    return -(-microseconds // SECOND)


def _network(address: str) -> str:
    """The address, or of IPv6 its network: one customer has 2^64 addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return parsed.exploded[:19] if isinstance(parsed, IPv6Address) else address
