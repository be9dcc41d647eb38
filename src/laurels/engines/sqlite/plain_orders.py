"""Runs of plain orders: the native core judges one, hashes its entries and makes its rows in one call; the statements
that write them are those of every award.

Rules and rows pass through: what an order earns is said by the judge's `PlainOrders`, which no engine reads. What comes
out is what `awarding` writes when Python judged (`tests/property/test_plain_orders.py`).
"""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from laurels.engines.sqlite.chain import Chain
from laurels.engines.sqlite.connection import Database, Row, as_array
from laurels.engines.sqlite.writing import reach
from laurels.ledger import PlainOrders
from laurels.model import DocumentKind

if TYPE_CHECKING:
    import laurels_core as core

FEWEST_ORDERS = 16
"""In a run. What a part of a batch costs beside its documents, its look-ups and statements of their own, is won by so
many.
"""

_ORDER = DocumentKind.ORDER.value


def runs_of(rows: Sequence[Row]) -> list[tuple[bool, list[Row]]]:
    """Rows of `claim_ready` in their order: runs of orders that are long enough (True), and what lies between."""
    runs: list[tuple[bool, list[Row]]] = []
    for is_order, run in groupby(rows, key=lambda row: row[1] == _ORDER):
        of = list(run)
        is_long = is_order and len(of) >= FEWEST_ORDERS
        if runs and not is_long and not runs[-1][0]:
            runs[-1][1].extend(of)
        else:
            runs.append((is_long, of))
    return runs


def award_run(db: Database, chain: Chain, rows: list[Row], rules: PlainOrders) -> list[int] | None:
    """Award a run of orders; gives the place and the sequence of each, one behind the other. None where the core leaves
    them to Python, with nothing written.
    """
    numbers = {row[4] for row in rows}
    if None in numbers or (db.value("newest_program") or 0) > rules.version or _is_awaited(db, rows):
        return None
    members = sorted(numbers)
    totals = db.all("read_balances", as_array(members))
    position, last_hash, before_first = chain.end()
    awarded: core.AwardedTuple | None = rules.core.award(
        rows,
        totals,
        _unjoined(db, members, totals),
        shard=chain.shard,
        before_first=before_first,
        position=position,
        last_hash=last_hash,
        now=chain.now,
    )
    return None if awarded is None else _write(db, chain, awarded, len(rows), len(members))


def _is_awaited(db: Database, rows: Sequence[Row]) -> bool:
    """Whether anything waits for one of these orders."""
    if db.one("anything_waits") is None:
        return False
    return db.one("any_awaited", as_array(row[0] for row in rows)) is not None


def _unjoined(db: Database, members: Sequence[int], totals: Sequence[Row]) -> dict[int, int]:
    """The name numbers of those whose enrolment is not in the feed yet: who has totals is there."""
    if len(totals) == len(members):
        return {}
    known = {row[0] for row in totals}
    found = ((member, db.one("unjoined", member)) for member in members if member not in known)
    return {member: row[0] for member, row in found if row is not None}


def _write(db: Database, chain: Chain, awarded: "core.AwardedTuple", orders: int, members: int) -> list[int]:
    entries, contents, balances, closed, awards, documents, joined, reached, position, last_hash = awarded
    chain.go_on(entries, position, last_hash)
    db.run_many("set_joined", joined)
    db.run_values("insert_content", contents, orders)
    db.run_values("write_balance", balances, members)
    db.run_rows("add_to_closed_month", closed)
    db.run_values("write_award", awards, orders)
    for member, milestone, points, quiet, place in reached:
        reach(db, chain, member, milestone, points, quiet=quiet, place=place)
    return documents
