"""What a member has and can spend as of now: the one place that tells it, to the member and to colleagues alike."""

from msgspec import Struct

from laurels.awarding import member_at
from laurels.http.routes import Request
from laurels.ledger import MemberState
from laurels.model import Version
from laurels.program import ProgramState


class Purse(Struct, frozen=True, kw_only=True):
    """A member's points at an instant, whether or not what has lapsed by then is written down. `balance` is all that
    is there, `available` what of it is neither pending nor held; both are below zero where points are owed. `state` is
    None where the balance says all: nothing of the member lapses, waits or is held.
    """

    kept: MemberState
    version: Version
    state: ProgramState | None
    balance: int
    available: int


async def purse_of(request: Request, member_id: str, *, in_depth: bool = False) -> Purse | None:
    """A member's purse; None for an unknown member. `in_depth` reads what tiers ask for too, which costs a look-up
    more.
    """
    services = request.services
    simple = services.programs.simple
    found = await services.ledger.account(member_id, in_depth=in_depth and not simple)
    if found is None:
        return None
    kept, version = found
    state = _state_of(request, kept)
    balance, available = _spendable(kept, state)
    return Purse(kept=kept, version=version, state=state, balance=balance, available=available)


def spendable(request: Request, kept: MemberState) -> tuple[int, int]:
    """What a member has, and what of it can be spent: a purse's `balance` and `available`."""
    return _spendable(kept, _state_of(request, kept))


def _state_of(request: Request, kept: MemberState) -> ProgramState | None:
    services = request.services
    if services.programs.simple and kept.state is None:
        return None
    return member_at(kept, services.programs, services.now())


def _spendable(kept: MemberState, state: ProgramState | None) -> tuple[int, int]:
    if state is None:
        return kept.totals.balance, kept.totals.balance
    return state.active + state.waiting, state.available
