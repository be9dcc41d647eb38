"""A member's points: correct them, spend them, list the entries and the balance."""

import uuid
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from laurels.awarding import member_at
from laurels.errors import (
    Conflict,
    InsufficientPoints,
    InvalidInput,
    LedgerUnavailable,
    PointsOutOfRange,
    UnknownMember,
)
from laurels.http.admission.rights import check_points
from laurels.http.api.effects import Effect, adjustment_effect, restoration_effect
from laurels.http.routes import Access, Request, Response, route
from laurels.intake import Id, Instant, Source
from laurels.ledger import MemberState, Receipt
from laurels.model import Adjustment, Balance, Entry, EntryKind, Redemption, Restoration, Version
from laurels.model.entries import MAX_POINTS
from laurels.model.ids import check_id
from laurels.model.times import check_occurred, format_instant, parse_instant
from laurels.points import SHOP
from laurels.program import MemberState as State
from laurels.program import Program, format_grains, tier_progress
from laurels.program.local_time import NEVER

IDEMPOTENCY_KEY = "Idempotency-Key"

Amount = Annotated[int, Meta(ge=-MAX_POINTS, le=MAX_POINTS, description="points to give, or below zero to take")]
Spent = Annotated[int, Meta(ge=1, le=MAX_POINTS, description="points to spend")]
Reason = Annotated[
    str,
    Meta(
        max_length=500,
        pattern=r"^[^\x00-\x1f\x7f]*\Z",
        description="why, for colleagues; no member is shown it. Never a card number",
        examples=["goodwill"],
    ),
]
Note = Annotated[
    str,
    Meta(
        max_length=140,
        pattern=r"^[^\x00-\x1f\x7f]*\Z",
        description="what the customer is told; never a card number",
        examples=["Sorry that your parcel came late"],
    ),
]
RedemptionId = Annotated[Id, Meta(description="the same again is answered, not spent twice")]
OWN = Access(("members:read",), members="own")
SPEND = Access(("points:redeem",), members="own")


class AdjustmentForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A correction by a person: points up or down. `board` false: the balance alone, and no board; `quiet`: no mail."""

    points: Amount = field(name="loyalty-points")
    reason: Reason = ""
    note: Note = ""
    board: Annotated[bool, Meta(description="whether it counts on the boards")] = True
    quiet: Annotated[bool, Meta(description="whether no mail is sent for what it reaches")] = False
    occurred_at: Instant | None = None
    source: Source | None = None

    def adjustment(self, id: str, member_id: str, actor: str, now: int) -> Adjustment:
        """The checked adjustment. `now` is what `occurred_at` is held against."""
        at = None if self.occurred_at is None else check_occurred(parse_instant(self.occurred_at, "occurred_at"), now)
        return Adjustment(
            id=id,
            points=self.points,
            actor=actor,
            reason=self.reason,
            note=self.note,
            board=self.board,
            quiet=self.quiet,
            occurred_at=at,
            source=self.source,
            member_id=member_id,
        )


class CheckQuery(Struct, forbid_unknown_fields=True):
    """Whether this only asks what would happen: 1 changes nothing."""

    check: Annotated[int, Meta(ge=0, le=1)] = 0


class Adjusted(Struct, frozen=True, rename={"loyalty_id": "loyaltyId"}):
    """The entry that was written; with `check=1` none is, and `effect` says what would be."""

    loyalty_id: str | UnsetType = UNSET
    effect: Effect | UnsetType = UNSET


class RedemptionForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Points to spend."""

    redemption_id: RedemptionId
    points: Spent
    reason: Reason = ""
    source: Source | UnsetType = UNSET


class RestorationForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Spent points that come back: all that is left of them, or so many. `cancel_id` tells one part from another."""

    cancel_id: Annotated[Id, Meta(description="the same again is answered, not given back twice")] | UnsetType = UNSET
    points: Spent | UnsetType = UNSET
    source: Source | UnsetType = UNSET


class Redeemed(Struct, frozen=True, rename={"loyalty_id": "loyaltyId"}):
    """The entry that was written, and the points that are left; with `check=1` none is, and `effect` says what would
    be.
    """

    loyalty_id: str | UnsetType = UNSET
    balance: int | UnsetType = UNSET
    effect: Effect | UnsetType = UNSET


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
    note: str | UnsetType = UNSET
    occurred_at: str
    recorded_at: str


class Entries(Struct, frozen=True):
    """Entries, newest first. `next` is null at the end."""

    entries: list[ShownEntry]
    next: str | None


class PendingPoints(Struct, frozen=True):
    """Points that cannot be spent before an instant."""

    points: int
    active_at: str


class Expiring(Struct, frozen=True):
    """Points that lapse at an instant, if they are not spent."""

    points: int
    at: str


class ShownTier(Struct, frozen=True):
    """A member's tier; the `next` one, and how much is `missing` to it in this period (points, or an amount)."""

    name: str | None
    next: str | None
    missing: int | None


