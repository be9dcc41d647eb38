"""Half of the runs that every `make test` repeats: a file each, so that two workers share them."""

import pytest
from tests.simulation.seeds import PART, SEEDS, play_part


@pytest.mark.parametrize("first", range(SEEDS // 2, SEEDS, PART))
def test_every_promise_is_kept(first: int) -> None:
    play_part(first)
