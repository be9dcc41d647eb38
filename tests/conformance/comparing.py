"""What a worked case expects of a step, held against what came of it."""

from typing import Any


def check_step(case: dict[str, Any], number: int, step: dict[str, Any], got: dict[str, Any], *, plain: bool) -> None:
    """Raise `AssertionError` where a step's result is not what its case expects; a reason has to hold the words."""
    for key, want in step.get("expect", {}).items():
        here = f"{case['id']} step {number}: {key} of {got}"
        if key in {"why", "refused"}:
            assert words(want, plain=plain) in str(got.get(key, "")), here
            assert bool(want) == bool(got.get(key)), here
        else:
            assert got.get(key) == want, here


def words(text: str, *, plain: bool) -> str:
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
