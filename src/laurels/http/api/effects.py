"""What a change would do, before it is done: `?check=1`. Reads only; another change may come in between."""

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from laurels.awarding import member_at
from laurels.errors import Conflict, PointsOutOfRange, UnknownMember
from laurels.http.routes import Request
from laurels.ledger import MemberState
from laurels.model import Balance, DocumentKind, EntryKind, Restoration
from laurels.model.details import AdjustDetails, encode
from laurels.model.times import format_instant


class Effect(Struct, frozen=True, kw_only=True):
    """The points, and a member's totals before and after. `message`: the milestone whose mail would be sent;
    `expires_at`: when the points lapse, where that was said.
    """

    points: int
    balance: int
    balance_after: int
    score: int
    score_after: int
    message: str | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET


async def adjustment_effect(
    request: Request, member_id: str, points: int, *, board: bool, quiet: bool, expires_at: int | None = None
) -> Effect:
    """What a correction would do. Raises `PointsOutOfRange`."""
    found = await request.services.ledger.account(member_id, in_depth=False)
    before = Balance() if found is None else _now(request, found[0])
    after = before.plus(EntryKind.ADJUST, points, encode(AdjustDetails(board=board)))
    if not after.in_range():
        raise PointsOutOfRange
    message = None if quiet else await _message(request, member_id, before, after)
    effect = _effect(points, before, after, message)
    return effect if expires_at is None else replace(effect, expires_at=format_instant(expires_at))


def _now(request: Request, kept: MemberState) -> Balance:
    """A member's totals, less what has lapsed and is not written down yet."""
    state = member_at(kept, request.services.programs, request.services.now())
    return replace(kept.totals, balance=state.active + state.waiting)


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
