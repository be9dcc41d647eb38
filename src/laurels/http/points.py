"""A member's points: correct them, spend them, list the entries and the balance."""

import uuid
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from laurels.errors import (
    Conflict,
    InsufficientPoints,
    InvalidInput,
    LedgerUnavailable,
    PointsOutOfRange,
    UnknownMember,
)
from laurels.http.counting import count_accepted
from laurels.http.routes import Access, Answer, Call, route
from laurels.intake import Id
from laurels.ledger import Receipt
from laurels.model import Adjustment, Balance, DocumentKind, Entry, EntryKind, Redemption, Version
from laurels.model.cards import looks_like_card
from laurels.model.entries import MAX_POINTS
from laurels.model.ids import check_id
from laurels.model.times import format_instant

DEFAULT_SOURCE = "shop"
"""Whose circle the redemptions of services are in."""

IDEMPOTENCY_KEY = "Idempotency-Key"

Points = Annotated[int, Meta(ge=-MAX_POINTS, le=MAX_POINTS, description="points to give, or below zero to take")]
Spent = Annotated[int, Meta(ge=1, le=MAX_POINTS, description="points to spend")]
Reason = Annotated[
    str,
    Meta(
        max_length=500,
        pattern=r"^[^\x00-\x1f\x7f]*\Z",
        description="kept, and shown to the member; never a card number",
        examples=["goodwill"],
    ),
]
RedemptionId = Annotated[Id, Meta(description="the same again is answered, not spent twice")]
OWN = Access(("members:read",), members="own")


class AdjustmentForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A correction by a person: points up or down."""

    points: Points = field(name="loyalty-points")
    reason: Reason = ""


class Adjusted(Struct, frozen=True, rename={"loyalty_id": "loyaltyId"}):
    """The entry that was written."""

    loyalty_id: str


class RedemptionForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Points to spend."""

    redemption_id: RedemptionId
    points: Spent
    reason: Reason = ""


class Redeemed(Struct, frozen=True, rename={"loyalty_id": "loyaltyId"}):
    """The entry that was written, and the points that are left."""

    loyalty_id: str
    balance: int


