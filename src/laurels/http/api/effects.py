"""What a change would do, before it is done: `?check=1`. Reads only; another change may come in between."""

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from laurels.errors import Conflict, PointsOutOfRange, UnknownMember
from laurels.http.api.purses import Purse, purse_of
from laurels.http.routes import Request
from laurels.model import Balance, DocumentKind, EntryKind, Restoration
from laurels.model.details import AdjustDetails, encode
from laurels.model.times import format_instant


class Effect(Struct, frozen=True, kw_only=True):
    """The points, and what a member has before and after: the `balance`, what of it is `available` to spend, and the
    score. `message`: the milestone whose mail would be sent; `expires_at`: when the points lapse, where that was said.
    """

    points: int
    balance: int
    balance_after: int
    available: int
    available_after: int
    score: int
    score_after: int
    message: str | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET


async def adjustment_effect(
    request: Request, member_id: str, points: int, *, board: bool, quiet: bool, expires_at: int | None = None
) -> Effect:
    """What a correction would do. Raises `PointsOutOfRange`."""
    purse = await purse_of(request, member_id)
    before = _before(purse)
    after = before.plus(EntryKind.ADJUST, points, encode(AdjustDetails(board=board)))
    if not after.in_range():
        raise PointsOutOfRange
    message = None if quiet else await _message(request, member_id, before, after)
    effect = _effect(points, before, after, purse, message)
    return effect if expires_at is None else replace(effect, expires_at=format_instant(expires_at))


def _before(purse: Purse | None) -> Balance:
    """A member's totals, less what has lapsed and is not written down yet."""
    return Balance() if purse is None else replace(purse.kept.totals, balance=purse.balance)


async def restoration_effect(request: Request, restoration: Restoration) -> Effect:
    """What giving spent points back would do. Raises `UnknownMember`, `Conflict`."""
    ledger = request.services.ledger
    purse = await purse_of(request, restoration.member_id)
    state = await ledger.document(
        DocumentKind.REDEMPTION, restoration.source, restoration.redemption_id, of_member=restoration.member_id
    )
    if purse is None or state is None or state.entry is None:
        raise UnknownMember("There is no such redemption of this member.")
    left = -state.entry.points - await ledger.restored(restoration.source, restoration.redemption_id)
    points = left if restoration.points is None else restoration.points
    if not 0 < points <= left:
        raise Conflict(f"Of this redemption {left} points can come back. Nothing was changed.")
    before = _before(purse)
    return _effect(points, before, before.plus(EntryKind.RESTORE, points), purse)


async def _message(request: Request, member_id: str, before: Balance, after: Balance) -> str | None:
    """The milestone that would be crossed for the first time."""
    sent = {message.milestone for message in await request.services.ledger.messages(member_id)}
    for milestone in request.services.programs.at(request.services.now()).milestones:
        if before.score <= milestone.above < after.score and milestone.name not in sent:
            return milestone.name
    return None


def _effect(points: int, before: Balance, after: Balance, purse: Purse | None, message: str | None = None) -> Effect:
    available = 0 if purse is None else purse.available
    return Effect(
        points=points,
        balance=before.balance,
        balance_after=after.balance,
        available=available,
        available_after=available + points,  # neither is ever pending
        score=before.score,
        score_after=after.score,
        message=UNSET if message is None else message,
    )
