"""The market that a member's points count in: a currency."""

from collections.abc import Iterable

from laurels.model.details import market_moved
from laurels.model.entries import Entry, EntryKind

_MOVES = frozenset({EntryKind.MERGE, EntryKind.TRANSFER})


def market_after(market: str, entry: Entry) -> str:
    """A member's market after an entry of its own: the currency that this one names. As long as none did, it is that of
    the first who became this member, or gave it points, and had one: what is moved stays in its currency. "" for none.
    """
    if entry.currency is not None:
        return entry.currency
    if not market and entry.kind in _MOVES and entry.details is not None:
        return market_moved(entry.details)
    return market


def market_of(entries: Iterable[tuple[str | None, bytes | None]]) -> str:
    """The same after all entries of a member, given as currency and details of those that name one, of mergers and of
    transfers, newest first.
    """
    market = ""
    for currency, details in entries:
        if currency is not None:
            return currency
        if details is not None:
            market = market_moved(details) or market
    return market
