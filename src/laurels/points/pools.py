"""Points that several members spend together, such as a household: all or none, what lapses first first.

Members keep what is theirs: balance, dates, tier and board. The points are set aside of each by a hold of its own, and
taken when all of them are. Holds are known by the redemption's id and the member's place in it, so whoever calls again,
after a crash at any instruction, finds what was done and goes on. One that cannot be had whole is given up for ever.
"""

from collections.abc import Sequence

from msgspec import Struct

from laurels.awarding import Programs, member_at
from laurels.clock import Clock
from laurels.errors import Conflict, InsufficientPoints, UnknownMember
from laurels.ledger import OF_HOLD, Ledger, MemberState
from laurels.model import DocumentKind, Restoration
from laurels.model.details import hold_details
from laurels.model.spending import Capture, Hold, Void
from laurels.points.points import Points
from laurels.program import free_lots

MOST_MEMBERS = 8
GIVEN_UP = "given-up"
"""The `cancel_id` of what was taken of one member and could not be had of another."""


class PoolRedemption(Struct, frozen=True, kw_only=True):
    """Points to spend of several members, each named once."""

    source: str
    redemption_id: str
    members: tuple[str, ...]
    points: int

    def hold_id(self, place: int) -> str:
        """What a member's part is known by. No member is named in it: it stays for ever."""
        return f"pool:{self.redemption_id}:{place}"


class Pools:
    """Spends points of several members. Any number of processes may."""

    def __init__(self, points: Points, ledger: Ledger, programs: Programs, now: Clock) -> None:
        self._points = points
        self._ledger = ledger
        self._programs = programs
        self._now = now

    async def redeem(self, asked: PoolRedemption, actor: str) -> tuple[list[int], bool]:
        """Spend points: gives how many of each member, in their order, and whether that was done before. Costs two
        settled documents a member that gives some.

        Raises `InsufficientPoints` where they have too few between them, with nothing taken; `Conflict` for an id that
        was given up, or is used for anything else; `UnknownMember`; `LedgerUnavailable` where it is open what became of
        it: ask again.
        """
        held = [await self._held(asked, place) for place in range(len(asked.members))]
        if await self._is_given_up(asked, held):
            await self._give_up(asked, held, actor)
            raise Conflict("This redemption was given up. Nothing is taken under its id any more.")
        try:
            held = await self._hold_rest(asked, held, actor)
            repeated = [await self._capture(asked, place, n, actor) for place, n in enumerate(held) if n]
        except InsufficientPoints:
            held = [await self._held(asked, place) for place in range(len(asked.members))]
            await self._give_up(asked, held, actor)
            raise
        return held, all(repeated)

    async def _hold_rest(self, asked: PoolRedemption, held: list[int], actor: str) -> list[int]:
        """Set aside what is not yet. One who holds already was asked before, and gives no more."""
        missing = asked.points - sum(held)
        if missing < 0:
            raise Conflict
        if not missing:
            return held
        states = [await self._account(member) for member in asked.members]
        shares = self._shares([None if n else state for n, state in zip(held, states, strict=True)], missing)
        for place, n in enumerate(shares):
            if n:
                hold = Hold(source=asked.source, hold_id=asked.hold_id(place), points=n, member_id=asked.members[place])
                await self._points.hold(hold, actor)
        return [before + n for before, n in zip(held, shares, strict=True)]

    def _shares(self, states: Sequence[MemberState | None], points: int) -> list[int]:
        """How many points each gives: of all that they have free, what lapses soonest. Raises `InsufficientPoints`."""
        now, shares = self._now(), [0] * len(states)
        lots: list[tuple[int, int, int, int]] = []
        for place, kept in enumerate(states):
            if kept is not None:
                state = member_at(kept, self._programs, now)
                lots += [(expires, origin, place, n) for expires, origin, n in free_lots(state)]
        for _, _, place, free in sorted(lots):
            n = min(free, points)
            shares[place] += n
            points -= n
        if points:
            raise InsufficientPoints
        return shares

    async def _account(self, member_id: str) -> MemberState:
        found = await self._ledger.account(member_id)
        if found is None:
            raise UnknownMember
        return found[0]

    async def _held(self, asked: PoolRedemption, place: int) -> int:
        """How many points a member's part was begun with; 0 for none."""
        document = await self._ledger.document(
            DocumentKind.HOLD, asked.source, asked.hold_id(place), of_member=asked.members[place]
        )
        return 0 if document is None or document.entry is None else hold_details(document.entry.details).points

    async def _is_there(self, kind: DocumentKind, asked: PoolRedemption, place: int) -> bool:
        return await self._ledger.document(kind, asked.source, asked.hold_id(place)) is not None

    async def _is_given_up(self, asked: PoolRedemption, held: list[int]) -> bool:
        return any([await self._is_there(DocumentKind.VOID, asked, place) for place, n in enumerate(held) if n])

    async def _capture(self, asked: PoolRedemption, place: int, n: int, actor: str) -> bool:
        """Take a part; gives whether that was done before."""
        taken = Capture(source=asked.source, hold_id=asked.hold_id(place), points=n, member_id=asked.members[place])
        return (await self._points.capture(taken, actor)).repeated

    async def _give_up(self, asked: PoolRedemption, held: list[int], actor: str) -> None:
        """Let go of every part, and give back what was taken of one whose hold had lapsed and was enough all the same.

        What was not taken is let go of first: from then on the id is dead, and whoever comes next finishes this.
        """
        taken = []
        for place in [place for place, n in enumerate(held) if n]:
            void = Void(source=asked.source, hold_id=asked.hold_id(place), member_id=asked.members[place])
            try:
                await self._points.void(void, actor)
            except Conflict:
                taken.append(place)
        for place in taken:
            back = Restoration(
                source=asked.source,
                cancel_id=GIVEN_UP,
                redemption_id=OF_HOLD + asked.hold_id(place),
                member_id=asked.members[place],
            )
            await self._points.cancel(back, actor)
