"""A life of every kind of document under versions that differ, drawn without looking at a ledger: any can take it."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

from tests.conformance.ledger_book import LedgerBook

from laurels.awarding import Attributes
from laurels.clock import DAY, HOUR, MINUTE
from laurels.errors import LaurelsError
from laurels.ledger import DocumentState
from laurels.model import (
    Adjustment,
    Amendment,
    Cancellation,
    Document,
    Line,
    MemberEvent,
    Order,
    Redemption,
    Refund,
    Restoration,
    ReturnLine,
    Traits,
)
from laurels.model.money import MILLION
from laurels.model.spending import Capture, Hold, TierGrant, Transfer, Void

STEPS = 60
MEMBERS = ("ann", "bob", "cy", "dee")
SOURCES = ("shop", "till")
CATEGORIES = ("fuel", "dairy", "home", "other")

PLAIN: dict[str, Any] = {"rates": [{"name": "all", "points": 1, "per": {"GBP": "1.00", "EUR": "2.00"}}]}
DEEP: dict[str, Any] = {
    "rates": [
        {"name": "fuel", "match": {"category": ["fuel"]}, "points": 1, "per": {"GBP": "2.00"}},
        {"name": "all", "points": 1, "per": {"GBP": "1.00", "EUR": "0.70"}},
    ],
    "campaigns": [
        {"name": "dairy", "match": {"category": ["dairy"]}, "multiply": "2.5", "caps": {"day": 30}, "budget": 120},
        {"name": "welcome", "points": 9, "where": {"nth_order": 1}, "spend_min": {"GBP": "5.00"}},
        {"name": "students", "multiply": "2", "where": {"segment": ["student"]}, "caps": {"ever": 70}},
        {"name": "best", "multiply": "1.5", "group": "week"},
        {"name": "home", "match": {"category": ["home"]}, "points": 5, "group": "week"},
    ],
    "groups": [{"name": "week", "scope": "order"}],
    "caps": {"order": 90, "day": 150},
}
ALSO: list[dict[str, Any]] = [
    {},
    {"rounding": {"to": "carry"}},
    {"rounding": {"to": "floor", "at": "order"}},
    {"pending": {"days": 14}},
    {"expiry": {"kind": "after-months", "months": 1}},
    {"expiry": {"kind": "inactivity", "months": 1}},
    {
        "tiers": {
            "counts": "base",
            "levels": [{"name": "blue", "reach": 0}, {"name": "gold", "reach": 60, "multiply": "2"}],
        }
    },
]
VERSIONS = ("2026-01-20T00:00:00Z", "2026-02-10T00:00:00Z")

Step = Callable[[LedgerBook], Awaitable[Any]]


def some_programs(r: random.Random) -> list[dict[str, Any]]:
    """One to three versions, each of its own kind."""
    programs = []
    for number, begins in enumerate((None, *r.sample(VERSIONS, r.randint(0, 2))), 1):
        rules = r.choice([PLAIN, DEEP, DEEP])
        for also in r.sample(ALSO, r.randint(0, 3)):
            rules = rules | also
        programs.append(rules | {"version": number} | ({"from": begins} if begins else {}))
    starts = sorted(program["from"] for program in programs[1:])
    return [programs[0], *(program | {"from": at} for program, at in zip(programs[1:], starts, strict=True))]


class Life:
    """Steps that any ledger can take, drawn without looking at one: each names what may be there, or not."""

    def __init__(self, r: random.Random) -> None:
        self._r = r
        self._number = 0
        self._things: dict[str, list[tuple[str, str, str]]] = {}

    def steps(self) -> list[tuple[str, Step]]:
        """All of a life, each with its name."""
        return [self._step() for _ in range(STEPS)]

    def _step(self) -> tuple[str, Step]:
        self._number += 1
        what = self._r.choices(list(KINDS), list(KINDS.values()))[0]
        return f"{what} {self._number}", getattr(self, f"_{what}")()

    def _member(self) -> str:
        return self._r.choice(MEMBERS)

    def _source(self) -> str:
        return self._r.choice(SOURCES)

    def _made(self, what: str, source: str, member: str) -> tuple[str, str, str]:
        """A new thing: its source, id and member."""
        self._things.setdefault(what, []).append((source, f"{what}{self._number}", member))
        return self._things[what][-1]

    def _one_of(self, what: str) -> tuple[str, str, str]:
        """One of the last things of a kind, now and then under another's name; or one that comes in a moment."""
        r, things = self._r, self._things.get(what, [])
        if not things or r.random() < 0.1:
            return self._source(), f"{what}{self._number + r.randint(1, 3)}", self._member()
        source, id, member = r.choice(things[-5:])
        return source, id, member if r.random() < 0.9 else self._member()

    def _bought(self, source: str, id: str, member: str) -> Order:
        r = self._r
        lines, traits = [], []
        for _ in range(r.choice([0, 1, 2, 3])):
            lines.append(Line("x", r.choice([1, 2]) * MILLION, r.randint(0, 30_00) * MILLION // 100))
            traits.append(Traits(category=r.choice(CATEGORIES)))
        total = (
            sum(line.quantity * line.unit_price for line in lines) * 100 // MILLION**2 if lines else r.randint(0, 60_00)
        )
        return Order(
            source=source,
            order_id=id,
            member_id=member,
            currency="EUR" if member == "dee" else "GBP",
            total=total,
            lines=tuple(lines),
            traits=tuple(traits),
        )

    def _order(self) -> Step:
        order = self._bought(*self._made("o", self._source(), self._member()))
        ago = self._r.choice([0, 0, 0, 3, 40])

        async def do(book: LedgerBook) -> Any:
            at = book.now - ago * DAY if ago else None
            return await sent(book, _at(order, at).document())

        return do

    def _change(self) -> Step:
        return sends(Amendment(revision=self._number, order=self._bought(*self._one_of("o"))).document())

    def _refund(self) -> Step:
        r, (of, order_id, member) = self._r, self._one_of("o")
        source, id, _ = self._made("r", r.choice([of, self._source()]), order_id)
        lines = () if r.random() < 0.6 else (ReturnLine(r.randint(1, 3), r.randint(1, 9_00)),)
        refund = Refund(
            source=source,
            refund_id=id,
            order_id=order_id,
            member_id=member,
            currency=r.choice(["GBP"] * 7 + ["EUR"]),
            amount=0 if lines else r.choice([1_00, 7_50, 99_00]),
            lines=lines,
            order_source=of,
        )
        return sends(refund.document())

    def _unlinked(self) -> Step:
        return sends(
            Refund(
                source=self._source(),
                refund_id=f"u{self._number}",
                member_id=self._member(),
                currency="GBP",
                amount=self._r.randint(1, 9_00),
            ).document()
        )

    def _unrefund(self) -> Step:
        source, id, order_id = self._one_of("r")
        if not order_id.startswith("o"):
            order_id = self._one_of("o")[1]
        of = next((of for of, order, _ in self._things.get("o", []) if order == order_id), source)
        return sends(Cancellation(source=source, refund_id=id, order_id=order_id, order_source=of).document())

    def _redeem(self) -> Step:
        source, id, member = self._made("d", self._source(), self._member())
        points = self._r.randint(1, 25)
        return settles(Redemption(source=source, redemption_id=id, points=points, member_id=member).document())

    def _restore(self) -> Step:
        of_hold = self._r.random() < 0.3
        source, id, member = self._one_of("h" if of_hold else "d")
        return settles(
            Restoration(
                source=source,
                cancel_id=f"c{self._number}",
                redemption_id=f"hold:{id}" if of_hold else id,
                points=self._r.choice([None, 1, 5]),
                member_id=member,
            ).document()
        )

    def _hold(self) -> Step:
        source, id, member = self._made("h", self._source(), self._member())
        minutes, points = self._r.choice([15, 3 * 24 * 60]), self._r.randint(1, 20)
        return settles(Hold(source=source, hold_id=id, points=points, minutes=minutes, member_id=member).document())

    def _capture(self) -> Step:
        source, id, member = self._one_of("h")
        points = self._r.randint(1, 15)
        return settles(Capture(source=source, hold_id=id, points=points, member_id=member).document())

    def _void(self) -> Step:
        source, id, member = self._one_of("h")
        return settles(Void(source=source, hold_id=id, member_id=member).document())

    def _adjust(self) -> Step:
        r = self._r
        points, member, later, board = r.randint(-30, 40), self._member(), r.choice([None, 1, 20, 90]), r.random() < 0.7
        id = f"j{self._number}"

        async def do(book: LedgerBook) -> Any:
            expires = book.now + later * DAY if later and points > 0 else None
            said = Adjustment(id=id, points=points, actor="clerk", member_id=member, board=board, expires_at=expires)
            return await settled(book, said.document())

        return do

    def _transfer(self) -> Step:
        giver, to = self._r.sample(MEMBERS, 2)
        id, points = f"t{self._number}", self._r.randint(1, 20)

        async def do(book: LedgerBook) -> Any:
            named = await book.ledger.member(to)
            if named is None:
                return "nobody"
            said = Transfer(source="till", transfer_id=id, to=named.number, points=points, member_id=giver)
            return await settled(book, said.document())

        return do

    def _grant(self) -> Step:
        id, member, days = f"g{self._number}", self._member(), self._r.randint(1, 40)

        async def do(book: LedgerBook) -> Any:
            said = TierGrant(source="till", grant_id=id, tier="gold", until=book.now + days * DAY, member_id=member)
            return await settled(book, said.document())

        return do

    def _say(self) -> Step:
        member, segments = self._member(), ("student",) if self._r.random() < 0.6 else ()

        async def do(book: LedgerBook) -> Any:
            return await tried(book.ledger.set_attributes(member, Attributes(segments=segments).encode()))

        return do

    def _merge(self) -> Step:
        (gone, into), really = self._r.sample(MEMBERS, 2), self._r.random() < 0.4

        async def do(book: LedgerBook) -> Any:
            return await tried(book.awarder.merge(gone, into, actor="clerk")) if really else None

        return do

    def _erase(self) -> Step:
        member, really = self._member(), self._r.random() < 0.3

        async def do(book: LedgerBook) -> Any:
            return await tried(book.ledger.change_member(member, MemberEvent.ERASE, actor="clerk")) if really else None

        return do

    def _forget(self) -> Step:
        days = self._r.choice([5, 30])

        async def do(book: LedgerBook) -> None:
            while await book.ledger.forget_content(recorded_before=book.now - days * DAY, limit=10):
                pass

        return do

    def _time(self) -> Step:
        span = self._r.choice([MINUTE, HOUR, DAY, 12 * DAY, 31 * DAY])

        async def do(book: LedgerBook) -> None:
            book.now += span

        return do

    def _sweep(self) -> Step:
        return lambda book: book.step({"do": "sweep"})

    def _die(self) -> Step:
        return lambda book: book.died()


KINDS = {
    "order": 10, "change": 4, "refund": 5, "unlinked": 1, "unrefund": 2, "redeem": 3, "restore": 2, "hold": 3,
    "capture": 2, "void": 1, "adjust": 3, "transfer": 3, "grant": 1, "say": 2, "merge": 1, "erase": 1, "forget": 1,
    "time": 6, "sweep": 1, "die": 1,
}  # fmt: skip


def _at(order: Order, at: int | None) -> Order:
    return Order(**{name: getattr(order, name) for name in Order.__struct_fields__} | {"occurred_at": at})


def sends(document: Document) -> Step:
    """A document for the inbox."""
    return lambda book: sent(book, document)


def settles(document: Document) -> Step:
    """A document that is answered at once."""
    return lambda book: settled(book, document)


async def sent(book: LedgerBook, document: Document) -> Any:
    """What became of a document: its points, where it was awarded. Of another shard's member, what names an order as
    another one's waits for a month and is quarantined then; of the same shard's at once.
    """
    [receipt] = await book.ledger.accept([document])
    await book.awarder.drain()
    state = await book.ledger.document(document.kind, document.source, document.id)
    return receipt.conflict, _short(state)


def _short(state: DocumentState | None) -> Any:
    if state is None or state.entry is None:
        return None
    return state.entry.kind, state.entry.points, state.entry.details


async def settled(book: LedgerBook, document: Document) -> Any:
    """The same of what is answered at once."""
    [receipt] = await book.awarder.settle_all([document])
    await book.awarder.drain()
    if isinstance(receipt, LaurelsError):
        return type(receipt).__name__
    return receipt.conflict, receipt.entry and (receipt.entry.kind, receipt.entry.points)


async def tried(doing: Awaitable[Any]) -> str | None:
    """The name of what was raised."""
    try:
        await doing
    except LaurelsError as error:
        return type(error).__name__
    return None
