"""What the shop's systems ask of the system, in what order, and what they heard: the history that is judged later.

Ids and members come from small pools, so that requests repeat, cross, and refer to what has not come yet.
"""

import asyncio
import random
from dataclasses import dataclass, field

from tests.simulation.machine import Away, Lost, Machine, Rooms, Trace
from tests.simulation.mail import NOWHERE

from laurels.clock import DAY
from laurels.dashboard import Dashboard
from laurels.errors import (
    BoardNotReady,
    Conflict,
    InsufficientPoints,
    LedgerUnavailable,
    LedgerUncertain,
    UnknownMember,
    VersionNotReached,
)
from laurels.ledger import Receipt
from laurels.model import Adjustment, DocumentKind, MemberEvent, Order, Redemption, Refund, Version

MEMBERS = ("ann", "bob", "cyd", "dee")
ADDRESSES = {"ann": "ann@example.com", "bob": "bob@example.com", "dee": NOWHERE}
TOTALS = (0, 499, 500, 1000, 1499, 2500, 60_000, 99_500, 101_000, 250_000)
"""Pence. With the last four a member passes 100 points soon."""
POISON = "CHF"
"""A currency that the program does not name."""

Paper = Order | Refund | Adjustment | Redemption


@dataclass
class Wish:
    """A document that the shop wants taken, and what it heard so far. `first` is the first answer to it."""

    paper: Paper
    kind: DocumentKind
    source: str
    id: str
    first: Receipt | None = None
    unknown: int = 0
    refused: int = 0

    def __str__(self) -> str:
        amount = self.paper.total if isinstance(self.paper, Order) else None
        amount = self.paper.amount if isinstance(self.paper, Refund) else amount
        what = self.paper.points if isinstance(self.paper, Adjustment | Redemption) else amount
        return f"{self.kind} {self.id} {self.paper.member_id} {what}"


@dataclass
class Change:
    """A member event that was asked for, and how often that was answered or not."""

    event: MemberEvent
    member_id: str
    acked: int = 0
    unknown: int = 0


@dataclass
class History:
    """All that was asked and heard."""

    wishes: list[Wish] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    seen: list[tuple[str, Dashboard]] = field(default_factory=list)

    def was_erased(self, member_id: str) -> bool:
        """Whether anybody asked for it."""
        return any(change.event is MemberEvent.ERASE and change.member_id == member_id for change in self.changes)


