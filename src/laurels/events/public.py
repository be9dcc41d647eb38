"""What an event says of an entry."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.ledger import Heads, Passed
from laurels.model import Entry, EntryKind
from laurels.model.times import format_instant

PointKind = Literal["earn", "reverse", "adjust", "redeem", "expire", "restore", "merge", "transfer", "milestone"]
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
    """One entry that moves points, or a milestone that it passed. The same `id` and `epoch` are the same event, however
    often it comes, and the same event has always the same.
    """

    id: Annotated[
        str,
        Meta(description="the entry's id, as `loyaltyId` elsewhere; a milestone's ends in `-1` …", examples=["0-4711"]),
    ]
    epoch: Annotated[
        int, Meta(description="in which the entry was written: after a restore, ids begin anew under another epoch")
    ]
    kind: PointKind
    member_id: Annotated[str | None, Meta(description="null once the member was erased", examples=["17850"])]
    points: Annotated[int, Meta(description="what the balance changed by; 0 for a milestone", examples=[3])]
    milestone: Annotated[str | UnsetType, Meta(description="which one was passed, once for ever")] = UNSET
    quiet: Annotated[bool | UnsetType, Meta(description="no mail is sent for the milestone")] = UNSET
    score: Annotated[int | UnsetType, Meta(description="the member's points on the board with which it was")] = UNSET
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


def events_of(entries: Iterable[Entry], passed: Iterable[Passed], heads: Heads) -> Iterator[tuple[Entry, Event]]:
    """The events among entries of a shard, each with its entry: those that move points, and each followed by the
    milestones that it `passed`. `heads` say which epoch each is of.
    """
    by_position: dict[int, list[Passed]] = {}
    for each in passed:
        by_position.setdefault(each.position, []).append(each)
    for entry in entries:
        if entry.kind not in _KINDS:
            continue
        event = event_of(entry, heads.epoch_of(entry.shard, entry.position))
        yield entry, event
        for number, each in enumerate(by_position.get(entry.position, ()), 1):
            yield entry, _milestone_of(event, number, each)


def _milestone_of(event: Event, number: int, passed: Passed) -> Event:
    """A milestone that the entry of an event passed, the so many-th of those."""
    return Event(
        id=f"{event.id}-{number}",
        epoch=event.epoch,
        kind="milestone",
        member_id=event.member_id,
        points=0,
        milestone=passed.milestone,
        score=passed.points,
        quiet=passed.quiet or UNSET,
        program_version=event.program_version,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
    )
