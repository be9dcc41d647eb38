"""Reading events off the feed of a shard."""

from laurels.errors import LedgerUnavailable
from laurels.events.public import Event, events_of
from laurels.ledger import Heads, Ledger
from laurels.model import Entry, Mark


async def read_events(
    ledger: Ledger, shard: int, after: Mark, limit: int, heads: Heads
) -> tuple[list[Entry], list[tuple[Entry, Event]]]:
    """The entries behind a mark, at most `limit`, and the events among them, each with its entry. `heads` were read
    before. Raises `FeedDiverged`, and `LedgerUnavailable`, also where another epoch began meanwhile: nobody knows of
    which one these are.
    """
    entries = await ledger.feed(shard, after, limit)
    if not entries:
        return [], []
    passed = await ledger.passed(shard, entries[0].position - 1, entries[-1].position)
    if (await ledger.heads()).epoch != heads.epoch:
        raise LedgerUnavailable("The ledger's server is another one since just now. Try again.")
    return entries, list(events_of(entries, passed, heads))
