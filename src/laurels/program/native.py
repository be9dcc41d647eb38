"""The arithmetic of an award in the native core, where it is installed: the same numbers in a tenth of the time.

What a program asks beyond lines is answered here in Python, as `applying` does it; groups, tiers and every refund stay
there. `applying.apply` and `basket.nets` say what has to come out.
"""

from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from laurels.model.currencies import DECIMALS
from laurels.program.applying import Applied, Grouped, Moment
from laurels.program.basket import BasketLine
from laurels.program.grains import GRAIN, MILLI
from laurels.program.plan import Plan, Run

if find_spec("laurels_core") is not None:
    import laurels_core as core
else:
    core = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from laurels.program.program import Program


class Judged(NamedTuple):
    """What the core makes of an order: columns of its lines as a frame has them, and the campaigns that apply to it;
    those of groups apart, with their lines.
    """

    quantity: tuple[int, ...]
    rate: tuple[int, ...]
    net: tuple[int, ...]
    applied: Applied
    grouped: Grouped


def judge(moment: Moment, lines: tuple[BasketLine, ...], paid: tuple[int, int] | None) -> Judged | None:
    """What an order's lines and campaigns come to. None where the core cannot, or is not there."""
    basket, plan = moment.basket, moment.program.plan
    currency = basket.currency
    table = plan.of_core[currency] if currency in plan.of_core else _learn(moment.program, currency)
    if table is None:
        return None
    region = basket.region if plan.by_region else None
    try:
        judged = table.judge(
            plan.stretch(basket.occurred_at),
            basket.total,
            10 ** (12 - DECIMALS[currency]),
            lines,
            region,
            plan.class_of,
            paid,
            moment.applies,
            moment.rooms.of,
        )
    except OverflowError:  # figures beyond what the core can hold, which no shop has
        return None
    if judged is None:
        return None
    quantity, rate, net, base, whole, parts, limited, bound, written, grouped = judged
    return Judged(quantity, rate, net, Applied(base, whole, parts, limited, bound, [written]), grouped)


def _learn(program: "Program", currency: str) -> "core.Bonuses | None":
    """A version's rates and campaigns in one currency, for the core; None where its rules are others."""
    plan = program.plan
    table = None
    by_quantity = any(rate.per_quantity is not None for rate in plan.rates)
    if hasattr(core, "Bonuses") and program.tax == "included" and program.at == "order" and not by_quantity:
        units, over = plan.units(currency)
        running = [[_campaign(plan, run, currency) for run in stretch] for stretch in plan.stretches]
        with suppress(OverflowError):  # rates so fine that they have no common denominator of 64 bits
            table = core.Bonuses(
                units=units,
                over=over,
                rounding=plan.to,
                grain=GRAIN,
                names=plan.names,
                running=running,
                by_sku=plan.by_sku,
            )
    plan.of_core[currency] = table
    return table


def _campaign(plan: Plan, run: Run, currency: str) -> "core.CampaignTuple":
    number, match, asks, group, limited, _, head = run
    rule = plan.campaigns[number]
    return (
        number,
        match,
        asks,
        group is not None,
        limited,
        (rule.multiply or MILLI) - MILLI,
        rule.points or 0,
        rule.per_unit or 0,
        dict(rule.spend_min).get(currency, -1) if rule.spend_min else None,
        rule.units_min,
        rule.order_cap,
        head,
    )
