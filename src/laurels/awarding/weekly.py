"""What a program manager asks every Monday, from the entries of a week and from what members have now."""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta, tzinfo
from fractions import Fraction

from msgspec import Struct

from laurels.awarding.breakage import Breakage, Cohorts, triangle
from laurels.awarding.by_member import NumberByMember
from laurels.awarding.causes import cause_of
from laurels.awarding.journal import entries_of
from laurels.awarding.looking import members_at
from laurels.awarding.owing import Liability, liability
from laurels.awarding.programs import Programs
from laurels.awarding.rehearsed import parts_of_entry
from laurels.clock import DAY
from laurels.errors import InvalidInput
from laurels.ledger import Ledger
from laurels.model import Entry, EntryKind
from laurels.model.details import Details
from laurels.model.entries import EARNED, MOVES_POINTS
from laurels.model.ordered import ordered
from laurels.model.times import format_instant, from_datetime
from laurels.program import GRAIN, format_grains, tier_at
from laurels.program.liability import half_up

DAYS = 7
FIRST_YEAR, LAST_YEAR = 2000, 9998
"""Orders are of 2000 at the earliest, and the calendar ends with 9999."""

_REDEEMED = 2**62
"""In the place of when the first order of a member was, once points were redeemed."""

MOST = 20
REFUNDS = 5
LAPSING_DAYS = (30, 60, 90)


class LargeMove(Struct, frozen=True, kw_only=True):
    """One of the largest moves of the week: the entry, whose (by number), of which kind, and who made it."""

    entry: str
    member: int
    kind: str
    points: int
    actor: str | None


class WeeklyReport(Struct, frozen=True, kw_only=True):
    """A week: entries recorded from `starts` on and before `ends`.

    `members` counts those with an entry of points (active), enrolled (new), and with their first order. `orders`,
    `spend` (minor units) are net, by currency: what was taken back that week is taken off, and an order counts while
    something of it is left. `late` is orders by whole days between when they were and when they were recorded,
    `points` are by kind, `parts` what gave those of orders, net, `actors` corrections by who made them, `bound` orders
    by the cap that cut them, `nothing` orders that earned nothing; of `late`, `bound` and `nothing` are orders that
    nobody changed. `refunded_often` are members with
    more than five refunds, `owing` members below zero now. `lapsing` are points that lapse within so many days, `tiers`
    members by tier now, `carried` remainders in all by currency. `quarantined` are documents by cause. `burn` is
    redeemed over earned, ever. `programs` is what was done with programs that week.
    """

    starts: str
    ends: str
    members: dict[str, int]
    orders: dict[str, int]
    spend: dict[str, int]
    late: dict[str, int]
    points: dict[str, int]
    parts: dict[str, str]
    actors: dict[str, int]
    bound: dict[str, int]
    nothing: int
    refunded_often: int
    largest: list[LargeMove]
    owing: dict[str, int]
    lapsing: dict[str, int]
    tiers: dict[str, int]
    carried: dict[str, str]
    quarantined: dict[str, int]
    burn: str
    days_to_first_redemption: str
    liability: Liability
    breakage: Breakage
    programs: list[str]


class _Week:
    """Adds up entries, all of them once; those of the week are counted. Memory: 8 bytes a member, and what the week has
    of members and refunds.
    """

    def __init__(self, programs: Programs, starts: int, ends: int) -> None:
        self._programs, self._starts, self._ends = programs, starts, ends
        self.active: set[int] = set()
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.grains: dict[str, int] = defaultdict(int)
        self.refunds: Counter[int] = Counter()
        self.moves: list[Entry] = []
        self.nothing = 0
        self.ever: Counter[str] = Counter()
        self._first = NumberByMember()
        self._waits: Counter[int] = Counter()

    def take(self, entry: Entry) -> None:
        first = entry.kind is EntryKind.EARN and not self._first[entry.member]
        if first:
            self._first[entry.member] = entry.occurred_at
        if entry.kind is EntryKind.REDEEM and 0 < self._first[entry.member] < _REDEEMED:
            self._waits[_hundredths(max(0, entry.occurred_at - self._first[entry.member]), DAY)] += 1
            self._first[entry.member] = _REDEEMED
        if entry.kind in MOVES_POINTS:
            self.ever[entry.kind] += entry.points
        if not self._starts <= entry.recorded_at < self._ends:
            return
        self.counts["members"]["new"] += entry.kind is EntryKind.ENROL
        self.counts["members"]["first order"] += first
        if entry.kind in MOVES_POINTS:
            self._count(entry)

    def _count(self, entry: Entry) -> None:
        self.active.add(entry.member)
        self.counts["points"][entry.kind] += entry.points
        if entry.kind in EARNED and entry.currency is not None:
            self._count_order(entry, entry.currency)
        if entry.kind is EntryKind.REVERSE:
            self.refunds[entry.member] += 1
        if entry.kind is EntryKind.ADJUST:
            self.counts["actors"][entry.actor or ""] += entry.points
        self.moves.append(entry)
        if len(self.moves) > 50 * MOST:
            self.moves = self.largest()

    def _count_order(self, entry: Entry, currency: str) -> None:
        """What an order earned, or what was taken back of one: net, a changed order is one order."""
        change = ordered(entry)
        self.counts["orders"][currency] += change.orders
        self.counts["spend"][currency] += change.spend
        program, details = self._programs.version(entry.program_version), Details.decode(entry.details)
        for name, grains in parts_of_entry(entry, details, program).items():
            self.grains[name] += grains
        if entry.kind is EntryKind.EARN and details.amended is None:
            days = max(0, entry.recorded_at - entry.occurred_at) // DAY
            self.counts["late"][str(days)] += days > 0
            self.nothing += not entry.points
            self.counts["bound"].update(name for name, _ in details.bound)

    def half_waited(self) -> str:
        """The days after which half of those who redeemed had done so; empty where nobody did."""
        left = self._waits.total() // 2
        for wait, members in sorted(self._waits.items()):
            left -= members
            if left < 0:
                return _of_hundredths(wait)
        return ""

    def largest(self) -> list[Entry]:
        return sorted(self.moves, key=lambda each: (-abs(each.points), each.shard, each.position))[:MOST]

    def named(self, name: str) -> dict[str, int]:
        return {key: n for key, n in sorted(self.counts[name].items()) if n}


