"""A campaign's rule is told in words, whatever stands in it."""

from typing import Any

import msgspec

from laurels.console.rule_words import RULE, in_lines
from laurels.program.tables import CampaignTable, CapsTable, MatchTable, WhereTable

_ABOVE = {"name", "from", "until", "budget"}
_TABLES = {"where": WhereTable, "match": MatchTable, "caps": CapsTable}


def _keys(table: Any) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(table)}


def test_every_key_of_a_campaign_has_words_of_its_own() -> None:
    nested = {f"{name}.{key}" for name, table in _TABLES.items() for key in _keys(table)}
    assert {*RULE} == _keys(CampaignTable) - _ABOVE - {*_TABLES} | nested
    assert len({*RULE.values()}) == len(RULE)


def test_a_rule_is_told_as_people_say_it() -> None:
    rule = {
        "name": "double dairy",
        "from": "2026-06-01T00:00",
        "multiply": "2",
        "spend_min": {"GBP": "1000.00", "EUR": "1200.00"},
        "days": ["mon", "sun"],
        "hours": ["08:00", "20:00"],
        "where": {"channel": ["mobile", "web"], "nth_order": 1, "referred": True},
        "match": {"not_tag": ["mobile", "mon"]},
        "budget": 4000,
    }
    assert in_lines(rule) == [
        ("Points of the lines, times", "2"),
        ("From a spend of", "1,000.00 GBP or 1,200.00 EUR"),
        ("On these days", "Mon, Sun"),
        ("Between", "08:00 and 20:00"),
        ("Ordered by", "app, web"),
        ("Of a customer's orders, number", "1"),
        ("Of who was referred", "yes"),
        ("Not for tags", "mobile, mon"),
    ]