class EntriesQuery(Struct, forbid_unknown_fields=True):
    """Where to go on, and how far."""

    after: Annotated[str, Meta(pattern=r"^[0-9]{1,18}\Z", description="`next` of the last answer")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class ShownEntry(Struct, frozen=True, kw_only=True, rename={"loyalty_id": "loyaltyId"}):
    """One entry, as its member sees it."""

    loyalty_id: str
    kind: EntryKind
    points: int
    order_id: str | UnsetType = UNSET
    reason: str
    occurred_at: str
    recorded_at: str


class Entries(Struct, frozen=True):
    """Entries, newest first. `next` is null at the end."""

    entries: list[ShownEntry]
    next: str | None


class ShownBalance(Struct, frozen=True):
    """Points to spend, points earned over the lifetime, and the version that they are of."""

    balance: int
    earned: int
    as_of: str


@route(
    "POST",
    "/loyalty/{member_id}",
    access=Access(("points:adjust",)),
    answers={201: Adjusted, 200: Adjusted},
    problems=(Conflict, PointsOutOfRange, LedgerUnavailable),
    headers={IDEMPOTENCY_KEY: "an id, as UTF-8; the same again is answered, not done twice"},
)
async def adjust(call: Call, form: AdjustmentForm) -> Answer:
    """Correct a member's points by hand. Who did it is kept. An unknown member is enrolled."""
    _refuse_card(form.reason)
    call.caller.check_source(call.caller.actor)
    adjustment = Adjustment(
        id=_key(call) or str(uuid.uuid4()),
        points=form.points,
        actor=call.caller.actor,
        reason=form.reason,
        member_id=call.ids["member_id"],
    )
    receipt = await call.services.awarder.settle(adjustment.document())
    count_accepted(DocumentKind.ADJUSTMENT, [receipt])
    return Answer(_status(receipt), Adjusted(_entry(receipt).loyalty_id))


@route(
    "POST",
    "/loyalty/{member_id}/redeem",
    access=Access(("points:redeem",), members="own"),
    answers={201: Redeemed, 200: Redeemed},
    problems=(UnknownMember, Conflict, InsufficientPoints, LedgerUnavailable),
)
async def redeem(call: Call, form: RedemptionForm) -> Answer:
    """Spend points. Refused, never cut, where the balance does not cover them."""
    _refuse_card(form.reason)
    member_id = call.ids["member_id"]
    if call.caller.member_id is None:
        source = DEFAULT_SOURCE
        call.caller.check_source(source)
    else:
        source = await _own_source(call, member_id)
    redemption = Redemption(
        source=source,
        redemption_id=form.redemption_id,
        points=form.points,
        reason=form.reason,
        member_id=member_id,
    )
    receipt = await call.services.awarder.settle(redemption.document())
    count_accepted(DocumentKind.REDEMPTION, [receipt])
    entry = _entry(receipt)
    left = await call.services.ledger.balance(member_id)
    return Answer(_status(receipt), Redeemed(entry.loyalty_id, left[0].balance if left else 0))


@route(
    "GET",
    "/loyalty/{member_id}/entries",
    access=OWN,
    answers={200: Entries},
    problems=(UnknownMember, LedgerUnavailable),
)
async def show_entries(call: Call, query: EntriesQuery) -> Answer:
    """List a member's entries, newest first."""
    member_id = call.ids["member_id"]
    before = None if query.after is None else int(query.after)
    entries = await call.services.ledger.entries(member_id, before=before, limit=query.limit + 1)
    if not entries and call.caller.member_id is None and await call.services.ledger.member(member_id) is None:
        raise UnknownMember
    shown, more = entries[: query.limit], len(entries) > query.limit
    return Answer(200, Entries([_shown(entry) for entry in shown], str(shown[-1].position) if more else None))


@route(
    "GET",
    "/loyalty/{member_id}/balance",
    access=OWN,
    answers={200: ShownBalance},
    problems=(UnknownMember, LedgerUnavailable),
)
async def show_balance(call: Call) -> Answer:
    """Tell a member's balance, and what was earned over the lifetime."""
    found = await call.services.ledger.balance(call.ids["member_id"])
    if found is not None:
        return Answer(200, _balance(*found))
    if call.caller.member_id is None:
        raise UnknownMember
    return Answer(200, _balance(Balance(), (await call.services.ledger.heads()).version))


async def _own_source(call: Call, member_id: str) -> str:
    """Each member numbers its own redemptions, so that none can use up, or find out, the ids of others or of the shop.
    The source says the member's number, because the id has to go when the member is erased.
    """
    member = await call.services.ledger.member(member_id)
    if member is None:
        raise InsufficientPoints
    return f"member:{member.number}"


def _key(call: Call) -> str | None:
    sent = call.headers.all(IDEMPOTENCY_KEY.lower().encode())
    if not sent:
        return None
    try:
        return check_id(sent[0].decode("utf-8"), IDEMPOTENCY_KEY)
    except UnicodeDecodeError as error:
        raise InvalidInput.of(IDEMPOTENCY_KEY, "must be UTF-8") from error


def _refuse_card(reason: str) -> None:
    if looks_like_card(reason):
        raise InvalidInput.of("reason", "must not hold a card number: take it out, it would be kept for ever")


def _entry(receipt: Receipt) -> Entry:
    if receipt.conflict:
        raise Conflict
    assert receipt.entry is not None, "what is settled has its entry"
    return receipt.entry


def _status(receipt: Receipt) -> int:
    return 200 if receipt.repeated else 201


def _shown(entry: Entry) -> ShownEntry:
    return ShownEntry(
        loyalty_id=entry.loyalty_id,
        kind=entry.kind,
        points=entry.points,
        order_id=UNSET if entry.order_id is None else entry.order_id,
        reason=entry.reason,
        occurred_at=format_instant(entry.occurred_at),
        recorded_at=format_instant(entry.recorded_at),
    )


def _balance(balance: Balance, version: Version) -> ShownBalance:
    return ShownBalance(balance.balance, balance.earned, str(version))


ROUTES = (adjust, redeem, show_entries, show_balance)
