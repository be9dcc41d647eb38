"""What entries add to the roll-ups: a pure function of the entries and of what is kept of their members."""

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from laurels.ledger.rollups import Basis, Cell, RolledMember, RolledUp, Sums
from laurels.model import Entry, EntryKind
from laurels.model.details import Details, TierDetails, merged_into
from laurels.model.market import market_after
from laurels.model.ordered import ordered
from laurels.program import GRAIN
from laurels.rollups.changed import Before
from laurels.rollups.days import Days

FORMAT = 6
"""Another number makes every shop's roll-ups anew."""

GONE, FIRST, ACTIVE_DAY, ACTIVE_MONTH = "gone", "first", "active-day", "active-month"
"""Words for members beside the kinds of entries: who was erased or became another one; who was active for the first
time, and for the first time on a day or in a month. They count by the day of recording alone: what comes late would
count twice otherwise.
"""

GAVE = "gave"
"""Word for orders by the campaign (`part`) that gave them points, or a part of one; each counts once, whatever came
back of it, and one that was changed by what it earned last. By the day of recording alone. Beside the points, so that a
sum over parts has each order once.
"""

ORDERED = "ordered"
"""Word for what is left of orders, of their amounts and points, by the day of the order, whenever something of it was
taken back. By the day of occurrence alone.
"""

_BY_ORDERS = frozenset({EntryKind.EARN, EntryKind.REVERSE})
_ACTIVE = frozenset({EntryKind.EARN, EntryKind.REDEEM})
_OF_NO_CAMPAIGN = frozenset({"base", "cap"})
_NOBODY = RolledMember()


def scheme_of(zone: ZoneInfo) -> str:
    """How roll-ups are made: by which rules, and by whose days."""
    return f"{FORMAT} {zone.key}"


def fold(entries: Iterable[Entry], members: Mapping[int, RolledMember], before: Before, days: Days) -> RolledUp:
    """What entries of one shard add, in their order. `members` has what is kept of those that they are about, `before`
    what changed orders had earned (`earned_before`).
    """
    folding = _Folding(members, before, days)
    for entry in entries:
        folding.add(entry)
    return RolledUp(folding.cells, folding.changed)


class _Folding:
    def __init__(self, members: Mapping[int, RolledMember], before: Before, days: Days) -> None:
        self._members = members
        self._before = before
        self._days = days
        self.cells: dict[Cell, Sums] = {}
        self.changed: dict[int, RolledMember] = {}

    def add(self, entry: Entry) -> None:
        before = self.changed.get(entry.member) or self._members.get(entry.member, _NOBODY)
        after = replace(before, market=market_after(before.market, entry))
        recorded = self._days.of(entry.recorded_at)
        if entry.kind in _ACTIVE:
            after = self._count_active(entry, after, recorded)
        if entry.kind is EntryKind.TIER:
            after = self._count_tier(entry, after, recorded)
        elif _ends(entry):
            after = self._count_end(entry, after, recorded)
        else:
            self._count(entry, after, recorded)
        if after != before:
            self.changed[entry.member] = after

    def _count(self, entry: Entry, member: RolledMember, recorded: int) -> None:
        """The entry by both of its days, its points apart by what gave them; it is one entry all the same."""
        occurred = self._days.of(entry.occurred_at)
        market = entry.currency or member.market
        source = entry.source or "" if entry.kind in _BY_ORDERS else ""
        sums = Sums(entry.points, 1, entry.amount or 0)
        for part, points in _parts(entry):
            mine = Sums(points) if part not in {"", "base"} else sums._replace(points=points)
            for basis, day in ((Basis.RECORDED, recorded), (Basis.OCCURRED, occurred)):
                self._plus(Cell(basis, day, entry.kind, part, source, market), mine)
        if entry.kind is EntryKind.EARN:
            self._count_given(entry, 1, recorded)
            if (earlier := self._before.get(entry.loyalty_id)) is not None:
                self._count_given(earlier, -1, recorded)
        if any(change := ordered(entry)):
            day = occurred if entry.board_at == entry.occurred_at else self._days.of(entry.board_at)
            self._plus(
                Cell(Basis.OCCURRED, day, ORDERED, "", "", market), Sums(change.points, change.orders, change.spend)
            )

    def _count_given(self, entry: Entry, orders: int, day: int) -> None:
        """An order for each campaign by which it earned."""
        for part in _campaigns(entry):
            cell = Cell(Basis.RECORDED, day, GAVE, part, entry.source or "", entry.currency or "")
            self._plus(cell, Sums(0, orders))

    def _count_active(self, entry: Entry, member: RolledMember, day: int) -> RolledMember:
        market = entry.currency or member.market
        if not member.active_on:
            self._plus(Cell(Basis.RECORDED, day, FIRST, "", "", market), Sums(0, 1))
        if day <= member.active_on:
            return member
        self._plus(Cell(Basis.RECORDED, day, ACTIVE_DAY, "", "", market), Sums(0, 1))
        if day // 100 > member.active_on // 100:
            self._plus(Cell(Basis.RECORDED, day, ACTIVE_MONTH, "", "", market), Sums(0, 1))
        return replace(member, active_on=day)

    def _count_tier(self, entry: Entry, member: RolledMember, day: int) -> RolledMember:
        if entry.details is None:
            return member
        change = msgspec.json.decode(entry.details, type=TierDetails)
        now = change.after or ""
        if now != member.tier:
            self._plus(Cell(Basis.RECORDED, day, EntryKind.TIER, f"{member.tier}>{now}", "", ""), Sums(0, 1))
        return replace(member, tier=now)

    def _count_end(self, entry: Entry, member: RolledMember, day: int) -> RolledMember:
        """A member that is no more leaves its tier; what a merge moves, counts as any other entry."""
        if entry.kind is EntryKind.MERGE:
            self._count(entry, member, day)
        self._plus(Cell(Basis.RECORDED, day, GONE, "", "", ""), Sums(0, 1))
        if member.tier:
            self._plus(Cell(Basis.RECORDED, day, EntryKind.TIER, f"{member.tier}>", "", ""), Sums(0, 1))
        return replace(member, tier="")

    def _plus(self, cell: Cell, sums: Sums) -> None:
        self.cells[cell] = self.cells.get(cell, Sums()).plus(sums)


def _ends(entry: Entry) -> bool:
    if entry.kind is EntryKind.ERASE:
        return True
    return entry.kind is EntryKind.MERGE and entry.details is not None and merged_into(entry.details) is not None


def _campaigns(entry: Entry) -> set[str]:
    """The campaigns by which an order earned."""
    return {name for name, amount in Details.decode(entry.details).parts if amount and name not in _OF_NO_CAMPAIGN}


def _parts(entry: Entry) -> list[tuple[str, int]]:
    """An entry's points by what gave them; together they are the entry's points. Where remainders are carried, a part's
    whole points are its own, and what is rounded is the base's.
    """
    if entry.kind not in _BY_ORDERS:
        return [("", entry.points)]
    said = Details.decode(entry.details)
    unit = 1 if said.carried is None else GRAIN
    further: dict[str, int] = {}
    for name, amount in said.parts:
        if name != "base":
            further[name] = further.get(name, 0) + (abs(amount) // unit) * (1 if amount >= 0 else -1)
    return [("base", entry.points - sum(further.values())), *further.items()]
