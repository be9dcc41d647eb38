"""Orders that were changed: by what each had earned before."""

from collections.abc import Iterable, Mapping

from laurels.ledger import Ledger
from laurels.model import Entry, EntryKind
from laurels.model.details import Details

Before = Mapping[str, Entry]
"""What an order earned by its revision before, by the entry (`loyalty_id`) in which it earned anew."""


async def earned_before(ledger: Ledger, entries: Iterable[Entry]) -> Before:
    """For the entries in which a changed order earned anew. What was taken back since may have been all of a part, and
    names it no more, so it is read from the order's entries: a read for each of these, whose cost grows with their
    number.
    """
    before: dict[str, Entry] = {}
    for entry in entries:
        revision = _revision(entry)
        if revision and entry.source is not None and entry.order_id is not None:
            of_order = await ledger.order_entries(entry.source, entry.order_id)
            earlier = [each for each in of_order if each.kind is EntryKind.EARN and _revision(each) < revision]
            if earlier:
                before[entry.loyalty_id] = max(earlier, key=_revision)
    return before


def _revision(entry: Entry) -> int:
    """By which revision of its order an entry earned; 0: by the order as it was placed, or not at all."""
    if entry.kind is not EntryKind.EARN or entry.details is None:
        return 0
    return Details.decode(entry.details).amended or 0
