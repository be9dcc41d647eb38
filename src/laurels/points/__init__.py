"""Points that no order gives or takes: corrections by people, spending, and spent points that come back. Each is
settled at once, whichever call it comes by.
"""

from laurels.points.points import SHOP, Points, own_circles
from laurels.points.pools import MOST_MEMBERS, PoolRedemption, Pools

__all__ = ["MOST_MEMBERS", "SHOP", "Points", "PoolRedemption", "Pools", "own_circles"]
