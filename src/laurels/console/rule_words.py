"""A campaign's rule in words: what it gives, and when, key by key as the program has it."""

from collections.abc import Iterator, Mapping
from typing import Any

from laurels.console.formats import money
from laurels.console.words import CHANNELS

RULE: Mapping[str, str] = {
    "multiply": "Points of the lines, times",
    "points": "Points for the order",
    "per_unit": "Points for each unit",
    "spend_min": "From a spend of",
    "units_min": "From so many units",
    "days": "On these days",
    "hours": "Between",
    "where.channel": "Ordered by",
    "where.source": "Came from",
    "where.region": "In the region",
    "where.store": "In the store",
    "where.coupon": "With the coupon",
    "where.payment": "Paid by",
    "where.tier": "Of the tier",
    "where.segment": "Of the segment",
    "where.nth_order": "Of a customer's orders, number",
    "where.every_nth_order": "Of a customer's orders, one in",
    "where.birthday_within_days": "Days around the birthday",
    "where.total_max": "Up to a total of",
    "where.referred": "Of who was referred",
    "where.member_for_days": "Customer for days, at least",
    "match.sku": "For articles",
    "match.category": "For categories",
    "match.brand": "For brands",
    "match.kind": "For kinds of lines",
    "match.tag": "For tags",
    "match.not_sku": "Not for articles",
    "match.not_category": "Not for categories",
    "match.not_brand": "Not for brands",
    "match.not_kind": "Not for kinds of lines",
    "match.not_tag": "Not for tags",
    "order_cap": "Points for one order, at most",
    "caps.day": "Points for a customer's day, at most",
    "caps.month": "Points for a customer's month, at most",
    "caps.year": "Points for a customer's year, at most",
    "caps.ever": "Points for a customer ever, at most",
    "group": "One campaign counts of the group",
    "priority": "Comes before others by priority",
    "holdout": "Customers left out by chance",
}
"""What the rule says of a campaign beside its name, time and budget."""

_SAID_ABOVE = frozenset({"name", "from", "until", "budget"})
"""What stands in the campaign's first lines already."""

_BY_CURRENCY = frozenset({"spend_min", "where.total_max"})


def in_lines(rule: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A line for each key, in the rule's order; one that has no words yet is called as it is written."""
    return [(RULE.get(key, key), said) for key, said in _lines(rule) if key not in _SAID_ABOVE]


def _lines(rule: Mapping[str, Any], of: str = "") -> Iterator[tuple[str, str]]:
    for name, value in rule.items():
        key = f"{of}{name}"
        if isinstance(value, Mapping) and key not in _BY_CURRENCY:
            yield from _lines(value, f"{key}.")
        else:
            yield key, _said(key, value)


def _said(key: str, value: Any) -> str:
    """What a key says."""
    if key in _BY_CURRENCY:
        return " or ".join(money(str(amount), currency) for currency, amount in value.items())
    if key == "hours":
        return " and ".join(value)
    if key == "days":
        return ", ".join(day.capitalize() for day in value)
    if key == "where.channel":
        return ", ".join(CHANNELS.get(channel, channel) for channel in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
