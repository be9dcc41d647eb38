"""The worked cases of the program in depth, played against the pure functions."""

from typing import Any

import pytest
from tests.conformance import oracle
from tests.conformance.book import Book
from tests.conformance.comparing import check_step

TABLE = oracle.cases()


def test_all_cases_are_there() -> None:
    assert len(TABLE["case"]) >= 79
    assert sum(len(step.get("expect", {})) for case in TABLE["case"] for step in case["steps"]) >= 358


@pytest.mark.parametrize("case", TABLE["case"], ids=[case["id"] for case in TABLE["case"]])
def test_a_worked_case(case: dict[str, Any]) -> None:
    book = Book.of(TABLE["programs"][case["program"]])
    for number, step in enumerate(case["steps"], 1):
        got = book.step(step)
        check_step(case, number, step, got, plain=book.programs[0].plain)
