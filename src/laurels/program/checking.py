"""What a program may not say, since a refund could give points, or nobody could tell what it means.

What an order earns must never rise when less of it is kept: then any split of a refund takes back exactly what was
earned. It is built of parts that only rise with what is kept; a part that would not is refused here.
"""

from collections.abc import Iterable
from typing import Protocol

from laurels.errors import ProgramError
from laurels.model.money import format_amount
from laurels.program.building import refuse, seen_as
from laurels.program.grains import MILLI, divides
from laurels.program.never import check_every_rate_is_used, check_orders_counted, check_some_line_fits
from laurels.program.rules import Campaign, Exclusion, Group, Rate, Rounding, Tiers

RESERVED = ("base", "cap")
"""Names of parts that no bonus may bear; so are those that begin with `tier `."""


class Rules(Protocol):
    """What is checked of a program."""

    @property
    def exclude(self) -> tuple[Exclusion, ...]: ...  # noqa: D102
    @property
    def not_payable(self) -> tuple[Exclusion, ...]: ...  # noqa: D102
    @property
    def rates(self) -> tuple[Rate, ...]: ...  # noqa: D102
    @property
    def groups(self) -> tuple[Group, ...]: ...  # noqa: D102
    @property
    def campaigns(self) -> tuple[Campaign, ...]: ...  # noqa: D102
    @property
    def tiers(self) -> Tiers | None: ...  # noqa: D102


def check_rules(rules: Rules, rounding: Rounding) -> None:
    """Raise `ProgramError` for the first thing that a program may not say."""
    _check_names(rules.campaigns, rules.groups)
    _check_groups(rules.campaigns, rules.groups)
    _check_currencies(rules.campaigns, rules.rates)
    _check_where(rules.campaigns, rules.tiers)
    for path, matching in (
        ("basis.exclude", rules.exclude),
        ("basis.not_payable", rules.not_payable),
        ("rates", rules.rates),
        ("campaigns", rules.campaigns),
    ):
        check_some_line_fits(path, matching)
    check_every_rate_is_used(rules.rates)
    check_orders_counted(rules.campaigns)
    if rounding.to == "carry":
        if rounding.at != "order":
            raise ProgramError('rounding.at: carry keeps what is left of a whole order; say at = "order"')
        _check_grains(rules)
    if rules.tiers is not None and rules.tiers.counts == "spend":
        named = {currency for rate in rules.rates for currency, _ in rate.per}
        if len(named) > 1:
            raise ProgramError(
                f"tiers.counts: spend in more than one currency ({', '.join(sorted(named))}) does not add up"
            )


def _check_names(campaigns: Iterable[Campaign], groups: Iterable[Group]) -> None:
    taken: set[str] = set()
    for path, names in (("groups", [each.name for each in groups]), ("campaigns", [each.name for each in campaigns])):
        for number, name in enumerate(names):
            at = f"{path}[{number}]"
            if seen_as(name) in taken:
                raise refuse(at, name, "the name is used twice")
            if name in RESERVED or name.startswith("tier "):
                raise refuse(at, name, "the name is that of a part of its own")
            taken.add(seen_as(name))


def _check_groups(campaigns: Iterable[Campaign], groups: Iterable[Group]) -> None:
    scopes = {group.name: group.scope for group in groups}
    used = set()
    for number, campaign in enumerate(campaigns):
        at, name = f"campaigns[{number}]", campaign.name
        if campaign.group is None:
            continue
        used.add(campaign.group)
        if campaign.group not in scopes:
            raise refuse(at, name, f"no group {campaign.group}")
        if campaign.caps is not None or campaign.budget is not None:
            raise refuse(at, name, "caps and budgets of an exclusive group belong to the group")
        if scopes[campaign.group] == "line" and (
            campaign.multiply is None
            or campaign.points is not None
            or campaign.per_unit is not None
            or campaign.spend_min
            or campaign.units_min
            or campaign.order_cap is not None
        ):
            raise refuse(at, name, "a group by line takes multipliers without thresholds or caps of their own")
    for number, group in enumerate(scopes):
        if group not in used:
            raise refuse(f"groups[{number}]", group, "no campaign is in it")


def _check_currencies(campaigns: Iterable[Campaign], rates: tuple[Rate, ...]) -> None:
    if any(rate.per_quantity is not None for rate in rates):
        return  # a rate by quantity takes any currency
    named = {currency for rate in rates for currency, _ in rate.per}
    for number, campaign in enumerate(campaigns):
        for key, amounts in (("spend_min", campaign.spend_min), ("where.total_max", campaign.where.total_max)):
            for currency, _ in amounts:
                if currency not in named:
                    raise refuse(f"campaigns[{number}].{key}", campaign.name, f"no rate names {currency}")


def _check_where(campaigns: Iterable[Campaign], tiers: Tiers | None) -> None:
    known = {level.name for level in tiers.levels} if tiers is not None else set()
    for number, campaign in enumerate(campaigns):
        if unknown := sorted(campaign.where.tier - known):
            raise refuse(f"campaigns[{number}].where.tier", campaign.name, f"no tier {unknown[0]}")


def _check_grains(rules: Rules) -> None:
    times = {MILLI} | {campaign.multiply - MILLI for campaign in rules.campaigns if campaign.multiply}
    times |= {level.multiply - MILLI for level in rules.tiers.levels} if rules.tiers is not None else set()
    for number, rate in enumerate(rules.rates):
        for currency, per in rate.per:
            if not all(divides(rate.points, per, each) for each in times):
                amount = format_amount(per, currency)
                raise refuse(
                    f"rates[{number}]",
                    rate.name,
                    f"{currency} {amount} does not divide into grains of a point; carry cannot keep it",
                )
