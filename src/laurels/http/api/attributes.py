"""What the shop says of a member: attributes for campaigns, and a tier given by hand."""

from typing import Annotated

from msgspec import Meta, Struct

from laurels.awarding import Attributes
from laurels.errors import Conflict, LedgerUnavailable, UnknownMember
from laurels.http.api.moves import Reason, actor_of, entry_of, status_of
from laurels.http.routes import Access, Request, Response, route
from laurels.intake import Id, InstantText, SourceText
from laurels.model.ids import ONE_LINE
from laurels.model.spending import TierGrant
from laurels.model.times import parse_instant
from laurels.points import SHOP

_DAY_OF_SOME_YEAR = r"^((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-9])|(0[13-9]|1[0-2])-30|(0[13578]|1[02])-31)\Z"

Birthday = Annotated[
    str,
    Meta(
        pattern=_DAY_OF_SOME_YEAR,
        examples=["02-29"],
        description="month and day, for campaigns around it",
    ),
]
Segment = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=ONE_LINE,
        examples=["student"],
        description="a group of customers, as programs name them",
    ),
]


class AttributesForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """All that campaigns may ask of a member; what is left out is forgotten."""

    birthday: Birthday | None = None
    segments: Annotated[list[Segment], Meta(max_length=32)] = []


class Said(Struct, frozen=True):
    """What is kept now."""

    birthday: str | None
    segments: list[str]


class TierForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A tier, until an instant."""

    grant_id: Annotated[Id, Meta(description="the same again is answered, not given twice")]
    tier: Annotated[
        str, Meta(min_length=1, max_length=64, examples=["gold"], description="a level that the program has")
    ]
    until: InstantText
    reason: Reason = ""
    source: SourceText = SHOP


class Granted(Struct, frozen=True, rename={"loyalty_id": "loyaltyId"}):
    """The entry that was written."""

    loyalty_id: str


@route(
    "PUT",
    "/members/{member_id}/attributes",
    access=Access(("members:write",)),
    answers={200: Said},
    problems=(UnknownMember, LedgerUnavailable),
)
async def set_attributes(request: Request, form: AttributesForm) -> Response:
    """Keep what campaigns may ask of a member: it replaces what was said before, and is erased with the member."""
    attributes = Attributes(form.birthday, tuple(sorted(set(form.segments))))
    await request.services.members.set_attributes(request.ids["member_id"], attributes)
    return Response(200, Said(attributes.birthday, list(attributes.segments)))


@route(
    "POST",
    "/members/{member_id}/tier",
    access=Access(("members:write",)),
    answers={201: Granted, 200: Granted},
    problems=(UnknownMember, Conflict, LedgerUnavailable),
)
async def grant_tier(request: Request, form: TierForm) -> Response:
    """Give a member a tier by hand, until an instant. One that was earned and is higher stays."""
    request.caller.check_source(form.source)
    grant = TierGrant(
        source=form.source,
        grant_id=form.grant_id,
        tier=form.tier,
        until=parse_instant(form.until, "until"),
        reason=form.reason,
        member_id=request.ids["member_id"],
    )
    receipt = await request.services.points.grant(grant, actor_of(request))
    return Response(status_of(receipt), Granted(entry_of(receipt).loyalty_id))


ROUTES = (set_attributes, grant_tier)
