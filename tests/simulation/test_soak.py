"""Any number of runs: `make soak` plays for MINUTES minutes, from the seed SEED on."""

import os
import random
import time

import pytest
from tests.simulation.simulation import Run

pytestmark = pytest.mark.soak


def test_every_promise_is_kept_for_long() -> None:
    minutes = float(os.environ.get("MINUTES") or 5)
    first = seed = int(os.environ.get("SEED") or random.SystemRandom().getrandbits(32))
    print(f"SEED={first} begins here")
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        Run(seed).play()
        seed += 1
    print(f"{seed - first} seeds")
