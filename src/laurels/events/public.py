"""What an event says of an entry."""

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.model import Entry, EntryKind
from laurels.model.times import format_instant

PointKind = Literal["earn", "reverse", "adjust", "redeem", "expire", "restore", "merge", "transfer"]
_KINDS = frozenset(
    {
        EntryKind.EARN,
        EntryKind.REVERSE,
        EntryKind.ADJUST,
        EntryKind.REDEEM,
        EntryKind.EXPIRE,
        EntryKind.RESTORE,
        EntryKind.MERGE,
        EntryKind.TRANSFER,
    }
)


class Event(Struct, frozen=True, kw_only=True):
    """One entry that moves points. The same `id` and `epoch` are the same event, however often it comes."""

    id: Annotated[str, Meta(description="the entry's id, as `loyaltyId` elsewhere", examples=["0-4711"])]
    epoch: Annotated[int, Meta(description="of the ledger: after a restore, ids begin anew under another epoch")]
    kind: PointKind
    member_id: Annotated[str | None, Meta(description="null once the member was erased", examples=["17850"])]
    points: Annotated[int, Meta(description="what the balance changed by", examples=[3])]
    source: str | UnsetType = UNSET
    order_id: str | UnsetType = UNSET
    refund_id: str | UnsetType = UNSET
    program_version: int | UnsetType = UNSET
    occurred_at: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    recorded_at: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


def event_of(entry: Entry, epoch: int) -> Event:
    """An entry as an event. People's words about it are not told."""
    return Event(
        id=entry.loyalty_id,
        epoch=epoch,
        kind=entry.kind.value,  # type: ignore[arg-type]  # one of those that `events_of` lets through
        member_id=entry.member_id,
        points=entry.points,
        source=entry.source or UNSET,
        order_id=entry.order_id or UNSET,
        refund_id=entry.refund_id or UNSET,
        program_version=entry.program_version or UNSET,
        occurred_at=format_instant(entry.occurred_at),
        recorded_at=format_instant(entry.recorded_at),
    )


def events_of(entries: Iterable[Entry], epoch: int) -> list[Event]:
    """The events among entries: those that move points."""
    return [event_of(entry, epoch) for entry in entries if entry.kind in _KINDS]
