"""A member's entries, newest first, and the balance that they come to."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.errors import LedgerUnavailable, UnknownMember
from laurels.http.api.purses import Purse, purse_of
from laurels.http.routes import Access, Request, Response, route
from laurels.model import Entry, EntryKind
from laurels.model.entries import WORDED_BY_PEOPLE
from laurels.model.times import format_instant
from laurels.program import Program, ProgramState, format_grains, lapses_of, tier_progress, tier_until

OWN = Access(("members:read",), members="own")


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
    """A member's tier, and when a lower one follows if nothing more is bought; the `next` one, its `reach`, and how
    much is `missing` to it in this period: points, or minor units of `currency` where spend counts.
    """

    name: str | None
    next: str | None
    missing: int | None
    reach: int | None
    until: str | None
    currency: str | UnsetType = UNSET


class ShownBalance(Struct, frozen=True):
    """Points to spend, points earned over the lifetime, and the version that they are of.

    Under a program in depth, and of a member who has points that lapse or are held, also: what of the balance is
    `pending`, `held` and `available`, what is `owed`, what lapses when (the next twelve), what is carried below a point
    by currency, the tier, and the points totals that are `milestones`.
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
    milestones: list[int] | UnsetType = UNSET


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
    purse = await purse_of(request, request.ids["member_id"], in_depth=True)
    if purse is not None:
        return Response(200, _told(request, purse))
    if request.caller.member_id is None:
        raise UnknownMember
    return Response(200, ShownBalance(0, 0, request.token((await request.services.ledger.heads()).version)))


def _shown(entry: Entry, *, to_member: bool) -> ShownEntry:
    """An entry as it is shown: people's reasons are for colleagues, and a member is shown the note in their place."""
    by_people = entry.kind in WORDED_BY_PEOPLE
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


def _told(request: Request, purse: Purse) -> ShownBalance:
    now, programs, state = request.services.now(), request.services.programs, purse.state
    earned, as_of = purse.kept.totals.earned, request.token(purse.version)
    if state is None:
        return ShownBalance(purse.balance, earned, as_of)
    program = programs.at(now)
    return ShownBalance(
        balance=purse.balance,
        earned=earned,
        as_of=as_of,
        pending=[PendingPoints(each.points, format_instant(each.active_at)) for each in state.pending],
        held=state.held,
        available=purse.available,
        owed=state.owed,
        expiring=[Expiring(points, format_instant(at)) for at, points in lapses_of(state, program)[:12]],
        carried={currency: format_grains(grains) for currency, grains in state.carried} or UNSET,
        tier=UNSET if program.tiers is None else _tier(program, state, now),
        milestones=sorted(milestone.above for milestone in program.milestones),
    )


def _tier(program: Program, state: ProgramState, now: int) -> ShownTier:
    tiers = program.tiers
    assert tiers is not None, "asked of programs with tiers alone"
    progress, until = tier_progress(program, state, now), tier_until(program, state, now)
    reach = next((level.reach for level in tiers.levels if level.name == progress.next), None)
    return ShownTier(
        name=progress.name,
        next=progress.next,
        missing=progress.missing,
        reach=reach,
        until=None if until is None else format_instant(until),
        currency=UNSET if tiers.counts != "spend" else next(iter(dict(program.plan.rates[0].per)), UNSET),
    )


ROUTES = (show_entries, show_balance)
