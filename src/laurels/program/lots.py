"""Points in lots: they wait, become active, expire by the clock, are spent and taken back.

State is by the clock: whoever looks first lets everything happen that lies before now, in the order of its time. So an
answer is exact whether or not a sweep ran, and a sweep only writes down what already holds.
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from laurels.clock import DAY
from laurels.program.local_time import NEVER, add_months, day_of_instant, end_of_month, midnight_after
from laurels.program.state import Account, Lapse, LotKey, OpenHold, ProgramState, Spent, Waiting

if TYPE_CHECKING:
    from laurels.program.program import Program
    from laurels.program.rules import Expiry

ACTIVATION, RELEASE, EXPIRY, INACTIVITY = range(4)
"""What comes first of several things at one instant."""


def expires_at(program: "Program", at: int) -> int:
    """When points that become active at an instant expire."""
    expiry = program.expiry
    if expiry.kind in {"never", "inactivity"}:
        return NEVER
    return _expires_on(expiry, program.zone, day_of_instant(at, program.zone))


@lru_cache(maxsize=4096)
def _expires_on(expiry: "Expiry", zone: ZoneInfo, local: date) -> int:
    """When points that become active on a local day expire."""
    if expiry.kind == "after-months":
        day = add_months(local, expiry.months)
        return midnight_after(end_of_month(day) if expiry.end_of_month else day, zone)
    least, year = add_months(local, expiry.at_least_months), local.year
    while date(year, *expiry.date) < least:
        year += 1
    return midnight_after(date(year, *expiry.date), zone)


def touch(state: ProgramState, now: int, program: "Program") -> tuple[ProgramState, list[Lapse]]:
    """A member at an instant: what was pending is active, holds have lapsed, points have expired. The program is the
    one in force. Gives the entries that this leads to; the same again gives none.
    """
    if not program.extensions and not due(state, now, program):
        return state, []
    account = Account(state)
    let_pass(account, now, program)
    return account.state(), account.lapses


def due(state: ProgramState, now: int, program: "Program") -> bool:
    """Whether anything happens to a member up to an instant. Linear in its lots."""
    at = next_due(state, program)
    return at is not None and at <= now


def next_due(state: ProgramState, program: "Program") -> int | None:
    """When the clock next changes something of a member: what a sweep finds it by. None: never. Points that a hold has
    set aside do not lapse before it ends: by then, and not over and over until then, their lot is looked at.
    """
    pinned = pins(state.holds) if state.holds else {}
    free = [lot for lot in state.lots if lot.active > pinned.get((lot.expires, lot.origin), 0)]
    times = [program.extended(lot.expires) for lot in free if lot.expires != NEVER]
    if state.pending:
        times += [each.active_at for each in state.pending]
    if state.holds:
        times += [hold.until for hold in state.holds]
    if program.expiry.kind == "inactivity":
        deadline = deadline_of(state.last_active, program)
        if deadline is not None and free:
            times.append(deadline)
    return min(times) if times else None


def let_pass(account: Account, now: int, program: "Program", since: int = 0) -> None:
    """Let everything happen that lies before an instant, in the order of its time.

    Points that come in after the deadline of inactivity lapse when they come in, and not before they were there: the
    refund of their order must find them. `since` is when a document brought points in.
    """
    if program.extensions:
        _extend(account, program)
    if not (account.pending or account.holds or program.expiry.kind == "inactivity") and not any(
        key[0] <= now for key in account.lots
    ):
        return  # hardly ever is anything due
    while True:
        events: list[tuple[int, int, int, LotKey]] = [
            (each.active_at, ACTIVATION, place, (0, 0))
            for place, each in enumerate(account.pending)
            if each.active_at <= now
        ]
        events += [(hold.until, RELEASE, n, (0, 0)) for n, hold in enumerate(account.holds) if hold.until <= now]
        pinned = pins(account.holds)
        free = {key: n for key, lot in account.lots.items() if (n := lot[0] - pinned.get(key, 0)) > 0}
        events += [(key[0], EXPIRY, 0, key) for key in free if key[0] <= now]
        deadline = deadline_of(account.last_active, program)
        if deadline is not None and deadline <= now and free:
            events.append((max(deadline, since), INACTIVITY, 0, (0, 0)))
        if not events:
            return
        at, what, place, key = min(events)
        if what == ACTIVATION:
            each = account.pending.pop(place)
            credit(account, (program.extended(each.expires), each.expires), each.points)
            since = max(since, at)
        elif what == RELEASE:
            account.holds.pop(place)
            settle_debt(account)
        elif what == EXPIRY:
            _lapse(account, key, free[key], at)
        else:
            for each_key, n in sorted(free.items()):
                _set_apart(account, each_key, n, at)


def _extend(account: Account, program: "Program") -> None:
    """Give lots that have not lapsed the dates that they were extended to, and what holds have set aside of them."""
    for key in [key for key, lot in account.lots.items() if lot[0] and program.extended(key[0]) != key[0]]:
        lot = account.lots[key]
        later = account.lots.setdefault((program.extended(key[0]), key[1]), [0, 0, 0])
        later[0] += lot[0]
        lot[0] = 0
    account.holds = [
        replace(hold, pins=tuple([(program.extended(expires), origin, n) for expires, origin, n in hold.pins]))
        for hold in account.holds
    ]


def forget(account: Account, now: int, program: "Program") -> None:
    """Drop lots that expired so long ago that no refund of their orders is taken any more; where refunds are taken for
    ever, none.
    """
    for key in [key for key, lot in account.lots.items() if not lot[0] and _is_forgotten(key[0], now, program)]:
        del account.lots[key]


def _is_forgotten(expires: int, now: int, program: "Program") -> bool:
    return program.refund_days is not None and expires < now - program.refund_days * DAY


def pins(holds: Iterable[OpenHold]) -> dict[LotKey, int]:
    """What open holds have set aside of each lot."""
    found: dict[LotKey, int] = {}
    for hold in holds:
        for expires, origin, n in hold.pins:
            found[expires, origin] = found.get((expires, origin), 0) + n
    return found


def free_lots(state: ProgramState) -> list[tuple[int, int, int]]:
    """What can be spent of each lot, soonest first: (expires, origin, points); nothing while points are owed."""
    if state.owed:
        return []
    pinned = pins(state.holds) if state.holds else {}
    lots = [(lot.expires, lot.origin, lot.active - pinned.get((lot.expires, lot.origin), 0)) for lot in state.lots]
    return [lot for lot in lots if lot[2] > 0]


def credit(account: Account, key: LotKey, points: int) -> None:
    """Into a lot; what is owed is paid first."""
    _add(account, key, points)
    settle_debt(account)


def settle_debt(account: Account) -> None:
    """Pay what is owed by what is free."""
    owed, account.owed = account.owed, 0
    if owed:
        debit(account, owed)


def debit(account: Account, points: int) -> None:
    """Out of the lots that expire soonest, but for what holds have set aside; what is missing is owed."""
    for key, n in _soonest(account, points):
        _add(account, key, -n)
        points -= n
    account.owed += points


def choose(account: Account, points: int) -> list[tuple[LotKey, int]]:
    """The lots that a payment takes: those that expire soonest. The points have to be available."""
    chosen = _soonest(account, points)
    assert sum(n for _, n in chosen) == points, "points that are available lie in lots that are free"
    return chosen


def take_out(account: Account, taken: list[tuple[LotKey, int]]) -> None:
    """Take points out of lots."""
    for key, n in taken:
        _add(account, key, -n)


def bring_in(account: Account, points: int, *, order: str, active_at: int, expires: int, now: int) -> None:
    """Points of an order come in: they wait until `active_at`, or go into their lot."""
    if active_at <= now:
        credit(account, (expires, expires), points)
        return
    for place, each in enumerate(account.pending):
        if (each.order, each.active_at, each.expires) == (order, active_at, expires):
            account.pending[place] = replace(each, points=each.points + points)
            return
    account.pending.append(Waiting(active_at, expires, order, points))


def take_back(account: Account, points: int, *, order: str, active_at: int, expires: int, now: int) -> int:
    """Points of an order come back: from what of them is pending; from its own lots; what expired of those is not taken
    twice, an entry says so; then from the lots that expire soonest; and at last they are owed. Gives how many had
    expired.
    """
    lapsed = 0
    if account.pending:
        points = _out_of_pending(account, order, points)
    pinned = pins(account.holds) if account.holds else {}
    for key in _own_lots(account, active_at, expires):
        lot = account.lots[key]
        n = max(0, min(points, lot[0] - pinned.get(key, 0)))
        if n:
            _add(account, key, -n)
            points -= n
        n = min(points, lot[1] - lot[2])
        if n:
            lot[2] += n
            points -= n
            lapsed += n
            account.lapses.append(Lapse(n, now, *key))
    if points:
        debit(account, points)
    return lapsed


def give_again(
    account: Account,
    points: int,
    program: "Program",
    *,
    order: str,
    active_at: int,
    expires: int,
    lapsed: int,
    taken: int,
    now: int,
) -> int:
    """Points of an order come again, since a refund of it is cancelled, or it is changed; the refunds that stand have
    `taken` so many, and all that took from the order found so many `lapsed`.

    What had lapsed of it, and was not taken twice, has lapsed again: as far as those that stand do not explain it. If
    the order's own points would have lapsed by now, the rest was taken while it had them, or from others that live:
    it lives for as long as spent points that come back do, and is no more the order's than those others were. The
    program is the one in force. Gives how many have lapsed again.
    """
    own = _own_lots(account, active_at, expires)
    again = lapsed = min(points, max(0, lapsed - taken), sum(account.lots[key][2] for key in own))
    points -= lapsed
    for key in reversed(own):
        n = min(lapsed, account.lots[key][2])
        if n:
            account.lots[key][2] -= n
            lapsed -= n
            account.lapses.append(Lapse(-n, now, *key))
    if program.extended(expires) > now or _is_forgotten(expires, now, program):
        bring_in(account, points, order=order, active_at=active_at, expires=expires, now=now)
    elif points:
        until = now + program.restore_days * DAY
        credit(account, (until, until), points)
    return again


def _own_lots(account: Account, active_at: int, expires: int) -> list[LotKey]:
    """The lots that an order's points may lie in, or have lapsed in; the soonest first."""
    return sorted(key for key in account.lots if key[1] == expires and key[0] >= active_at)


