"""Which entries an export holds, and what it says of them on request."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from laurels.errors import InvalidInput
from laurels.ledger import Ledger
from laurels.model import DocumentKind, Entry, EntryKind
from laurels.model.money import format_amount
from laurels.model.times import parse_written


class ExportFilter(Struct, frozen=True):
    """What was asked for: of which members, of which kinds (none: of all), and between which times, as written."""

    members: frozenset[str]
    kinds: frozenset[EntryKind]
    since: str | None = None
    until: str | None = None

    def filter(self, zone: ZoneInfo) -> Callable[[Entry], bool]:
        """Whether an entry is wanted; times without an offset are read by the clocks of `zone`. Raises
        `InvalidInput`.
        """
        since = None if self.since is None else parse_written(self.since, "--since", zone)
        until = None if self.until is None else parse_written(self.until, "--until", zone)
        if since is not None and until is not None and until <= since:
            raise InvalidInput.of("--until", "must be later than --since")

        def chosen(entry: Entry) -> bool:
            return (
                (not self.members or entry.member_id in self.members)
                and (not self.kinds or entry.kind in self.kinds)
                and (since is None or entry.occurred_at >= since)
                and (until is None or entry.occurred_at < until)
            )

        return chosen


class _Channel(Struct):
    """Just enough of an order's content."""

    channel: str = "web"


async def further_columns(ledger: Ledger, entry: Entry, columns: tuple[str, ...]) -> dict[str, Any]:
    """What the further columns of an entry say. The channel costs a look at the order's content; it is that of the
    order that earned, and empty for what no order earned or whose content is not kept any more.
    """
    amount = None
    if entry.amount is not None and entry.currency is not None:
        amount = format_amount(entry.amount, entry.currency)
    given: dict[str, Any] = {
        "amount": amount,
        "currency": entry.currency,
        "actor": entry.actor,
        "note": entry.note or None,
        "loyalty_id": entry.loyalty_id,
    }
    if "channel" in columns and entry.kind is EntryKind.EARN and entry.source and entry.order_id:
        state = await ledger.document(DocumentKind.ORDER, entry.source, entry.order_id)
        if state is not None and state.content is not None:
            given["channel"] = msgspec.json.decode(state.content, type=_Channel).channel
    return given
