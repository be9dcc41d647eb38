"""What a change would do, before it is done: `?check=1`. Reads only; another change may come in between."""

from msgspec import UNSET, Struct, UnsetType

from laurels.errors import Conflict, PointsOutOfRange, UnknownMember
from laurels.http.routes import Request
from laurels.model import Balance, DocumentKind, EntryKind, Restoration
from laurels.model.details import AdjustDetails, encode


class Effect(Struct, frozen=True, kw_only=True):
    """The points, and a member's totals before and after. `message`: the milestone whose mail would be sent."""

    points: int
    balance: int
    balance_after: int
    score: int
    score_after: int
    message: str | UnsetType = UNSET


async def adjustment_effect(request: Request, member_id: str, points: int, *, board: bool, quiet: bool) -> Effect:
    """What a correction would do. Raises `PointsOutOfRange`."""
    found = await request.services.ledger.balance(member_id)
    before = Balance() if found is None else found[0]
    after = before.plus(EntryKind.ADJUST, points, encode(AdjustDetails(board=board)))
    if not after.in_range():
        raise PointsOutOfRange
    message = None if quiet else await _message(request, member_id, before, after)
    return _effect(points, before, after, message)


async def restoration_effect(request: Request, restoration: Restoration) -> Effect:
    """What giving spent points back would do. Raises `UnknownMember`, `Conflict`."""
    ledger = request.services.ledger
    found = await ledger.balance(restoration.member_id)
    state = await ledger.document(
        DocumentKind.REDEMPTION, restoration.source, restoration.redemption_id, of_member=restoration.member_id
    )
    if found is None or state is None or state.entry is None:
        raise UnknownMember("There is no such redemption of this member.")
    left = -state.entry.points - await ledger.restored(restoration.source, restoration.redemption_id)
    points = left if restoration.points is None else restoration.points
    if not 0 < points <= left:
        raise Conflict(f"Of this redemption {left} points can come back. Nothing was changed.")
    return _effect(points, found[0], found[0].plus(EntryKind.RESTORE, points))


async def _message(request: Request, member_id: str, before: Balance, after: Balance) -> str | None:
    """The milestone that would be crossed for the first time."""
    sent = {message.milestone for message in await request.services.ledger.messages(member_id)}
    for milestone in request.services.programs.at(request.services.now()).milestones:
        if before.score <= milestone.above < after.score and milestone.name not in sent:
            return milestone.name
    return None


def _effect(points: int, before: Balance, after: Balance, message: str | None = None) -> Effect:
    return Effect(
        points=points,
        balance=before.balance,
        balance_after=after.balance,
        score=before.score,
        score_after=after.score,
        message=UNSET if message is None else message,
    )
