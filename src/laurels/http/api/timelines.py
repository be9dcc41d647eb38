"""What happened to a customer's points, newest first, with the balance after each entry and what may be undone."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.clock import DAY
from laurels.errors import InvalidInput, LedgerUnavailable, UnknownMember
from laurels.http.admission.rights import most_points
from laurels.http.api.customers import READ, by_id, by_number, channel_of
from laurels.http.api.undoing import has_lapsed
from laurels.http.routes import Request, Response, route
from laurels.ledger import Customer, TimelineEntry
from laurels.model import Channel, DocumentKind, Entry, EntryKind
from laurels.model.details import Details, adjust_details
from laurels.model.money import format_amount
from laurels.model.times import format_instant
from laurels.model.undoing import UNDO_SOURCE, undo_key

UNDO_FOR = 30 * DAY
"""A correction can be undone for so long."""

MOVING = ("earn", "reverse", "adjust", "redeem", "expire", "restore", "merge")


class TimelineQuery(Struct, forbid_unknown_fields=True):
    """Where to go on, how far, and which kinds alone (with commas between)."""

    before: (
        Annotated[str, Meta(pattern=r"^[0-9]{1,18}:-?[0-9]{1,12}\Z", description="`next` of the last answer")] | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    kinds: Annotated[str, Meta(max_length=100, description=f"of {', '.join(MOVING)}")] = ""


class Undo(Struct, frozen=True):
    """What undoes an entry: `adjust` by the opposite, `restore` what was spent, `cancel_refund`. `points` is what it
    would give or take. The opposite counts once, whoever sends it, with the `Idempotency-Key` `undo:` and the entry's
    `loyaltyId` and the `source` `console`; a correction that was undone so is not offered again, nor one whose points
    lapsed at their day: they would be taken twice, so it is refused (422) who sends it all the same.
    """

    action: str
    points: int


class TimelineRow(Struct, frozen=True, kw_only=True, rename={"loyalty_id": "loyaltyId"}):
    """One entry as colleagues see it. `balance_after` is the balance when it was recorded. `reason` is for colleagues,
    `note` what the customer was told. `channel` is where the order was placed, as long as its document is kept.
    `expires_at` is when the points of a correction lapse, where it said so. `undo` is what this caller may do about it
    now.
    """

    loyalty_id: str
    kind: EntryKind
    points: int
    balance_after: int
    amount: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    channel: Channel | UnsetType = UNSET
    source: str | UnsetType = UNSET
    order_id: str | UnsetType = UNSET
    refund_id: str | UnsetType = UNSET
    redemption_id: str | UnsetType = UNSET
    restored: int | UnsetType = UNSET
    program_version: int | UnsetType = UNSET
    reason: str
    note: str | UnsetType = UNSET
    actor: str | UnsetType = UNSET
    occurred_at: str
    recorded_at: str
    expires_at: str | UnsetType = UNSET
    undo: Undo | UnsetType = UNSET


class TimelineShown(Struct, frozen=True):
    """Entries in the order of recording, newest first. `next` is null at the end. `searched_to` is there where a filter
    found less than was asked for in 2,000 entries: how far back was looked.
    """

    entries: list[TimelineRow]
    next: str | None
    searched_to: str | UnsetType = UNSET


@route(
    "GET",
    "/members/number/{number}/timeline",
    access=READ,
    answers={200: TimelineShown},
    problems=(UnknownMember, LedgerUnavailable),
)
async def show_timeline(request: Request, query: TimelineQuery) -> Response:
    """List what happened to the points of the member with this number, newest first."""
    return Response(200, await _timeline(request, query, await by_number(request)))


@route(
    "GET",
    "/members/{member_id}/timeline",
    access=READ,
    answers={200: TimelineShown},
    problems=(UnknownMember, LedgerUnavailable),
)
async def show_member_timeline(request: Request, query: TimelineQuery) -> Response:
    """List what happened to a member's points, newest first."""
    return Response(200, await _timeline(request, query, await by_id(request)))


