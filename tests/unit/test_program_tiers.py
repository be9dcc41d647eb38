"""A late order earns by the tier that stood at its moment, by what was known then: whoever bought, returned or was
promoted meanwhile.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.conformance.book import Book
from tests.conformance.toml_text import toml_text

from laurels.errors import ProgramError
from laurels.program import Program, check_counted, parse_program

LEVELS = [{"name": "blue", "reach": 0}, {"name": "gold", "reach": 100, "multiply": "2"}]
PROGRAM: dict[str, Any] = {
    "version": 1,
    "rates": [{"name": "all", "points": 1, "per": {"GBP": "1.00"}}],
    "tiers": {"levels": LEVELS},
}

SPEND: dict[str, Any] = {"counts": "spend", "levels": LEVELS}


def bought(book: Book, at: str, total: str, occurred: str | None = None) -> int:
    """The points of an order."""
    step = {"do": "order", "at": at, "order": f"{at} {occurred}", "total": total}
    points: int = book.step(step | ({"occurred": occurred} if occurred else {}))["points"]
    return points


@pytest.mark.parametrize("between", [True, False])
def test_a_tier_that_fell_with_the_year_is_not_found_by_a_late_order_whoever_came_between(between: bool) -> None:
    book = Book.of([PROGRAM])
    bought(book, "2026-11-03T10:00:00Z", "100.00")
    assert bought(book, "2027-11-03T10:00:00Z", "10.00") == 20
    if between:
        bought(book, "2028-06-01T10:00:00Z", "1.00")
    assert bought(book, "2028-07-01T10:00:00Z", "10.00", occurred="2028-03-01T10:00:00Z") == 10
    assert bought(book, "2028-07-01T10:00:00Z", "10.00", occurred="2027-12-31T10:00:00Z") == 20


def test_a_tier_given_by_hand_does_not_reach_back() -> None:
    book = Book.of([PROGRAM])
    bought(book, "2026-11-03T10:00:00Z", "1.00")
    book.step({"do": "grant", "at": "2026-11-10T10:00:00Z", "tier": "gold", "until": "2026-11-20T00:00:00Z"})
    assert bought(book, "2026-11-11T10:00:00Z", "10.00", occurred="2026-11-09T10:00:00Z") == 10
    assert bought(book, "2026-11-25T10:00:00Z", "10.00") == 10
    assert bought(book, "2026-11-26T10:00:00Z", "10.00", occurred="2026-11-11T10:00:00Z") == 20
    assert bought(book, "2026-11-26T10:00:00Z", "10.00", occurred="2026-11-21T10:00:00Z") == 10


def test_a_new_versions_levels_hold_from_when_it_does() -> None:
    harder = [LEVELS[0], LEVELS[1] | {"reach": 1000}]
    later = PROGRAM | {"version": 2, "from": datetime(2026, 12, 1, tzinfo=UTC), "tiers": {"levels": harder}}
    book = Book.of([PROGRAM, later])
    bought(book, "2026-11-03T10:00:00Z", "100.00")
    bought(book, "2026-12-20T10:00:00Z", "1.00")
    assert bought(book, "2026-12-21T10:00:00Z", "10.00", occurred="2026-12-10T10:00:00Z") == 10
    assert bought(book, "2026-12-21T10:00:00Z", "10.00", occurred="2026-11-30T10:00:00Z") == 20


def read(**more: Any) -> Program:
    return parse_program(toml_text({key: value for key, value in (PROGRAM | more).items() if value is not None}))


def test_what_counts_is_counted_on_in_its_unit() -> None:
    points, spend, none = read(), read(tiers=SPEND), read(tiers=None)
    euros = read(tiers=SPEND, rates=[{"name": "all", "points": 1, "per": {"EUR": "1.00"}}])
    bonuses = read(tiers={"counts": "points", "levels": LEVELS})
    for program, before in ((points, []), (spend, [none]), (bonuses, [points, none]), (spend, [points, spend])):
        check_counted(program, before)
    for program, before in ((spend, [points]), (spend, [points, none]), (points, [spend]), (euros, [spend])):
        with pytest.raises(ProgramError, match=r"tiers\.counts: must stay in "):
            check_counted(program, before)
