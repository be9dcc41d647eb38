"""Half of the runs that every `make test-all` repeats: a file each, so that two workers share them."""

import pytest
from tests.simulation.seeds import SEEDS, parts, play_part


@pytest.mark.long
@pytest.mark.parametrize("first", parts(SEEDS // 2, SEEDS))
def test_every_promise_is_kept(first: int) -> None:
    play_part(first)