async def _timeline(request: Request, query: TimelineQuery, customer: Customer) -> TimelineShown:
    place, _, balance = (query.before or "").partition(":")
    found = await request.services.ledger.timeline(
        customer.number,
        kinds=_kinds(query.kinds),
        before=place or None,
        balance=int(balance) if balance else None,
        limit=query.limit,
    )
    entries = await request.services.programs.worded([each.entry for each in found.entries], request.services.ledger)
    undone = await _undone(request, entries)
    rows = [_row(request, customer, each, entry, undone) for each, entry in zip(found.entries, entries, strict=True)]
    return TimelineShown(
        rows,
        None if found.before is None else f"{found.before}:{found.balance}",
        UNSET if found.searched_to is None else format_instant(found.searched_to),
    )


def _kinds(text: str) -> frozenset[EntryKind]:
    named = [kind for kind in text.split(",") if kind]
    unknown = [kind for kind in named if kind not in MOVING]
    if unknown:
        raise InvalidInput.of("kinds", f"has {unknown[0]!r}: name kinds of {', '.join(MOVING)}")
    return frozenset(EntryKind(kind) for kind in named)


async def _undone(request: Request, entries: Sequence[Entry]) -> frozenset[str]:
    """The keys of the corrections that undid one of these entries."""
    keys = {undo_key(entry.loyalty_id) for entry in entries if entry.kind is EntryKind.ADJUST}
    if not keys or "points:adjust" not in request.caller.scopes:
        return frozenset()
    return frozenset(await request.services.ledger.known_documents(DocumentKind.ADJUSTMENT, UNDO_SOURCE, keys))


def _row(
    request: Request, customer: Customer, found: TimelineEntry, entry: Entry, undone: frozenset[str]
) -> TimelineRow:
    undo = None if undo_key(entry.loyalty_id) in undone else _undo(request, customer, found, entry)
    expires = adjust_details(entry.details).expires_at if entry.kind is EntryKind.ADJUST else None
    has_amount = entry.amount is not None and entry.currency is not None
    channel = channel_of(found)
    return TimelineRow(
        loyalty_id=entry.loyalty_id,
        kind=entry.kind,
        points=entry.points,
        balance_after=found.balance_after,
        amount=format_amount(entry.amount, entry.currency) if has_amount else UNSET,  # type: ignore[arg-type]
        currency=entry.currency or UNSET,
        channel=UNSET if channel is None else channel,
        source=entry.source or UNSET,
        order_id=entry.order_id or UNSET,
        refund_id=entry.refund_id or UNSET,
        redemption_id=found.redemption_id or UNSET,
        restored=found.restored or UNSET,
        program_version=UNSET if entry.program_version is None else entry.program_version,
        reason=entry.reason,
        note=entry.note or UNSET,
        actor=entry.actor or UNSET,
        occurred_at=format_instant(entry.occurred_at),
        recorded_at=format_instant(entry.recorded_at),
        expires_at=UNSET if expires is None else format_instant(expires),
        undo=UNSET if undo is None else undo,
    )


def _undo(request: Request, customer: Customer, found: TimelineEntry, entry: Entry) -> Undo | None:
    """What the caller may do about an entry now."""
    scopes = request.caller.scopes
    if customer.member_id is None or customer.merged_into is not None:
        return None
    if entry.kind is EntryKind.ADJUST and entry.points and "points:adjust" in scopes:
        most = most_points(request.caller, request.services.settings)
        now, programs = request.services.now(), request.services.programs
        is_open = now - entry.recorded_at <= UNDO_FOR and not has_lapsed(entry, programs.at(now), now)
        return Undo("adjust", -entry.points) if is_open and (most is None or abs(entry.points) <= most) else None
    if entry.kind is EntryKind.REDEEM and found.redemption_id is not None and "points:redeem" in scopes:
        left = -entry.points - found.restored
        return Undo("restore", left) if left > 0 else None
    if entry.kind is EntryKind.REVERSE and entry.refund_id is not None and "orders:write" in scopes:
        is_cancel = Details.decode(entry.details).cancelled
        return None if is_cancel or entry.order_id is None else Undo("cancel_refund", -entry.points)
    return None


ROUTES = (show_timeline, show_member_timeline)
