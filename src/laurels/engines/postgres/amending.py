"""Changes of orders that are not awarded yet: such an order is awarded as it was changed last.

Accepting takes no shard's lock, so it cannot know what is being awarded at that moment; whoever awards, does. A change
that comes with its order, or behind it, waits for it, and an order in quarantine is judged again when a change comes.
"""

from collections.abc import Collection, Sequence

from laurels.engines.postgres.codes import home_of
from laurels.engines.postgres.statements import Statements
from laurels.ledger import Item, OrderKey
from laurels.model import DocumentKind

REASON = "the order is not awarded yet"


async def judge_again(db: Statements, orders: Collection[OrderKey], now: int) -> list[int]:
    """Take orders out of quarantine that a change has come for; gives the shards whose inboxes they are in now."""
    if not orders:
        return []
    keys = sorted(orders)
    homes = [home_of(DocumentKind.ORDER, *key) for key in keys]
    sources, ids = [source for source, _ in keys], [id for _, id in keys]
    return [row[0] for row in await db.all("judge_again", homes, sources, ids, now)]


async def let_wait(db: Statements, shard: int, changes: list[int], now: int) -> None:
    """Let changes of orders that are about to be judged wait for them."""
    if changes:
        await db.run("set_aside", shard, changes, [b"w"] * len(changes), [REASON] * len(changes), now)


def changed_by(items: Sequence[Item]) -> set[OrderKey]:
    """The orders that are changed."""
    changes = (item.order_key for item in items if item.kind is DocumentKind.AMENDMENT)
    return {key for key in changes if key is not None}
