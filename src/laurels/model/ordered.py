"""What entries say of orders, net: of what was ordered, what is left."""

from typing import NamedTuple

from laurels.model.details import Details
from laurels.model.entries import Entry, EntryKind


class Ordered(NamedTuple):
    """Orders of which something is left, what is left of them in minor units, and their points; or what one entry
    changes in that.
    """

    orders: int = 0
    spend: int = 0
    points: int = 0


def ordered(entry: Entry) -> Ordered:
    """What an entry changes. A changed order is taken back and earned anew, its refunds too: only net it counts once.
    Points that remainders make at a merge are of no order.
    """
    amount = entry.amount or 0
    if entry.kind is EntryKind.EARN and entry.currency is not None:
        return Ordered(int(amount > 0), amount, entry.points)
    if entry.kind is not EntryKind.REVERSE:
        return Ordered()
    said = Details.decode(entry.details)
    if said.beyond:
        return Ordered(0, 0, entry.points)
    spend = amount if said.cancelled else -amount
    if entry.order_id is None or said.left is None:
        return Ordered(0, spend, entry.points)
    return Ordered(int(said.left + spend > 0) - int(said.left > 0), spend, entry.points)
