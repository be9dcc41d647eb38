"""The arithmetic of an award in the native core, where it is installed: the same numbers in a tenth of the time.

What a program asks beyond lines is answered here in Python, as `applying` does it; groups, tiers and every refund stay
there. `applying.apply` and `basket.nets` say what has to come out.
"""

from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from laurels.model.currencies import DECIMALS
from laurels.program.applying import Applied, Grouped, Moment
from laurels.program.grains import GRAIN, MILLI
from laurels.program.plan import Plan, Run

if find_spec("laurels_core") is not None:
    import laurels_core as core
else:
    core = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from laurels.program.program import Program


def judge(  # noqa: PLR0917 - an order's columns
    moment: Moment,
    weighed: list[int],
    quantity: list[int],
    rates: list[int],
    hits: list[tuple[int, ...]],
    paid: tuple[int, int] | None,
) -> tuple[tuple[int, ...], Applied, Grouped] | None:
    """Each line's net, the campaigns that apply to an order, and those of groups with their lines. `weighed`,
    `quantity`, `rates` and `hits` are of its lines. None where the core cannot, or is not there.
    """
    basket, plan = moment.basket, moment.program.plan
    currency = basket.currency
    table = plan.of_core[currency] if currency in plan.of_core else _learn(moment.program, currency)
    if table is None:
        return None
    try:
        judged = table.judge(
            plan.stretch(basket.occurred_at),
            basket.total,
            10 ** (12 - DECIMALS[currency]),
            weighed,
            quantity,
            rates,
            hits,
            paid,
            moment.applies,
            moment.rooms.of,
        )
    except OverflowError:  # figures beyond what the core can hold, which no shop has
        return None
    if judged is None:
        return None
    net, base, whole, parts, limited, bound, written, grouped = judged
    return net, Applied(base, whole, parts, limited, bound, [written]), grouped


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
                units=units, over=over, rounding=plan.to, grain=GRAIN, names=plan.names, running=running
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
