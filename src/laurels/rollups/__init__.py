"""Roll-ups: reports of years from some thousand rows, kept by following the feed.

They are a view, as boards are: what they say follows from the entries alone, so they may be thrown away and made anew,
and `verify` holds them against the entries.
"""

from laurels.rollups.checking import roll_up_findings
from laurels.rollups.days import Days, format_period, parse_day
from laurels.rollups.falling_due import look_at_due
from laurels.rollups.folding import ACTIVE_DAY, ACTIVE_MONTH, FIRST, GAVE, GONE, ORDERED, fold, scheme_of
from laurels.rollups.following import RollingUp
from laurels.rollups.movement import KINDS, Movement, MovementLine, movement
from laurels.rollups.orders import OrdersOf, amount_in, first_ordered, not_counted, orders_of
from laurels.rollups.worth import in_major_units

__all__ = [
    "ACTIVE_DAY",
    "ACTIVE_MONTH",
    "FIRST",
    "GAVE",
    "GONE",
    "KINDS",
    "ORDERED",
    "Days",
    "Movement",
    "MovementLine",
    "OrdersOf",
    "RollingUp",
    "amount_in",
    "first_ordered",
    "fold",
    "format_period",
    "in_major_units",
    "look_at_due",
    "movement",
    "not_counted",
    "orders_of",
    "parse_day",
    "roll_up_findings",
    "scheme_of",
]
