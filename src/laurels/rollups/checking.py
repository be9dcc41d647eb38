"""Holding the roll-ups against the entries: each cell is counted again, up to where they got."""

from collections.abc import AsyncIterator, Mapping
from itertools import islice
from zoneinfo import ZoneInfo

from laurels.errors import FeedDiverged
from laurels.ledger import Finding, Ledger
from laurels.ledger.rollups import Cell, RolledMember, Sums
from laurels.model import Mark
from laurels.rollups.changed import earned_before
from laurels.rollups.days import Days
from laurels.rollups.folding import fold, scheme_of
from laurels.rollups.following import AT_ONCE


async def roll_up_findings(ledger: Ledger, zone: ZoneInfo) -> AsyncIterator[Finding]:
    """Cells that say something else than the entries. Reads every entry once; memory: some 200 bytes a member.

    Roll-ups that another version of the rules made are none: they are thrown away at the next start.
    """
    state, kept = await ledger.all_cells()
    if state.scheme != scheme_of(zone):
        return
    days = Days(zone)
    counted: dict[Cell, Sums] = {}
    for shard, end in state.marks.items():
        members = await _count(ledger, shard, end, days, counted)
        if members is None:
            yield Finding(f"roll-ups of shard {shard}", f"they end at entry {end.position} of another history")
            return
        for number in await _otherwise(ledger, members):
            yield Finding(f"roll-ups of member number {number}", "what counting its next entry needs is not as it was")
    for cell in sorted(kept.keys() | counted.keys()):
        if kept.get(cell) != counted.get(cell):
            what = f"it is kept as {_said(kept.get(cell))}, its entries sum to {_said(counted.get(cell))}"
            yield Finding(f"roll-up {' '.join(str(word) for word in cell if word)}", what)


async def _count(
    ledger: Ledger, shard: int, end: Mark, days: Days, counted: dict[Cell, Sums]
) -> dict[int, RolledMember] | None:
    """Count a shard's entries up to a mark; gives what is known of its members then, None without such a mark."""
    members: dict[int, RolledMember] = {}
    at = Mark()
    while at.position < end.position:
        try:
            entries = await ledger.feed(shard, at, min(AT_ONCE, end.position - at.position))
        except FeedDiverged:
            return None
        if not entries:
            return None
        rolled = fold(entries, members, await earned_before(ledger, entries), days)
        members.update(rolled.members)
        for cell, sums in rolled.cells.items():
            counted[cell] = counted.get(cell, Sums()).plus(sums)
        at = Mark(entries[-1].position, entries[-1].hash)
    return members if at == end else None


async def _otherwise(ledger: Ledger, members: Mapping[int, RolledMember]) -> list[int]:
    """Members of whom other is kept."""
    found, numbers = [], iter(members)
    while some := list(islice(numbers, AT_ONCE)):
        kept = await ledger.rolled_members(some)
        found += [number for number in some if kept.get(number) != members[number]]
    return found


def _said(sums: Sums | None) -> str:
    return "nothing" if sums is None else f"{sums.points} points, {sums.entries} entries, {sums.amount} in money"
