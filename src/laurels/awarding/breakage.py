"""How much of what was earned is redeemed in the end: cohorts by month of earning, and a chain ladder over them."""

from collections import defaultdict
from fractions import Fraction

from msgspec import Struct

from laurels.awarding.by_member import LotsByMember
from laurels.awarding.journal import entries_of
from laurels.awarding.programs import Programs
from laurels.ledger import Feed
from laurels.model import Entry, EntryKind
from laurels.model.entries import MOVES_POINTS
from laurels.model.times import to_datetime
from laurels.program.liability import chain_ladder
from laurels.program.local_time import month_number

LEAST_MONTHS = 13
"""So many months of earning, over, make a triangle that tells more than a setting."""

SHARE_DIGITS = 4


class CohortShown(Struct, frozen=True, kw_only=True):
    """What was earned in a month, net of what was taken back, what of it had been redeemed by each age in months (its
    own month first), and what is expected to be in the end.
    """

    month: str
    earned: int
    redeemed: list[int]
    expected: str


class Breakage(Struct, frozen=True, kw_only=True):
    """The triangle, so that an auditor can do it again by hand. `factors` lead from each age to the next, weighted by
    volume; `redeemed_share` and `breakage` are shares of all that was earned. The last figure of each row is of the
    month `running`, which is not over: no factor is made of it, and what it earned is expected to go as the rest.
    `measured` is False until thirteen months are over: then the share is the program's `expected_redeemed`.
    """

    measured: bool
    running: str
    cohorts: list[CohortShown]
    factors: list[str]
    redeemed_share: str
    breakage: str
    still_to_come: str


class Cohorts:
    """Points by the month in which they were earned. What leaves is taken from a member's oldest first; what a refund
    takes back, from its order's month. Memory: two `LotsByMember`, of what is outstanding, and of what was spent by
    the months that it came from: 108 bytes a member with three months of earning, half of whom spent from two of them
    (2026-11-28).
    """

    def __init__(self, programs: Programs) -> None:
        self._zone = programs.current.zone
        self._held = LotsByMember()
        self._spent = LotsByMember()
        self.earned: dict[int, int] = defaultdict(int)
        self.redeemed: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))

    def take(self, entry: Entry) -> None:
        """The next entry of a shard."""
        if entry.kind not in MOVES_POINTS or not entry.points:
            return
        month, points = self.month_of(entry.occurred_at), entry.points
        if entry.kind is EntryKind.REDEEM:
            self._redeem(entry.member, -points, month)
        elif entry.kind is EntryKind.RESTORE:
            self._restore(entry.member, points, month)
        elif points > 0 and entry.kind is not EntryKind.EXPIRE:
            self._in(entry.member, self.month_of(entry.board_at) if entry.kind is EntryKind.REVERSE else month, points)
        elif entry.kind is EntryKind.EXPIRE:
            self._out(entry.member, -points) if points < 0 else self._hold(entry.member, month, points)
        else:
            self._give_up(entry, -points)

    def month_of(self, at: int) -> int:
        """The local month of an instant, as a number that counts on."""
        return month_number(to_datetime(at).astimezone(self._zone).date())

    def _in(self, member: int, month: int, points: int) -> None:
        self.earned[month] += points
        self._hold(member, month, points)

    def _hold(self, member: int, month: int, points: int) -> None:
        held = dict(self._held[member])
        held[month] = held.get(month, 0) + points
        self._held[member] = sorted(held.items())

    def _out(self, member: int, points: int) -> list[tuple[int, int]]:
        """What of so many points lies in which month, taken out, the oldest first; what is missing lies in none."""
        kept, taken = [], []
        for month, has in self._held[member]:
            n = min(points, has)
            points -= n
            if n:
                taken.append((month, n))
            if has > n:
                kept.append((month, has - n))
        self._held[member] = kept
        return taken

    def _redeem(self, member: int, points: int, month: int) -> None:
        spent = self._spent[member]
        for cohort, n in self._out(member, points):
            self.redeemed[cohort][month] += n
            before = spent.pop()[1] if spent and spent[-1][0] == cohort else 0
            spent.append((cohort, before + n))
        self._spent[member] = spent

    def _give_up(self, entry: Entry, points: int) -> None:
        """A refund, a correction, points given away: as if they had not been earned, the order's month first."""
        own, kept = self.month_of(entry.board_at), []
        for month, has in self._held[entry.member]:
            n = min(points, has) if month == own else 0
            points -= n
            if n:
                self.earned[month] -= n
            if has > n:
                kept.append((month, has - n))
        self._held[entry.member] = kept
        for month, n in self._out(entry.member, points):
            self.earned[month] -= n

    def _restore(self, member: int, points: int, month: int) -> None:
        """What was spent last comes back first."""
        spent = self._spent[member]
        while points and spent:
            cohort, n = spent.pop()
            back = min(n, points)
            points -= back
            self.redeemed[cohort][month] -= back
            self._hold(member, cohort, back)
            if n > back:
                spent.append((cohort, n - back))
        self._spent[member] = spent


