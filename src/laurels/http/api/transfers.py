"""Points given to another member."""

from typing import Annotated

from msgspec import Meta, Struct

from laurels.errors import Conflict, InsufficientPoints, LedgerUnavailable, UnknownMember
from laurels.http.api.moves import Redeemed, Spent, actor_of, entry_of, status_of
from laurels.http.routes import Access, Request, Response, route
from laurels.intake import Id, MemberId, SourceText
from laurels.model.spending import Transfer
from laurels.points import SHOP


class TransferForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Points for another member."""

    transfer_id: Annotated[Id, Meta(description="the same again is answered, not given twice")]
    to: MemberId
    points: Spent
    source: SourceText = SHOP


@route(
    "POST",
    "/loyalty/{member_id}/transfer",
    access=Access(("points:transfer",)),
    answers={201: Redeemed, 200: Redeemed},
    problems=(UnknownMember, Conflict, InsufficientPoints, LedgerUnavailable),
)
async def transfer_points(request: Request, form: TransferForm) -> Response:
    """Give points to another member. They keep their dates, and no board moves."""
    request.caller.check_source(form.source)
    to = await request.services.ledger.member(form.to)
    if to is None:
        raise UnknownMember
    transfer = Transfer(
        source=form.source,
        transfer_id=form.transfer_id,
        to=to.number,
        points=form.points,
        member_id=request.ids["member_id"],
    )
    receipt = await request.services.points.transfer(transfer, actor_of(request))
    return Response(status_of(receipt), Redeemed(entry_of(receipt).loyalty_id, receipt.balance or 0))


ROUTES = (transfer_points,)
