"""Points that members spend, get back, and are given by hand: out of their balance alone, or out of lots that lapse."""

from typing import Protocol

import msgspec

from laurels.awarding.workspace import Workspace
from laurels.errors import Conflict, InsufficientPoints
from laurels.ledger import Item, RedemptionState
from laurels.program import NEW, Spent, StateChange, adjust, redeem, restore
from laurels.program.local_time import NEVER

_NOTHING = StateChange(points=0, member_after=NEW)
_spent = msgspec.msgpack.Decoder(tuple[Spent, ...])


class Accounting(Protocol):
    """What happens beside the entry of such a document. `settle` comes after the entry was written."""

    def redeem(self, member: int, points: int) -> StateChange:
        """Spend points. Raises `InsufficientPoints`."""
        ...

    def adjust(self, member: int, points: int, expires: int | None) -> StateChange:
        """Correct them by hand; what is given lapses at `expires`, None: when the program says."""
        ...

    def restore(self, redeemed: RedemptionState, points: int) -> StateChange:
        """Give points back that were spent: no more than were."""
        ...

    def settle(self, item: Item, member: int, change: StateChange) -> None:
        """Keep what the change left."""
        ...


class Balances:
    """Where every version is simple: points never lapse, and a balance says all."""

    def __init__(self, work: Workspace) -> None:
        self._work = work

    def redeem(self, member: int, points: int) -> StateChange:
        """Spend points."""
        if self._work.balance(member).balance < points:
            raise InsufficientPoints
        return _NOTHING

    def adjust(self, member: int, points: int, expires: int | None) -> StateChange:  # noqa: ARG002
        """Any correction is one of the balance."""
        assert expires is None, "points that lapse are in lots"
        return _NOTHING

    def restore(self, redeemed: RedemptionState, points: int) -> StateChange:  # noqa: ARG002
        """And so is what comes back."""
        return _NOTHING

    def settle(self, item: Item, member: int, change: StateChange) -> None:
        """Nothing is kept beside the entry."""


class Lots:
    """Where points may wait and lapse."""

    def __init__(self, work: Workspace) -> None:
        self._work = work

    def redeem(self, member: int, points: int) -> StateChange:
        """Spend those that expire soonest."""
        work = self._work
        return redeem(work.in_force, work.state(member), points, now=work.now)

    def adjust(self, member: int, points: int, expires: int | None) -> StateChange:
        """Up, as if earned now; down, also below zero."""
        work = self._work
        return adjust(work.in_force, work.state(member), points, now=work.now, expires=expires)

    def restore(self, redeemed: RedemptionState, points: int) -> StateChange:
        """Those that were taken last come back first. Raises `Conflict` where fewer were taken."""
        work = self._work
        spent = read_spent(redeemed)
        if sum(part.points for part in spent) < points:
            raise Conflict
        return restore(work.in_force, work.state(redeemed.member), spent, points, now=work.now)

    def settle(self, item: Item, member: int, change: StateChange) -> None:
        """Keep the member's lots."""
        self._work.keep_state(item, member, change.member_after, change.lapses)


def read_spent(redeemed: RedemptionState) -> tuple[Spent, ...]:
    """What of a redemption can come back. One of which nothing is kept took points that never expire."""
    if redeemed.spent is None:
        return (Spent(NEVER, NEVER, redeemed.points - redeemed.restored, 0),)
    return _spent.decode(redeemed.spent)


def write_spent(spent: tuple[Spent, ...]) -> bytes | None:
    """What the ledger is to keep of a redemption; None where its points never expire."""
    if all(part.expires == NEVER for part in spent):
        return None
    return msgspec.msgpack.encode(spent)
