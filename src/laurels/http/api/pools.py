"""Points that several members spend together."""

from typing import Annotated

from msgspec import Meta, Struct

from laurels.errors import Conflict, InsufficientPoints, InvalidInput, LedgerUnavailable, UnknownMember
from laurels.http.api.moves import Spent
from laurels.http.routes import Access, Request, Response, route
from laurels.intake import Id, MemberId, SourceText
from laurels.points import MOST_MEMBERS, SHOP, PoolRedemption, Pools

PoolId = Annotated[Id, Meta(max_length=100, description="the same again is answered, not spent twice")]


class PoolForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Points to spend of members who share theirs, such as a household."""

    redemption_id: PoolId
    members: Annotated[list[MemberId], Meta(min_length=1, max_length=MOST_MEMBERS)]
    points: Spent
    source: SourceText = SHOP


class PoolShare(Struct, frozen=True, rename={"loyalty_id": "loyaltyId"}):
    """How many points a member gave."""

    loyalty_id: str
    points: int


class PoolRedeemed(Struct, frozen=True):
    """What each gave, in the order in which they were named. One is cancelled alone, as `hold:pool:ID:PLACE`."""

    shares: list[PoolShare]


@route(
    "POST",
    "/pools/redeem",
    access=Access(("points:redeem",)),
    answers={201: PoolRedeemed, 200: PoolRedeemed},
    problems=(UnknownMember, Conflict, InsufficientPoints, LedgerUnavailable),
)
async def redeem_pool(request: Request, form: PoolForm) -> Response:
    """Spend points of several members, all or none: of all that they have, what lapses first. Who shares with whom is
    the shop's to know.
    """
    request.caller.check_source(form.source)
    if len(set(form.members)) < len(form.members):
        raise InvalidInput.of("members", "must name each member once")
    services = request.services
    asked = PoolRedemption(
        source=form.source, redemption_id=form.redemption_id, members=tuple(form.members), points=form.points
    )
    pools = Pools(services.points, services.ledger, services.programs, services.now)
    held, repeated = await pools.redeem(asked, request.caller.actor)
    shares = [PoolShare(member, n) for member, n in zip(form.members, held, strict=True)]
    return Response(200 if repeated else 201, PoolRedeemed(shares))


ROUTES = (redeem_pool,)
