"""A customer as colleagues see one: by id or by number, with what may be known of the person."""

import asyncio

import msgspec
from msgspec import Struct

from laurels.errors import BoardNotReady, LedgerUnavailable, UnknownMember
from laurels.http.api.purses import Purse, purse_of
from laurels.http.routes import Access, Request, Response, route
from laurels.ledger import Customer, MessageState, TimelineEntry
from laurels.model import Channel
from laurels.model.times import format_instant
from laurels.rollups import in_major_units

READ = Access(("members:read",))
CONTACT = Access(("members:contact",))

_ORDERED_OF_LATE = 50
_MASK = "•" * 5


class MessageShown(Struct, frozen=True):
    """A message to the member: the milestone, and what became of it: `due`, `held` for want of an address, `sent`,
    `undeliverable`, or `dropped` (the member became another one that has the same message).
    """

    milestone: str
    points: int
    state: str
    created_at: str


class CustomerShown(Struct, frozen=True, kw_only=True):
    """A member. `state` is `enrolled`, `merged` (into the member with the number `merged_into`) or `erased`, of whom
    nothing but number and entries is left. `balance` is as of now, less what has lapsed by then; `available` is what of
    it can be spent: nothing that is pending or held, and nothing of who is no member any more; `worth` is what that is
    worth in each currency of which the program in force says it, side by side and never added up. `contact` is masked.
    `channels` are those of the orders among the newest 50 entries, as long as their documents are kept, the newest
    first. `rank` is null where the member is not ranked, or the leaderboard is away.
    """

    number: int
    member_id: str | None
    state: str
    merged_into: int | None
    hidden: bool
    name: str
    enrolled_at: str
    contact: str | None
    channels: list[Channel]
    balance: int
    available: int
    worth: dict[str, str]
    earned: int
    score: int
    rank: int | None
    ranked: int | None
    messages: list[MessageShown]
    as_of: str


class ContactShown(Struct, frozen=True):
    """Where the member is reached; null: nowhere."""

    email: str | None


@route(
    "GET",
    "/members/number/{number}",
    access=READ,
    answers={200: CustomerShown},
    problems=(UnknownMember, LedgerUnavailable),
)
async def show_customer(request: Request) -> Response:
    """Tell what is known of the member with this number; erased and merged ones are told too."""
    return Response(200, await _shown(request, await by_number(request)))


@route(
    "GET",
    "/members/{member_id}",
    access=READ,
    answers={200: CustomerShown},
    problems=(UnknownMember, LedgerUnavailable),
)
async def show_member(request: Request) -> Response:
    """Tell what is known of a member."""
    return Response(200, await _shown(request, await by_id(request)))


@route(
    "GET",
    "/members/number/{number}/contact",
    access=CONTACT,
    answers={200: ContactShown},
    problems=(UnknownMember, LedgerUnavailable),
    own_look=True,
)
async def show_contact(request: Request) -> Response:
    """Tell where the member with this number is reached."""
    return Response(200, ContactShown((await by_number(request)).email))


@route(
    "GET",
    "/members/{member_id}/contact",
    access=CONTACT,
    answers={200: ContactShown},
    problems=(UnknownMember, LedgerUnavailable),
    own_look=True,
)
async def show_member_contact(request: Request) -> Response:
    """Tell where a member is reached."""
    return Response(200, ContactShown((await by_id(request)).email))


async def by_number(request: Request) -> Customer:
    """The member whose number is in the path. Raises `UnknownMember`."""
    number = number_of(request.ids["number"])
    customer = None if number is None else await request.services.ledger.customer(number)
    if customer is None:
        raise UnknownMember
    return customer


async def by_id(request: Request) -> Customer:
    """The member whose id is in the path; who became another one is that one. Raises `UnknownMember`."""
    member = await request.services.ledger.member(request.ids["member_id"])
    customer = None if member is None else await request.services.ledger.customer(member.number)
    if customer is None:
        raise UnknownMember
    return customer


def number_of(text: str) -> int | None:
    """A member's number as a path has it; None for what is none."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_HIGHEST))
    return int(text) if is_number and int(text) <= _HIGHEST else None


_HIGHEST = 2**31 - 1
"""What any ledger can hold."""


async def _shown(request: Request, customer: Customer) -> CustomerShown:
    merged = customer.merged_into is not None
    (rank, ranked), messages, purse, channels = await asyncio.gather(
        _place(request, customer), _messages(request, customer), _purse(request, customer), _channels(request, customer)
    )
    available = 0 if purse is None else purse.available
    return CustomerShown(
        number=customer.number,
        member_id=customer.member_id,
        state="erased" if customer.member_id is None else "merged" if merged else "enrolled",
        merged_into=customer.merged_into,
        hidden=customer.hidden,
        name=request.services.dashboards.proxy_name(customer.name_number),
        enrolled_at=format_instant(customer.enrolled_at),
        contact=masked(customer.email),
        channels=channels,
        balance=customer.totals.balance if purse is None else purse.balance,
        available=available,
        worth=_worth(request, available),
        earned=customer.totals.earned,
        score=customer.totals.score,
        rank=rank,
        ranked=ranked,
        messages=[
            MessageShown(one.milestone, one.points, one.state, format_instant(one.created_at)) for one in messages
        ],
        as_of=str(customer.version),
    )


def _worth(request: Request, points: int) -> dict[str, str]:
    """What points that can be spent are worth; empty where there are none, or the program does not say."""
    program = request.services.programs.at(request.services.now())
    if points <= 0:
        return {}
    told = {currency: in_major_units(points, currency, program) for currency, _ in program.value}
    return {currency: amount for currency, amount in told.items() if amount is not None}


async def _messages(request: Request, customer: Customer) -> list[MessageState]:
    return [] if customer.member_id is None else await request.services.ledger.messages(customer.member_id)


async def _purse(request: Request, customer: Customer) -> Purse | None:
    """None of who is no member any more."""
    if customer.member_id is None or customer.merged_into is not None:
        return None
    return await purse_of(request, customer.member_id)


async def _channels(request: Request, customer: Customer) -> list[Channel]:
    """Where a member ordered of late, the newest first. Costs what a page of the timeline costs."""
    if customer.member_id is None:
        return []
    found = await request.services.ledger.timeline(
        customer.number, kinds=(), before=None, balance=None, limit=_ORDERED_OF_LATE
    )
    channels = [channel_of(each) for each in found.entries]
    return list(dict.fromkeys(channel for channel in channels if channel is not None))


def channel_of(entry: TimelineEntry) -> Channel | None:
    """Where the order of an entry was placed; None for other entries, and where what it said is not kept."""
    if entry.content is None:
        return None
    said = _said.decode(entry.content)
    return (said.order or said).channel


class _OrderChannel(Struct):
    """Of an order, or of an amendment that has all of one anew: what is asked of it here."""

    channel: Channel = Channel.WEB
    order: "_OrderChannel | None" = None


_said = msgspec.json.Decoder(_OrderChannel)


async def _place(request: Request, customer: Customer) -> tuple[int | None, int | None]:
    if customer.member_id is None or customer.merged_into is not None:
        return None, None
    try:
        shown = await request.services.dashboards.member(customer.member_id, top=0, around=0, whole=True)
    except BoardNotReady:
        return None, None
    return shown.me.rank, shown.ranked


def masked(email: str | None) -> str | None:
    """An address of which a colleague sees enough to compare, and not enough to write to; nor how long it is."""
    if email is None:
        return None
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}{_MASK}@{domain}"


ROUTES = (show_customer, show_member, show_contact, show_member_contact)
