"""What a change would do, before it is done: `?check=1`. Judged as the change itself would be, and not written; another
change may come in between.
"""

from msgspec import UNSET, Struct, UnsetType

from laurels.awarding import Foreseen
from laurels.http.api.purses import spendable
from laurels.http.routes import Request
from laurels.ledger import MemberState
from laurels.model import Adjustment, Restoration
from laurels.model.times import format_instant


class Effect(Struct, frozen=True, kw_only=True):
    """The points, and what a member has before and after: the `balance`, what of it is `available` to spend, and the
    score. `message`: the milestone whose mail would be sent; `expires_at`: when the points lapse, where that was said.
    Of what was done before, 0 points: the same again changes nothing.
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


async def adjustment_effect(request: Request, adjustment: Adjustment) -> Effect:
    """What a correction would do. Raises what the correction would raise."""
    foreseen = await request.services.points.foresee_adjustment(adjustment)
    expires_at = None if foreseen is None else adjustment.expires_at
    return await _effect(request, adjustment.member_id, foreseen, expires_at)


async def restoration_effect(request: Request, restoration: Restoration) -> Effect:
    """What giving spent points back would do. Raises what that would raise."""
    foreseen = await request.services.points.foresee_cancellation(restoration)
    return await _effect(request, restoration.member_id, foreseen)


async def _effect(request: Request, member_id: str, foreseen: Foreseen | None, expires_at: int | None = None) -> Effect:
    if foreseen is None:
        found = await request.services.ledger.account(member_id)
        kept = MemberState() if found is None else found[0]
        foreseen = Foreseen(points=0, before=kept, after=kept)
    before, after = foreseen.before, foreseen.after
    balance, available = spendable(request, before)
    balance_after, available_after = spendable(request, after)
    message = await _message(request, member_id, foreseen)
    return Effect(
        points=foreseen.points,
        balance=balance,
        balance_after=balance_after,
        available=available,
        available_after=available_after,
        score=before.totals.score,
        score_after=after.totals.score,
        message=UNSET if message is None else message,
        expires_at=UNSET if expires_at is None else format_instant(expires_at),
    )


async def _message(request: Request, member_id: str, foreseen: Foreseen) -> str | None:
    """The milestone that would be crossed for the first time; one that was crossed quietly is crossed for ever."""
    if not foreseen.reached:
        return None
    passed = await request.services.ledger.milestones(member_id)
    return next((name for name in foreseen.reached if name not in passed), None)
