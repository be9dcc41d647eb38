"""The runs that every `make test-all` repeats, in parts of a few seconds; a tenth of them in every `make test`."""

import pytest
from tests.simulation.simulation import Run

SEEDS = 2000
PART = 100
ONE_OF = 10
"""How many parts there are for each that `make test` plays."""


def parts(first: int, end: int) -> list[object]:
    """The first seeds of the parts from `first` to before `end`, as a test's parameters."""
    starts = range(first, end, PART)
    return [pytest.param(start, marks=[pytest.mark.long] if n % ONE_OF else []) for n, start in enumerate(starts)]


def play_part(first: int) -> None:
    """Play `PART` runs from this seed on; each must keep every promise."""
    for seed in range(first, first + PART):
        Run(seed).play()
