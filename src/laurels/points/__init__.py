"""Points that no order gives or takes: corrections by people, spending, and spent points that come back. Each is
settled at once, whichever call it comes by.
"""

from laurels.points.points import SHOP, Points

__all__ = ["SHOP", "Points"]
