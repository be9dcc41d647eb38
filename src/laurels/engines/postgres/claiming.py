"""What judging documents needs to know, looked up for all of them at once."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from laurels.engines.postgres.batch import AwardRow, Batch
from laurels.engines.postgres.chain import columns_of
from laurels.engines.postgres.codes import DOCUMENT, DOCUMENT_KINDS, home_of
from laurels.engines.postgres.statements import Row, Statements
from laurels.ledger import Award, Claim, Item, OrderKey, RedemptionKey, RedemptionState, named_by
from laurels.model import DocumentKind
from laurels.model.market import market_of


class BesideOrders(NamedTuple):
    """Whether something waits for one of some orders, and the sequences of their changes in the inbox."""

    waited_for: bool
    changes: list[int]


def item_of(row: Row) -> Item:
    """A row of the claiming queries as an `Item`."""
    sequence, kind, source, id, member, order_source, order_id, accepted_at, content, actor, erased = row[:11]
    return Item(
        sequence=sequence,
        kind=DOCUMENT_KINDS[kind],
        source=source,
        id=id,
        member=member,
        order_key=None if order_id is None else (order_source, order_id),
        accepted_at=accepted_at,
        content=content,
        actor=actor,
        is_erased=erased,
    )


async def look_beside(db: Statements, shard: int, items: Iterable[Item]) -> BesideOrders:
    """What there is beside the orders among these items: one look for all of them, which hardly ever finds anything."""
    keys = _order_keys(items)
    if not keys:
        return BesideOrders(waited_for=False, changes=[])
    found: list[Row] = await db.all("beside_orders", shard, [source for source, _ in keys], [id for _, id in keys])
    changes = [row[0] for row in found if row[0] is not None]
    return BesideOrders(waited_for=bool(found), changes=changes)


async def claim_of(
    db: Statements,
    batch: Batch,
    items: list[Item],
    overdue: Sequence[Item] = (),
    *,
    in_depth: bool = False,
    waited_for: bool = True,
) -> Claim:
    """The claim for documents of one locked shard; in depth also what is used of budgets and what is said of members.
    What the batch knows already is in it too. `waited_for`: something may wait for one of the orders.
    """
    all_items = [*items, *overdue]
    claim = Claim(
        now=batch.chain.now,
        program_version=batch.chain.program_version,
        items=items,
        overdue=list(overdue),
        awards={},
        orders={},
        waiting={},
        members={},
        redemptions={},
    )
    await _look_up_orders(db, batch, claim, all_items)
    if waited_for:
        await _look_up_waiting(db, batch.chain.shard, claim, all_items)
    await _look_up_redemptions(db, batch, claim, all_items)
    for item in all_items:
        if item.kind is DocumentKind.TRANSFER and item.member is not None:
            claim.markets[item.member] = market_of(await db.all("market_entries", batch.chain.shard, item.member))
    await batch.load(db, {item.member for item in all_items if item.member is not None})
    if in_depth or any(item.kind is DocumentKind.GIVEN for item in all_items):
        await batch.budgets.read(db)
        claim.budgets = batch.budgets.standing()
        await batch.load_persons(db)
    claim.members.update({number: kept.state() for number, kept in batch.members.items()})
    return claim


async def _look_up_orders(db: Statements, batch: Batch, claim: Claim, items: Iterable[Item]) -> None:
    named: set[OrderKey] = {
        item.order_key for item in items if item.order_key is not None and item.kind is not DocumentKind.ORDER
    }
    if not named:
        return
    keys = sorted(named)
    homes = [home_of(DocumentKind.ORDER, *key) for key in keys]
    for row in await db.all("orders", homes, [source for source, _ in keys], [id for _, id in keys]):
        key = row["source"], row["id"]
        if row["amount"] is None:
            claim.orders[key] = row["member"]
        else:
            claim.awards[key] = award_of(row)
            batch.award_rows[key] = AwardRow(row["shard"], row["sequence"])


async def _look_up_waiting(db: Statements, shard: int, claim: Claim, items: Iterable[Item]) -> None:
    keys = _order_keys(items)
    if not keys:
        return
    for row in await db.all("claim_waiting", shard, [source for source, _ in keys], [id for _, id in keys]):
        if row["shard"] == shard:
            claim.waiting.setdefault((row["order_source"], row["order_id"]), []).append(item_of(row))


def _order_keys(items: Iterable[Item]) -> list[OrderKey]:
    return [item.order_key for item in items if item.kind is DocumentKind.ORDER and item.order_key is not None]


async def _look_up_redemptions(db: Statements, batch: Batch, claim: Claim, items: Iterable[Item]) -> None:
    keys: list[RedemptionKey] = [
        (item.source, item.id.split("\n")[0]) for item in items if item.kind is DocumentKind.RESTORATION
    ]
    if not keys:
        return
    named = [
        (home_of(kind, source, named), source, DOCUMENT[kind], named, id)
        for source, id in keys
        for kind, named in named_by(id)
    ]
    for row in await db.all("redemptions", *columns_of(named, 5)):
        key = row["source"], row["asked"]
        if key in claim.redemptions:  # a redemption goes before a capture that is named alike
            continue
        claim.redemptions[key] = RedemptionState(
            member=row["member"], points=row["points"], restored=row["restored"], spent=row["spent"]
        )
        batch.redemption_rows[key] = AwardRow(row["shard"], row["sequence"])


def award_of(row: Row) -> Award:
    """A row of `orders` as an `Award`."""
    return Award(
        source=row["source"],
        order_id=row["id"],
        member=row["member"],
        program_version=row["program_version"],
        currency=row["currency"],
        amount=row["amount"],
        left=row["left_amount"],
        points=row["points"],
        reversed=row["reversed"],
        board_at=row["board_at"],
        frame=row["frame"],
        refunded=row["refunded"],
        content=row["content"],
    )