class SimulatedShop:
    """Tills, web shop and customers, each a task of its own."""

    def __init__(self, machine: Machine, rng: random.Random, trace: Trace) -> None:
        self.history = History()
        self._machine = machine
        self._dice = rng
        self._trace = trace
        self._token: Version | None = None

    async def trade(self) -> None:
        """Ask for everything that was planned, most of it at once and some of it more than once."""
        self.history.wishes = _plan(self._dice, self._machine.now())
        deck: list[Wish | Change | None] = [
            wish for wish in self.history.wishes for _ in range(self._dice.choice((1, 1, 1, 2, 3)))
        ]
        for _ in range(self._dice.randrange(4)):
            change = Change(self._dice.choice(list(MemberEvent)), self._dice.choice(MEMBERS))
            self.history.changes.append(change)
            deck.append(change)
        deck += [None] * 4
        if self._dice.random() < 0.8:
            self._dice.shuffle(deck)
        clients = self._dice.randint(1, 4)
        await asyncio.gather(*(self._client(n, deck[n::clients]) for n in range(clients)))

    async def settle(self) -> None:
        """Ask again for everything that was not answered, until all of it is."""
        for wish in self.history.wishes:
            while wish.first is None:
                refused = wish.refused
                assert await self._wish("again", wish)
                if wish.refused > refused:
                    break

    async def look(self, member_id: str, board: str = "all-time") -> bool:
        """Read a dashboard no older than the last one; whether there was one."""
        token = self._token
        try:
            seen = await self._machine.look(lambda services: services.member(member_id, board, min_version=token))
        except (Away, Lost, BoardNotReady, VersionNotReached) as error:
            self._trace("customer", "sees nothing", type(error).__name__)
            return False
        version = Version.parse(seen.as_of)
        self._trace("customer", "sees", seen.board, seen.as_of, member_id, seen.me.points, seen.me.rank)
        assert token is None or version.includes(token), f"{version} is older than {token}"
        if self._token is None or version.includes(self._token):
            self._token = version
        self.history.seen.append((member_id, seen))
        return True

    async def _client(self, number: int, deck: list[Wish | Change | None]) -> None:
        who = f"client {number}"
        for card in deck:
            await asyncio.sleep(self._dice.choice((0.0, 0.0, 0.001, 0.003)))
            match card:
                case Wish():
                    while not await self._wish(who, card):
                        pass
                case Change():
                    await self._change(who, card)
                case None:
                    await self.look(self._dice.choice(MEMBERS), self._dice.choice(("all-time", "month")))

    async def _wish(self, who: str, wish: Wish) -> bool:
        """Ask once. An answer to what was answered before is the first one again. False: nobody was there to ask."""
        known = wish.first
        try:
            receipt = await self._machine.ask(lambda rooms: _hand_in(rooms, wish.paper), lossy=True)
        except Away:
            await asyncio.sleep(0.005)
            return False
        except Lost:
            wish.unknown += 1
            heard = "nothing"
        except LedgerUncertain:
            wish.unknown += 1
            heard = "uncertain"
        except LedgerUnavailable:
            heard = "unavailable"
        except InsufficientPoints:
            wish.refused += 1
            heard = "refused"
            assert known is None, f"{wish} was taken, and is refused now"
        else:
            heard = receipt.status.value
            assert known is None or receipt.repeated, f"{wish} was taken twice"
            if wish.first is None:
                wish.first = receipt
            elif wish.kind in {DocumentKind.ADJUSTMENT, DocumentKind.REDEMPTION}:
                assert _position(receipt) == _position(wish.first), f"{wish} has two answers"
        self._trace(who, heard, wish)
        if known is not None and self._dice.random() < 0.2:
            await self._contradict(who, wish)
        return True

    async def _contradict(self, who: str, wish: Wish) -> None:
        """Other content under an id that was taken is a conflict, whatever died since; once the member was erased,
        nothing tells it from a repeat.
        """
        if not isinstance(wish.paper, Order):
            return
        other = Order(
            source=wish.source, order_id=wish.id, member_id="bob", currency="GBP", total=wish.paper.total + 101_000
        )
        try:
            await self._machine.ask(lambda rooms: rooms.intake.accept(other), lossy=True)
        except (Away, Lost, LedgerUnavailable, Conflict) as error:
            self._trace(who, type(error).__name__, "other content under", wish.id)
        else:
            assert self.history.was_erased(wish.paper.member_id), f"{wish} was taken again, with other content"
            self._trace(who, "repeated", "other content under", wish.id)

    async def _change(self, who: str, change: Change) -> None:
        try:
            await self._machine.ask(
                lambda rooms: rooms.members.change(change.member_id, change.event, actor="clerk"), lossy=True
            )
        except (Lost, LedgerUncertain) as error:
            change.unknown += 1
            heard = type(error).__name__
        except (Away, LedgerUnavailable, UnknownMember) as error:
            heard = type(error).__name__
        else:
            change.acked += 1
            heard = "done"
        self._trace(who, heard, change.event.value, change.member_id)


def _position(receipt: Receipt) -> str | None:
    return None if receipt.entry is None else receipt.entry.loyalty_id


async def _hand_in(rooms: Rooms, paper: Paper) -> Receipt:
    if isinstance(paper, Order | Refund):
        return await rooms.intake.accept(paper, b"as received")
    return await rooms.awarder.settle(paper.document())


def _plan(rng: random.Random, now: int) -> list[Wish]:
    wishes = []
    for n in range(rng.randint(2, 8)):
        id, member_id = f"o{n}", rng.choice(MEMBERS)
        currency = POISON if rng.random() < 0.05 else "GBP"
        order = Order(
            source="shop",
            order_id=id,
            member_id=member_id,
            currency=currency,
            total=rng.choice(TOTALS),
            occurred_at=_sometime(rng, now),
            email=ADDRESSES.get(member_id),
        )
        wishes.append(Wish(order, DocumentKind.ORDER, "shop", id))
        for part in range(rng.choice((0, 0, 1, 2))):
            refund = Refund(
                source="shop",
                refund_id=f"r{n}-{part}",
                member_id=member_id,
                order_id=id,
                currency=currency,
                amount=max(1, int(order.total * rng.choice((0.1, 0.5, 0.7, 1.0)))),
            )
            wishes.append(Wish(refund, DocumentKind.REFUND, "shop", refund.refund_id))
    for n in range(rng.randrange(3)):
        points = rng.choice((-20, 5, 30, 101))
        adjustment = Adjustment(id=f"a{n}", points=points, actor="clerk", member_id=rng.choice(MEMBERS))
        wishes.append(Wish(adjustment, DocumentKind.ADJUSTMENT, "clerk", adjustment.id))
    for n in range(rng.randrange(4)):
        redemption = Redemption(
            source="till", redemption_id=f"x{n}", points=rng.choice((1, 10, 50)), member_id=rng.choice(MEMBERS)
        )
        wishes.append(Wish(redemption, DocumentKind.REDEMPTION, "till", redemption.redemption_id))
    return wishes


def _sometime(rng: random.Random, now: int) -> int | None:
    return None if rng.random() < 0.6 else now - rng.randrange(40 * DAY)
