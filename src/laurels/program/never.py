"""What a program says and could never come about: a rate that another takes all lines of, a match that no line fits.

Nothing goes wrong by such a rule, but it does not do what its author meant; so it is refused while somebody looks.
"""

from collections.abc import Iterable

from laurels.program.building import refuse
from laurels.program.rules import LINE_FIELDS, Campaign, Condition, Exclusion, Match, Rate, paths

CATEGORY = LINE_FIELDS.index("category")
TAG = LINE_FIELDS.index("tag")


def check_some_line_fits(path: str, rules: Iterable[Exclusion | Rate | Campaign]) -> None:
    """Raise `ProgramError` for the first rule whose match fits no line. Linear in values and depths of categories."""
    for number, rule in enumerate(rules):
        for wanted in rule.match.conditions:
            for other in rule.match.conditions:
                if other.field == wanted.field and other.negated and not wanted.negated and _within(wanted, other):
                    field = LINE_FIELDS[wanted.field]
                    raise refuse(
                        f"{path}[{number}]", rule.name, f"fits no line: not_{field} leaves out all that {field} names"
                    )


def check_every_rate_is_used(rates: tuple[Rate, ...]) -> None:
    """Raise `ProgramError` for the first rate that an earlier one takes all lines of."""
    for number, rate in enumerate(rates):
        for before in rates[:number]:
            if all(_follows(condition, rate.match) for condition in before.match.conditions):
                raise refuse(
                    f"rates[{number}]", rate.name, f"never used: the rate {before.name} before it fits all its lines"
                )


def check_orders_counted(campaigns: Iterable[Campaign]) -> None:
    """Raise `ProgramError` for the first campaign that asks for an order by two numbers that never are the same."""
    for number, campaign in enumerate(campaigns):
        nth, every = campaign.where.nth_order, campaign.where.every_nth_order
        if nth is not None and every is not None and nth % every:
            raise refuse(
                f"campaigns[{number}].where",
                campaign.name,
                f"order {nth} is none of every {every} orders: say one of both",
            )


def _follows(condition: Condition, match: Match) -> bool:
    """Whether every line that a match fits meets a condition; where that cannot be told, not."""
    same = [each for each in match.conditions if each.field == condition.field]
    for each in same:
        if not condition.negated and not each.negated and _within(each, condition):
            return True
        if condition.negated and each.negated and _within(condition, each):
            return True
        if condition.negated and not each.negated and condition.field != TAG and _apart(each, condition):
            return True
    return False


def _within(inner: Condition, outer: Condition) -> bool:
    """Whether what has one of the inner values has one of the outer."""
    return all(not outer.values.isdisjoint(_wider(value, inner.field)) for value in inner.values)


def _apart(one: Condition, other: Condition) -> bool:
    """Whether nothing has a value of each."""
    return all(
        here.values.isdisjoint(_wider(value, here.field))
        for here, there in ((one, other), (other, one))
        for value in there.values
    )


def _wider(value: str, field: int) -> Iterable[str]:
    """The values that what has this one has: a category's are all that hold it."""
    return paths(value) if field == CATEGORY else (value,)
