"""Any number of runs, from the seed of the run on: `make soak` gives this its share of the minutes."""

import time
from collections import Counter

import pytest
from tests.simulation.simulation import Run

pytestmark = pytest.mark.soak


def test_every_promise_is_kept_for_long(seed: int, soak_seconds: float, figures: Counter[str]) -> None:
    until = time.monotonic() + soak_seconds
    while time.monotonic() < until:
        Run(seed).play()
        seed += 1
        figures["seeds simulated"] += 1