class ShownBalance(Struct, frozen=True):
    """Points to spend, points earned over the lifetime, and the version that they are of.

    Under a program in depth also: what of the balance is `pending`, `held` and `available`, what is `owed`, what lapses
    when (the next twelve), what is carried below a point by currency, and the tier.
    """

    balance: int
    earned: int
    as_of: str
    pending: list[PendingPoints] | UnsetType = UNSET
    held: int | UnsetType = UNSET
    available: int | UnsetType = UNSET
    owed: int | UnsetType = UNSET
    expiring: list[Expiring] | UnsetType = UNSET
    carried: dict[str, str] | UnsetType = UNSET
    tier: ShownTier | UnsetType = UNSET


@route(
    "POST",
    "/loyalty/{member_id}",
    access=Access(("points:adjust",)),
    answers={201: Adjusted, 200: Adjusted},
    problems=(Conflict, PointsOutOfRange, LedgerUnavailable),
    headers={IDEMPOTENCY_KEY: "an id, as UTF-8; the same again is answered, not done twice"},
)
async def adjust(request: Request, form: AdjustmentForm, query: CheckQuery) -> Response:
    """Correct a member's points by hand. Who did it is kept. An unknown member is enrolled. With `check=1`: tell what
    would happen, and change nothing.
    """
    key = _key(request) or str(uuid.uuid4())
    adjustment = form.adjustment(key, request.ids["member_id"], request.caller.actor, request.services.now())
    request.caller.check_source(adjustment.source or adjustment.actor)
    check_points(request.caller, form.points, request.services.settings)
    if query.check:
        request.services.points.check(adjustment)
        effect = await adjustment_effect(request, form.points, board=form.board, quiet=form.quiet)
        return Response(200, Adjusted(effect=effect), outcome="checked")
    receipt = await request.services.points.adjust(adjustment)
    return Response(_status(receipt), Adjusted(entry_of(receipt).loyalty_id))


@route(
    "POST",
    "/loyalty/{member_id}/redeem",
    access=SPEND,
    answers={201: Redeemed, 200: Redeemed},
    problems=(UnknownMember, Conflict, InsufficientPoints, LedgerUnavailable),
)
async def redeem(request: Request, form: RedemptionForm) -> Response:
    """Spend points. Refused, never cut, where the balance does not cover them."""
    count_move(request)
    member_id = request.ids["member_id"]
    redemption = Redemption(
        source=await circle_of(request, form.source),
        redemption_id=form.redemption_id,
        points=form.points,
        reason=form.reason,
        member_id=member_id,
    )
    receipt = await request.services.points.redeem(redemption, actor_of(request))
    return Response(_status(receipt), Redeemed(entry_of(receipt).loyalty_id, receipt.balance or 0))


@route(
    "POST",
    "/loyalty/{member_id}/redeem/{redemption_id}/cancel",
    access=SPEND,
    answers={201: Redeemed, 200: Redeemed},
    problems=(UnknownMember, Conflict, LedgerUnavailable),
)
async def cancel_redemption(request: Request, form: RestorationForm, query: CheckQuery) -> Response:
    """Give spent points back, whole or in part: the redemption, or that part of it, never was. Boards do not move, and
    no mail is sent. With `check=1`: tell what would happen, and change nothing.
    """
    redemption_id = request.ids["redemption_id"]
    restoration = Restoration(
        source=await circle_of(request, form.source),
        cancel_id=redemption_id if form.cancel_id is UNSET else form.cancel_id,
        redemption_id=redemption_id,
        points=None if form.points is UNSET else form.points,
        member_id=request.ids["member_id"],
    )
    if query.check:
        effect = await restoration_effect(request, restoration)
        return Response(200, Redeemed(effect=effect), outcome="checked")
    count_move(request)
    receipt = await request.services.points.cancel(restoration, actor_of(request))
    return Response(_status(receipt), Redeemed(entry_of(receipt).loyalty_id, receipt.balance or 0))