def week_of(day: date, zone: tzinfo) -> tuple[int, int]:
    """When the week of a day begins and ends, Monday to Sunday by the clocks of a zone. Raises `InvalidInput`."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidInput.of("at", f"is of no week between {FIRST_YEAR} and {LAST_YEAR}")
    monday = day - timedelta(days=day.weekday())
    starts, ends = (datetime.combine(monday + timedelta(days=n), datetime.min.time(), zone) for n in (0, DAYS))
    return from_datetime(starts), from_datetime(ends)


async def weekly_report(ledger: Ledger, programs: Programs, starts: int, ends: int, now: int) -> WeeklyReport:
    """The report of a week. Costs by all entries and by members."""
    week, cohorts = _Week(programs, starts, ends), Cohorts(programs)
    heads = await ledger.heads()
    for shard, head in sorted(heads.marks.items()):
        async for entry in entries_of(ledger, shard, head.position):
            week.take(entry)
            cohorts.take(entry)
    standing = await _standing(ledger, programs, now)
    return WeeklyReport(
        starts=format_instant(starts),
        ends=format_instant(ends),
        members={"active": len(week.active), **week.named("members")},
        orders=week.named("orders"),
        spend=week.named("spend"),
        late=week.named("late"),
        points=week.named("points"),
        parts={name: _short(Fraction(grains, GRAIN)) for name, grains in sorted(week.grains.items()) if grains},
        actors=week.named("actors"),
        bound=week.named("bound"),
        nothing=week.nothing,
        refunded_often=sum(n > REFUNDS for n in week.refunds.values()),
        largest=[
            LargeMove(entry=each.loyalty_id, member=each.member, kind=each.kind, points=each.points, actor=each.actor)
            for each in week.largest()
        ],
        owing=dict(standing["owing"]),
        lapsing={str(days): standing["lapsing"][str(days)] for days in LAPSING_DAYS},
        tiers=dict(sorted(standing["tiers"].items())),
        carried={currency: format_grains(grains) for currency, grains in sorted(standing["carried"].items())},
        quarantined=await _quarantined(ledger),
        burn=_ratio(-week.ever[EntryKind.REDEEM] - week.ever[EntryKind.RESTORE], week.ever[EntryKind.EARN]),
        days_to_first_redemption=week.half_waited(),
        liability=await liability(ledger, programs, now, now),
        breakage=triangle(cohorts, cohorts.month_of(now), programs.at(now).expected_redeemed),
        programs=[
            f"{each.act} version {each.version} by {each.actor}"
            for each in await ledger.program_events()
            if starts <= each.at < ends
        ],
    )


async def _standing(ledger: Ledger, programs: Programs, now: int) -> dict[str, Counter[str]]:
    """What members have now, counted."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    program = programs.at(now)
    async for _, member, lapses, _ in members_at(ledger, programs, now):
        if member.active < 0:
            found["owing"].update({"members": 1, "points": -member.active})
        for days in LAPSING_DAYS:
            soon = sum(points for at, points in lapses if at <= now + days * DAY)
            found["lapsing"][str(days)] += soon
        found["carried"].update(dict(member.carried))
        if program.tiers is not None:
            found["tiers"][tier_at(program, member, now) or "none"] += 1
    return found


async def _quarantined(ledger: Ledger) -> dict[str, int]:
    """Documents in quarantine by cause: their reasons name what they are about, and would be as many as they are."""
    causes: Counter[str] = Counter()
    after = 0
    while documents := await ledger.quarantine(after=after, limit=500):
        causes.update(cause_of(each.reason) for each in documents)
        after = documents[-1].sequence
    return dict(causes.most_common())


def _ratio(part: int, whole: int) -> str:
    """A quotient with two decimals; empty where there is nothing to divide by."""
    if not whole:
        return ""
    return _of_hundredths(_hundredths(part, whole))


def _hundredths(part: int, whole: int) -> int:
    return half_up(Fraction(part * 100, whole))


def _of_hundredths(n: int) -> str:
    return f"{n // 100}.{n % 100:02}"


def _short(points: Fraction) -> str:
    return str(points) if points.denominator == 1 else _ratio(points.numerator, points.denominator)