def bring_back(account: Account, spent: tuple[Spent, ...], points: int, days: int, now: int) -> tuple[Spent, ...]:
    """Undo a payment, or a part of it: the lots that were taken last come back first, so that what stays spent is what
    a smaller payment would have taken. The points' clock stood still while they were away, for at most so many days:
    nobody gains a second. Gives what stays spent.
    """
    stays = []
    for part in reversed(spent):
        n = min(points, part.points)
        points -= n
        if n:
            life = min(part.expires - part.at, days * DAY)
            credit(account, (max(part.expires, now + life), part.origin), n)
        if part.points > n:
            stays.append(replace(part, points=part.points - n))
    return tuple(reversed(stays))


def _out_of_pending(account: Account, order: str, points: int) -> int:
    kept = []
    for each in account.pending:
        n = min(points, each.points) if each.order == order else 0
        points -= n
        if each.points > n:
            kept.append(replace(each, points=each.points - n) if n else each)
    account.pending = kept
    return points


def _soonest(account: Account, points: int) -> list[tuple[LotKey, int]]:
    pinned = pins(account.holds) if account.holds else {}
    chosen = []
    for key in sorted(account.lots):
        n = min(points, account.lots[key][0] - pinned.get(key, 0))
        if n > 0:
            points -= n
            chosen.append((key, n))
    return chosen


