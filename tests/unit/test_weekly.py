"""The week's figures of orders, from entries."""

from tests.property.test_recount import PROGRAMS, Told

from laurels.awarding.weekly import _Week
from laurels.program import GRAIN


def test_a_changed_order_is_one_order_of_the_week_and_its_refund_is_taken_off_once() -> None:
    told = Told(120_00)
    told.take(("refund", "shop", "R1", 20_00))
    told.take(("amend", "shop", "", 110_00))
    week = _Week(PROGRAMS, 0, 1_000)
    for entry in told.entries:
        week.take(entry)
    assert (week.named("orders"), week.named("spend")) == ({"GBP": 1}, {"GBP": 90_00})
    assert week.grains["base"] == GRAIN * sum(entry.points for entry in told.entries)
