"""The runs that every `make test` repeats, in parts of a few seconds."""

from tests.simulation.simulation import Run

SEEDS = 2000
PART = 100


def play_part(first: int) -> None:
    """Play `PART` runs from this seed on; each must keep every promise."""
    for seed in range(first, first + PART):
        Run(seed).play()