@route(
    "GET",
    "/loyalty/{member_id}/entries",
    access=OWN,
    answers={200: Entries},
    problems=(UnknownMember, LedgerUnavailable),
)
async def show_entries(request: Request, query: EntriesQuery) -> Response:
    """List a member's entries, newest first."""
    member_id = request.ids["member_id"]
    ledger = request.services.ledger
    entries = await ledger.entries(member_id, before=query.after, limit=query.limit + 1)
    if not entries and request.caller.member_id is None and await request.services.ledger.member(member_id) is None:
        raise UnknownMember
    shown, more = await request.services.programs.worded(entries[: query.limit], ledger), len(entries) > query.limit
    to_member = request.caller.member_id is not None
    listed = [_shown(entry, to_member=to_member) for entry in shown]
    return Response(200, Entries(listed, shown[-1].cursor if more else None))


@route(
    "GET",
    "/loyalty/{member_id}/balance",
    access=OWN,
    answers={200: ShownBalance},
    problems=(UnknownMember, LedgerUnavailable),
)
async def show_balance(request: Request) -> Response:
    """Tell a member's balance, and what was earned over the lifetime."""
    services = request.services
    if services.programs.simple:
        simple = await services.ledger.balance(request.ids["member_id"])
        if simple is not None:
            return Response(200, _balance(request, *simple))
    found = await services.ledger.account(request.ids["member_id"])
    if found is not None:
        return Response(200, _in_depth(request, *found))
    if request.caller.member_id is None:
        raise UnknownMember
    return Response(200, _balance(request, Balance(), (await request.services.ledger.heads()).version))


def count_move(request: Request) -> None:
    """Count that a member moves its own points. Raises `TooManyRequests`."""
    if request.caller.member_id is not None:
        request.limits.move(request.caller.member_id)


async def circle_of(request: Request, source: str | UnsetType) -> str:
    """Whose circle a redemption's id is in: a member's own, or the one that a service names."""
    if request.caller.member_id is None:
        request.caller.check_source(source or SHOP)
        return source or SHOP
    if source is not UNSET:
        raise InvalidInput.of("source", "is not for members: each has a circle of ids of its own")
    return await request.services.points.own_source(request.caller.member_id)


def actor_of(request: Request) -> str:
    """Who asks, as it is kept: a member is not named in what stays for ever."""
    return "member" if request.caller.member_id is not None else request.caller.actor


def _key(request: Request) -> str | None:
    sent = request.headers.all(IDEMPOTENCY_KEY.lower().encode())
    if not sent:
        return None
    try:
        return check_id(sent[0].decode("utf-8"), IDEMPOTENCY_KEY)
    except UnicodeDecodeError as error:
        raise InvalidInput.of(IDEMPOTENCY_KEY, "must be UTF-8") from error


def entry_of(receipt: Receipt) -> Entry:
    """The entry that a settled document led to."""
    assert receipt.entry is not None, "what is settled has its entry"
    return receipt.entry


def _status(receipt: Receipt) -> int:
    return 200 if receipt.repeated else 201


def _shown(entry: Entry, *, to_member: bool) -> ShownEntry:
    """An entry as it is shown: people's reasons are for colleagues, and a member is shown the note in their place."""
    by_people = entry.kind in {EntryKind.ADJUST, EntryKind.REDEEM}
    return ShownEntry(
        loyalty_id=entry.loyalty_id,
        kind=entry.kind,
        points=entry.points,
        order_id=UNSET if entry.order_id is None else entry.order_id,
        reason=entry.note if by_people and to_member else entry.reason,
        note=entry.note or UNSET,
        occurred_at=format_instant(entry.occurred_at),
        recorded_at=format_instant(entry.recorded_at),
    )


def _balance(request: Request, balance: Balance, version: Version) -> ShownBalance:
    return ShownBalance(balance.balance, balance.earned, request.token(version))


def _in_depth(request: Request, kept: MemberState, version: Version) -> ShownBalance:
    """As of now, whether or not what has lapsed is written down."""
    now, programs = request.services.now(), request.services.programs
    state, program = member_at(kept, programs, now), programs.at(now)
    lapsing = [lot for lot in state.lots if lot.active and lot.expires != NEVER]
    return ShownBalance(
        balance=state.active + state.waiting,
        earned=kept.totals.earned,
        as_of=request.token(version),
        pending=[PendingPoints(each.points, format_instant(each.active_at)) for each in state.pending],
        held=state.held,
        available=state.available,
        owed=state.owed,
        expiring=[Expiring(lot.active, format_instant(lot.expires)) for lot in lapsing[:12]],
        carried={currency: format_grains(grains) for currency, grains in state.carried} or UNSET,
        tier=UNSET if program.tiers is None else _tier(program, state, now),
    )


def _tier(program: Program, state: State, now: int) -> ShownTier:
    progress = tier_progress(program, state, now)
    return ShownTier(progress.name, progress.next, progress.missing)


ROUTES = (adjust, redeem, cancel_redemption, show_entries, show_balance)
