"""Points that several members spend together, such as a household: all or none, what lapses first first.

Members keep what is theirs: balance, dates, tier and board. What is asked, and how much each gives, is written down
once, under the redemption's id; then the points of each are set aside by a hold of its own, and taken when all of them
are. Holds are known by the redemption's id and the member's place in it, so whoever calls again, after a crash at any
instruction, finds what was done and goes on. One that cannot be had whole is given up for ever.
"""

from collections.abc import Sequence

from msgspec import Struct

from laurels.awarding import Programs, member_at
from laurels.clock import Clock
from laurels.errors import Conflict, InsufficientPoints, InvalidInput, UnknownMember, after_writing
from laurels.ledger import OF_HOLD, Ledger, MemberState
from laurels.model import DocumentKind, Restoration
from laurels.model.details import hold_details
from laurels.model.spending import Capture, Hold, Shares, Void
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

    @property
    def shares_id(self) -> str:
        """What is kept of it is known by this."""
        return f"pool:{self.redemption_id}:shares"

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
        settled documents a member that gives some, and one.

        Raises `InsufficientPoints` where they have too few between them, with nothing taken; `Conflict` for an id that
        was given up, or is used for anything else, with nothing changed; `InvalidInput` for two who are one member;
        `UnknownMember`; `LedgerUnavailable` where it is open what became of it: ask again.
        """
        numbers = [await self._numbers(member) for member in asked.members]
        shares = await self._kept(asked) or await self._begin(asked, numbers, actor)
        if shares.members != tuple([own for own, *_ in numbers]) or sum(shares.points) != asked.points:
            raise Conflict("This id was used before for other members or points. Nothing was changed.")
        with after_writing():
            return [*shares.points], await self._finish(asked, shares, actor)

    async def _finish(self, asked: PoolRedemption, shares: Shares, actor: str) -> bool:
        """Bring what was begun to its end; gives whether it was there before."""
        parts = [place for place, n in enumerate(shares.points) if n]
        if await self._are(DocumentKind.CAPTURE, asked, parts) == parts:
            return True
        try:
            return await self._take(asked, shares, parts, actor)
        except (Conflict, InsufficientPoints) as error:
            if not await self._give_up(asked, parts, actor):
                return True
            if isinstance(error, InsufficientPoints):
                raise
            raise Conflict("This redemption was given up. Nothing is taken under its id any more.") from error

    async def _numbers(self, member_id: str) -> tuple[int, ...]:
        """Who is meant, by the number that the id was given: the same whoever became whom since, and another one for
        who has the id after one that was erased. Then the numbers of whoever else is this member.
        """
        numbers = await self._ledger.numbers(member_id)
        if not numbers:
            raise UnknownMember
        return numbers

    async def _kept(self, asked: PoolRedemption) -> Shares | None:
        """What was asked under this id before. Raises `Conflict` where it is somebody's hold."""
        document = await self._ledger.document(DocumentKind.HOLD, asked.source, asked.shares_id)
        if document is None:
            return None
        shares = None if document.entry is None else hold_details(document.entry.details).shares
        if shares is None:
            raise Conflict
        return shares

    async def _begin(self, asked: PoolRedemption, numbers: Sequence[tuple[int, ...]], actor: str) -> Shares:
        """Write down who gives how much; gives what stands, which somebody else may have written meanwhile. Raises
        `InvalidInput` where two of them are one member.
        """
        if len({min(each) for each in numbers}) < len(numbers):
            raise InvalidInput.of("members", "must name each member once")
        places = range(len(asked.members))
        if await self._are(DocumentKind.HOLD, asked, places):
            raise Conflict
        points = self._shares([await self._account(member) for member in asked.members], asked.points)
        shares = Shares(tuple([own for own, *_ in numbers]), tuple(points))
        giver = next(place for place in places if points[place])
        begun = Hold(
            source=asked.source, hold_id=asked.shares_id, points=0, shares=shares, member_id=asked.members[giver]
        )
        try:
            await self._points.hold(begun, actor)
        except Conflict:
            kept = await self._kept(asked)
            if kept is None:  # never one's own: that stands nowhere
                raise
            return kept
        return shares

    def _shares(self, states: Sequence[MemberState], points: int) -> list[int]:
        """How many points each gives: of all that they have free, what lapses soonest. Raises `InsufficientPoints`."""
        now, shares = self._now(), [0] * len(states)
        lots: list[tuple[int, int, int, int]] = []
        for place, kept in enumerate(states):
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

    async def _are(self, kind: DocumentKind, asked: PoolRedemption, places: Sequence[int]) -> list[int]:
        """The places whose part has such a document."""
        ids = [(place, asked.hold_id(place)) for place in places]
        return [place for place, id in ids if await self._ledger.document(kind, asked.source, id) is not None]

    async def _take(self, asked: PoolRedemption, shares: Shares, parts: Sequence[int], actor: str) -> bool:
        """Set all parts aside, then take them; gives whether that was done before. Raises `Conflict` where one was let
        go, `InsufficientPoints`.
        """
        if await self._are(DocumentKind.VOID, asked, parts):
            raise Conflict
        of = [(asked.hold_id(place), asked.members[place], shares.points[place]) for place in parts]
        for id, member, n in of:
            await self._points.hold(Hold(source=asked.source, hold_id=id, points=n, member_id=member), actor)
        receipts = [
            await self._points.capture(Capture(source=asked.source, hold_id=id, points=n, member_id=member), actor)
            for id, member, n in of
        ]
        return all(receipt.repeated for receipt in receipts)

    async def _give_up(self, asked: PoolRedemption, parts: Sequence[int], actor: str) -> bool:
        """Let go of every part, and give back what was taken of one whose hold had lapsed and was enough all the same.
        False where somebody else took all of them meanwhile: then it is done, and stays so.

        A part is either taken or let go. So from the first that is let go on the redemption is dead: nobody can have
        taken all of them any more, and whoever comes next finishes this.
        """
        taken = []
        for place in await self._are(DocumentKind.HOLD, asked, parts):
            void = Void(source=asked.source, hold_id=asked.hold_id(place), member_id=asked.members[place])
            try:
                await self._points.void(void, actor)
            except Conflict:
                taken.append(place)
        if taken == parts:
            return False
        for place in taken:
            back = Restoration(
                source=asked.source,
                cancel_id=GIVEN_UP,
                redemption_id=OF_HOLD + asked.hold_id(place),
                member_id=asked.members[place],
            )
            await self._points.cancel(back, actor)
        return True