async def breakage(ledger: Feed, programs: Programs, now: int) -> Breakage:
    """The triangle of all that was earned so far. Costs by entries; memory by members."""
    cohorts = Cohorts(programs)
    heads = await ledger.heads()
    for shard, head in sorted(heads.marks.items()):
        async for entry in entries_of(ledger, shard, head.position):
            cohorts.take(entry)
    return triangle(cohorts, cohorts.month_of(now), programs.at(now).expected_redeemed)


def triangle(cohorts: Cohorts, running: int, expected: int) -> Breakage:
    """The ladder over cohorts up to the month that runs, which has a figure in each row and none in the factors;
    `expected` in millionths.
    """
    months = sorted(month for month, earned in cohorts.earned.items() if earned > 0 and month <= running)
    rows = [_cumulative(cohorts.redeemed[month], month, running) for month in months]
    earned = [cohorts.earned[month] for month in months]
    over = [row[:-1] for month, row in zip(months, rows, strict=True) if month < running]
    ladder = chain_ladder(earned[: len(over)], over) if over else None
    measured = ladder is not None and running - months[0] >= LEAST_MONTHS
    share = ladder.redeemed_share if measured and ladder is not None else Fraction(expected, 1_000_000)
    ultimate = [share * each for each in earned]
    if measured and ladder is not None:
        ultimate[: len(over)] = ladder.ultimate
        ultimate = [
            min(max(each, Fraction(row[-1])), Fraction(n)) for each, row, n in zip(ultimate, rows, earned, strict=True)
        ]
        share = sum(ultimate, Fraction()) / sum(earned)
    still = sum(ultimate, Fraction()) - sum(row[-1] for row in rows)
    return Breakage(
        measured=measured,
        running=_name(running),
        cohorts=[
            CohortShown(month=_name(month), earned=n, redeemed=row, expected=_decimal(each, 0))
            for month, n, row, each in zip(months, earned, rows, ultimate, strict=True)
        ],
        factors=[] if ladder is None else [_decimal(each, SHARE_DIGITS) for each in ladder.factors],
        redeemed_share=_decimal(share, SHARE_DIGITS),
        breakage=_decimal(1 - share, SHARE_DIGITS),
        still_to_come=_decimal(max(still, Fraction()), 0),
    )


def _cumulative(by_month: dict[int, int], month: int, last: int) -> list[int]:
    row, total = [], 0
    for each in range(month, last + 1):
        total += by_month.get(each, 0)
        row.append(max(0, total))
    return row


def _name(month: int) -> str:
    return f"{month // 12:04}-{month % 12 + 1:02}"


def _decimal(value: Fraction, digits: int) -> str:
    rounded = (value * 10**digits * 2 + 1) // 2
    if not digits:
        return str(rounded)
    return f"{rounded // 10**digits}.{rounded % 10**digits:0{digits}}"