def _add(account: Account, key: LotKey, points: int) -> None:
    account.lots.setdefault(key, [0, 0, 0])[0] += points
    account.moves[key] = account.moves.get(key, 0) + points


def _lapse(account: Account, key: LotKey, points: int, at: int) -> None:
    lot = account.lots[key]
    lot[0] -= points
    lot[1] += points
    account.lapses.append(Lapse(-points, at, *key))


def _set_apart(account: Account, key: LotKey, points: int, at: int) -> None:
    """What lapses by inactivity gets a lot of its own, so that later points are not taken for it."""
    account.lots[key][0] -= points
    apart = (at, key[1])
    account.lots.setdefault(apart, [0, 0, 0])[0] += points
    _lapse(account, apart, points, at)


def deadline_of(last_active: int | None, program: "Program") -> int | None:
    """When all points lapse for want of activity: after the last day of the month so many months after the last."""
    if program.expiry.kind != "inactivity" or last_active is None:
        return None
    day = add_months(day_of_instant(last_active, program.zone), program.expiry.months)
    return program.extended(midnight_after(end_of_month(day), program.zone))


def moves(account: Account) -> tuple[tuple[int, int, int], ...]:
    """What moved in each lot; not said of the one that never expires, since that follows from the points."""
    return tuple([(*key, n) for key, n in sorted(account.moves.items()) if n and key != (NEVER, NEVER)])
