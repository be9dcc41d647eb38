"""The market that a member's points count in: a currency."""

from collections.abc import Iterable

from laurels.model.details import merge_details
from laurels.model.entries import Entry, EntryKind


def market_after(market: str, entry: Entry) -> str:
    """A member's market after an entry of its own: the currency that this one names. As long as none did, it is that of
    the first who became this member and had one: points that a merger moves stay in their currency. "" for none.
    """
    if entry.currency is not None:
        return entry.currency
    if not market and entry.kind is EntryKind.MERGE and entry.details is not None:
        return merge_details(entry.details).market
    return market


def market_of(entries: Iterable[tuple[str | None, bytes | None]]) -> str:
    """The same after all entries of a member, given as currency and details of those that name one and of mergers,
    newest first.
    """
    market = ""
    for currency, details in entries:
        if currency is not None:
            return currency
        if details is not None:
            market = merge_details(details).market or market
    return market
