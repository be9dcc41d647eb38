"""What a program may say, and may not mean: warnings for who hands it in. Nothing is refused for it."""

from collections.abc import Iterable, Iterator

from laurels.program.grains import MILLI
from laurels.program.never import CATEGORY
from laurels.program.program import Program
from laurels.program.rules import Campaign, Exclusion, Match, Rate

_SHORTEST_MONTH = 28

_PATTERN = frozenset("*?^$")
"""What patterns are written with elsewhere."""


def doubts(program: Program) -> list[str]:
    """Warnings, one line each, with the path and the name. Linear in the program's rules and currencies."""
    return [
        *_of_currencies(program),
        *_of_campaigns(program),
        *_of_tiers(program),
        *_of_reminders(program),
        *_of_categories("basis.exclude", program.exclude),
        *_of_categories("rates", program.rates),
        *_of_categories("campaigns", program.campaigns),
    ]


def _of_currencies(program: Program) -> Iterator[str]:
    named = list(dict.fromkeys(currency for rate in program.rates for currency, _ in rate.per))
    for number, rate in enumerate(program.rates):
        missing = [currency for currency in named if currency not in dict(rate.per)]
        if missing and rate.per_quantity is None:
            yield (
                f"rates[{number}].per ({rate.name}): says nothing of {', '.join(missing)}, so an order in it with such "
                f"a line goes to quarantine"
            )
    for number, campaign in enumerate(program.campaigns):
        for key, amounts in (("spend_min", campaign.spend_min), ("where.total_max", campaign.where.total_max)):
            missing = [currency for currency in named if amounts and currency not in dict(amounts)]
            if missing:
                yield (
                    f"campaigns[{number}].{key} ({campaign.name}): says nothing of {', '.join(missing)}, so orders in "
                    f"it get nothing of this campaign"
                )


def _of_campaigns(program: Program) -> Iterator[str]:
    for number, campaign in enumerate(program.campaigns):
        if campaign.multiply == MILLI and campaign.points is None and campaign.per_unit is None:
            yield f'campaigns[{number}].multiply ({campaign.name}): "1" is what everybody has; it gives nothing'
        if program.from_at is not None and campaign.ends is not None and campaign.ends <= program.from_at:
            yield f"campaigns[{number}].until ({campaign.name}): it is over before this version is in force"
        least = _least_room(campaign)
        if campaign.points is not None and least is not None and least < campaign.points:
            yield (
                f"campaigns[{number}].points ({campaign.name}): nobody gets {campaign.points:,} points, since its caps "
                f"and budget let {least:,} through"
            )


def _least_room(campaign: Campaign) -> int | None:
    caps = campaign.caps
    limits = [campaign.order_cap, campaign.budget]
    if caps is not None:
        limits += [caps.day, caps.month, caps.year, caps.ever]
    return min((limit for limit in limits if limit is not None), default=None)


def _of_tiers(program: Program) -> Iterator[str]:
    levels = program.tiers.levels if program.tiers is not None else ()
    for number in range(1, len(levels)):
        below, level = levels[number - 1], levels[number]
        if level.multiply < below.multiply:
            yield f"tiers.levels[{number}].multiply ({level.name}): gives less than {below.name} below it"


def _of_reminders(program: Program) -> Iterator[str]:
    expiry = program.expiry
    longest = max(expiry.remind_days, default=0)
    if expiry.months and longest > expiry.months * _SHORTEST_MONTH:
        yield f"expiry.remind_days: {longest} days are more than points live, so a mail follows at once"


def _of_categories(path: str, rules: Iterable[Exclusion | Rate | Campaign]) -> Iterator[str]:
    for number, rule in enumerate(rules):
        for value in sorted(_categories(rule.match)):
            if not _PATTERN.isdisjoint(value):
                yield (
                    f"{path}[{number}] ({rule.name}): the category {value} is no pattern; a category means itself and "
                    f"all below it"
                )


def _categories(match: Match) -> set[str]:
    return {value for each in match.conditions if each.field == CATEGORY for value in each.values}
