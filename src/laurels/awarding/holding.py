"""What tills set aside, take and let go, what members give each other, and tiers given by hand: each with its entry,
of 0 points where none move.
"""

from typing import TypeVar

import msgspec

from laurels.awarding.baskets import known_by
from laurels.awarding.purses import write_spent
from laurels.awarding.reading import read
from laurels.awarding.workspace import Workspace
from laurels.clock import MINUTE
from laurels.errors import Conflict, InvalidInput, Refused, UnknownMember
from laurels.ledger import OF_HOLD, Item, Onward, Posting, RedemptionState
from laurels.model import DocumentKind, EntryKind
from laurels.model.details import HoldDetails, RedeemDetails, TierDetails, TransferDetails, encode
from laurels.model.spending import Capture, Given, Hold, TierGrant, Transfer, Void
from laurels.program import Spent, StateChange, capture, give, grant_tier, hold, receive, tier_at, void

T = TypeVar("T")

_hold = msgspec.json.Decoder(Hold)
_capture = msgspec.json.Decoder(Capture)
_void = msgspec.json.Decoder(Void)
_transfer = msgspec.json.Decoder(Transfer)
_given = msgspec.json.Decoder(Given)
_grant = msgspec.json.Decoder(TierGrant)
_spent = msgspec.msgpack.Decoder(tuple[Spent, ...])

HELD = frozenset(
    {
        DocumentKind.HOLD,
        DocumentKind.CAPTURE,
        DocumentKind.VOID,
        DocumentKind.TRANSFER,
        DocumentKind.GIVEN,
        DocumentKind.GRANT,
    }
)
"""The kinds that are taken here."""


class Holding:
    """Judges them. A member that one of these meets has a state from then on, whatever the programs."""

    def __init__(self, work: Workspace) -> None:
        self._work = work

    def take(self, item: Item) -> None:
        """Judge a document of these kinds. Raises `UnknownMember`, `InsufficientPoints`, `Conflict`, `Refused`,
        `InvalidInput`.
        """
        member = item.member
        if member is None:
            raise UnknownMember
        match item.kind:
            case DocumentKind.HOLD:
                self._hold(item, member, read(_hold, item))
            case DocumentKind.CAPTURE:
                self._capture(item, member, read(_capture, item))
            case DocumentKind.VOID:
                self._void(item, member, read(_void, item))
            case DocumentKind.TRANSFER:
                self._transfer(item, member, read(_transfer, item))
            case DocumentKind.GIVEN:
                self._receive(item, member, read(_given, item))
            case DocumentKind.GRANT:
                self._grant(item, member, read(_grant, item))

    def _hold(self, item: Item, member: int, said: Hold) -> None:
        work = self._work
        id = known_by(said.source, said.hold_id)
        change = hold(work.in_force, work.state(member), id, said.points, now=work.now, minutes=said.minutes)
        until = work.now + said.minutes * MINUTE
        self._write(item, member, EntryKind.HOLD, change, encode(HoldDetails(said.points, until, said.shares)))

    def _capture(self, item: Item, member: int, said: Capture) -> None:
        work = self._work
        try:
            change = capture(
                work.in_force,
                work.state(member),
                known_by(said.source, said.hold_id),
                said.points,
                now=work.now,
            )
        except Refused as error:
            raise Conflict("More than is held. Nothing was changed.") from error
        self._write(item, member, EntryKind.REDEEM, change, encode(RedeemDetails(change.lots)))
        spent = write_spent(change.spent)
        if spent is not None:
            redeemed = RedemptionState(member=member, points=said.points, restored=0, spent=spent)
            work.keep_redeemed((said.source, OF_HOLD + said.hold_id), redeemed)

    def _void(self, item: Item, member: int, said: Void) -> None:
        work = self._work
        change = void(work.in_force, work.state(member), known_by(said.source, said.hold_id), now=work.now)
        self._write(item, member, EntryKind.VOID, change, None)

    def _transfer(self, item: Item, member: int, said: Transfer) -> None:
        if said.to == member:
            raise Conflict("A member cannot give points to itself. Nothing was changed.")
        work = self._work
        change = give(work.in_force, work.state(member), said.points, now=work.now)
        details = encode(TransferDetails(to=said.to, lots=change.lots))
        self._write(item, member, EntryKind.TRANSFER, change, details)
        market = work.claim.markets.get(member, "")
        given = Given(of=member, spent=msgspec.msgpack.encode(change.spent), market=market)
        content = msgspec.json.encode(given)
        work.send_on(Onward(kind=DocumentKind.GIVEN, source=item.source, id=item.id, member=said.to, content=content))

    def _receive(self, item: Item, member: int, said: Given) -> None:
        work = self._work
        change = receive(work.in_force, work.state(member), _spent.decode(said.spent), now=work.now)
        details = encode(TransferDetails(of=said.of, lots=change.lots, market=said.market))
        self._write(item, member, EntryKind.TRANSFER, change, details)

    def _grant(self, item: Item, member: int, said: TierGrant) -> None:
        work, program = self._work, self._work.in_force
        if program.tiers is None or all(level.name != said.tier for level in program.tiers.levels):
            raise Refused(f"the program in force (version {program.version}) has no tier {said.tier}")
        if said.until <= work.now:
            raise InvalidInput.of("until", "must lie ahead: a tier until then would be gone already")
        state = work.state(member)
        before = tier_at(program, state, work.now)
        state = grant_tier(program, state, said.tier, said.until, now=work.now)
        details = TierDetails(before, tier_at(program, state, work.now), said.tier, said.until)
        change = StateChange(points=0, member_after=state)
        self._write(item, member, EntryKind.TIER, change, encode(details), reason=said.reason)

    def _write(
        self, item: Item, member: int, kind: EntryKind, change: StateChange, details: bytes | None, *, reason: str = ""
    ) -> None:
        posting = Posting(
            item=item,
            kind=kind,
            member=member,
            points=change.points,
            reason=reason,
            occurred_at=item.accepted_at,
            board_at=item.accepted_at,
            details=details,
        )
        self._work.post(posting)
        self._work.keep_state(item, member, change.member_after, change.lapses)
