"""Whose turn it was at a budget, when documents are judged once more.

Budgets are the one thing that members share. Who used one first is known within a shard alone: two shards may have
written at one instant, or by clocks that differ. What an order's entry says of its room holds then.
"""

from collections.abc import Mapping

from laurels.model import Entry
from laurels.model.details import Details
from laurels.program import GRAIN, Program
from laurels.program.worth import unit_of

NOTHING_ELSE: Mapping[str, int] = {}
"""Budgets are used as it was counted."""


def used_besides(entry: Entry, again: bytes | None, program: Program, counted: Mapping[str, int]) -> Mapping[str, int]:
    """What was used of budgets when an order was judged by a version, beside what is `counted`, in grains; below 0
    where it was less. `again` are the details that came out by what is counted: a part that is as the entry has it
    tells that nothing was.
    """
    budgets = program.plan.budgets
    if not budgets:
        return NOTHING_ELSE
    said, came = Details.decode(entry.details), dict(Details.decode(again).parts)
    bound, unit, besides = dict(said.bound), unit_of(program), dict[str, int]()
    for name, worth in said.parts:
        if name in budgets and came.get(name) != worth:
            left = bound.get(name, worth + 1)  # what was not bound had room for more than it is worth
            besides[name] = budgets[name] * GRAIN - left * unit - counted.get(name, 0)
    return besides
