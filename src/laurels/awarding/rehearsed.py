"""What came of a rehearsal: who gains and who loses, what changed in which orders, and a digest of all of it."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import msgspec
from msgspec import Struct

from laurels.awarding.keeping import program_state_of
from laurels.awarding.replaying import Replay
from laurels.model import Entry
from laurels.model.currencies import DECIMALS
from laurels.model.details import Details
from laurels.model.money import format_amount
from laurels.program import GRAIN, Program, tier_at
from laurels.program.liability import half_up

MOST_MEMBERS = 10
"""Members that are named of those who gain most, and as many of those who lose most."""

PARTS = 10


class ChangedOrder(Struct, frozen=True, kw_only=True):
    """An order that would have other points, with both reasons."""

    source: str
    order_id: str
    before: int
    after: int
    why_before: str
    why_after: str


class ChangedMember(Struct, frozen=True, kw_only=True):
    """A member, by its number, that would have other points."""

    member: int
    before: int
    after: int


class Rehearsal(Struct, frozen=True, kw_only=True):
    """What came of it. `points` and `would_be` are members' totals; `gain`, `lose` and `alike` are members, `best` and
    `worst` the most that one would gain and lose; `deciles` the changes that a tenth, two tenths … of the members lie
    below. `parts` are points by what gives them in the orders of the period; `reasons` orders by the part that they
    would have more or less of; `bound` orders by what a cap would cut; `never` campaigns that would give nothing.
    `tiers` are members by how their tier would differ, `value` by how much more, in money, they would hold.
    `quarantined` are the documents by cause that only the new program would not take, `unseen` what it names and no
    order or member had, and how many orders could not be judged by it. `newest` is the newest version that stood,
    `begins` and `ends` the period (RFC 3339); `digest` is of the program's bytes and all of this.
    """

    version: int
    newest: int
    begins: str | None
    ends: str
    documents: int
    orders: int
    points: int
    would_be: int
    gain: int
    lose: int
    alike: int
    best: int
    worst: int
    deciles: list[int]
    gain_most: list[ChangedMember]
    lose_most: list[ChangedMember]
    parts: dict[str, int]
    reasons: dict[str, int]
    bound: dict[str, int]
    never: list[str]
    tiers: dict[str, int]
    value: dict[str, str]
    quarantined: dict[str, int]
    changed_orders: int
    changed: list[ChangedOrder]
    unseen: list[str] = []
    digest: str = ""

    def signed(self, new: Program) -> "Rehearsal":
        """The same, with its digest."""
        content = new.text.encode() + msgspec.json.encode(msgspec.structs.replace(self, digest=""))
        return msgspec.structs.replace(self, digest=hashlib.sha256(content).hexdigest())


def member_changes(stands: Replay, new: Replay) -> list[ChangedMember]:
    """Every member that is one of its own, with what it has and would have."""
    found = []
    for member in sorted((stands.members.keys() | new.members.keys()) - stands.became.keys()):
        was, will = (r.members[member].totals.balance if member in r.members else 0 for r in (stands, new))
        found.append(ChangedMember(member=member, before=was, after=will))
    return found


def most(changes: Iterable[ChangedMember], sign: int) -> list[ChangedMember]:
    """Those who gain (1) or lose (-1) most."""
    ranked = sorted(changes, key=lambda each: (-sign * (each.after - each.before), each.member))
    return [each for each in ranked[:MOST_MEMBERS] if sign * (each.after - each.before) > 0]


def deciles(changes: Sequence[ChangedMember]) -> list[int]:
    """Nine changes: a tenth of the members, two tenths … have no more than that."""
    ranked = sorted(each.after - each.before for each in changes)
    if not ranked:
        return []
    return [ranked[(len(ranked) * tenth - 1) // PARTS] for tenth in range(1, PARTS)]


def tier_moves(stands: Replay, new: Replay, at: int) -> dict[str, int]:
    """Members by how their tier differs at an instant."""
    programs = [replay.programs.at(at) for replay in (stands, new)]
    moves: Counter[str] = Counter()
    if all(program.tiers is None for program in programs):
        return {}
    for member in (stands.members.keys() & new.members.keys()) - stands.became.keys():
        was, will = (
            tier_at(program, program_state_of(replay.members[member]), at)
            for program, replay in zip(programs, (stands, new), strict=True)
        )
        if was != will:
            moves[f"{was or 'none'} -> {will or 'none'}"] += 1
    return dict(sorted(moves.items()))


def parts_of_entry(earned: Entry, details: Details, program: Program) -> dict[str, int]:
    """What gave an order's points, by name, in grains; plain programs have one part."""
    if not details.parts:
        return {"base": earned.points * GRAIN}
    unit = 1 if program.plan.carries else GRAIN
    return {name: n * unit for name, n in details.parts}


def differing(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """The parts that an order has more or less of."""
    return [name for name in before.keys() | after.keys() if before.get(name, 0) != after.get(name, 0)]


def value_of(points: int, program: Program) -> dict[str, str]:
    """What so many points are worth by currency, where the program says it."""
    return {
        currency: format_amount(half_up(Fraction(points * worth * 10 ** DECIMALS[currency], 1_000_000)), currency)
        for currency, worth in program.value
    }
