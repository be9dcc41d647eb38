"""What the simulation's tests share."""

import pytest

pytest.register_assert_rewrite("tests.simulation.judge", "tests.simulation.shop", "tests.simulation.simulation")
