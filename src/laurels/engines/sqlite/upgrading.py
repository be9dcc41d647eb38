"""What a ledger of version 0.1 lacks is added up from its entries, in the transaction that changes the schema."""

from collections.abc import Iterator
from typing import Any

import apsw
import msgspec

from laurels.errors import SchemaTooOld
from laurels.ledger import Upgrade
from laurels.model.entries import SCORED
from laurels.model.months import Months


def fill(connection: apsw.Connection, upgrade: Upgrade | None) -> None:
    """Fill in where each order's entries are, what was refunded of it, and what members scored by month.

    Costs one pass over the entries, and memory for an object a member and a list an order.
    """
    if connection.execute("SELECT count(*) FROM entry").get == 0:
        return
    text = connection.execute("SELECT text FROM program ORDER BY version LIMIT 1").get
    if upgrade is None or text is None:
        raise SchemaTooOld
    rules = upgrade(text)
    places: dict[tuple[str, str], list[int]] = {}
    refunds: dict[tuple[str, str], list[tuple[str, int]]] = {}
    months: dict[int, Months] = {}
    for place, kind, member, points, amount, source, order_id, refund_id, board_at, recorded_at in _entries(connection):
        if order_id is not None:
            places.setdefault((source, order_id), []).append(place)
            if refund_id is not None:
                refunds.setdefault((source, order_id), []).append((refund_id, amount))
        month = rules.month_of(board_at, recorded_at) if kind in SCORED and points else None
        if month is not None:
            months[member], closing = months.get(member, Months()).plus(month, points)
            for closed, scored in closing:
                connection.execute(
                    "INSERT INTO closed_month VALUES (?, ?, ?) "
                    "ON CONFLICT DO UPDATE SET score = score + excluded.score",
                    (closed, member, scored),
                )
    for key, of_order in places.items():
        connection.execute(
            "UPDATE award SET places = ?, refunded = ? WHERE (source, order_id) = (?, ?)",
            (msgspec.json.encode(of_order), rules.refunded(key[0], refunds[key]) if key in refunds else None, *key),
        )
    for member, scored_in in months.items():
        connection.execute(
            "UPDATE balance SET month = ?, month_score = ?, before_score = ? WHERE member = ?",
            (scored_in.month, scored_in.score, scored_in.before, member),
        )


def _entries(connection: apsw.Connection) -> Iterator[tuple[Any, ...]]:
    return iter(
        connection.execute(
            "SELECT place, kind, member, points, amount, source, order_id, refund_id, board_at, recorded_at "
            "FROM entry ORDER BY place"
        )
    )
