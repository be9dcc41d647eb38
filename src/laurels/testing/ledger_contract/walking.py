"""A random walk with a slow and obvious twin beside it: after each step both must say the same of every member."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from msgspec.structs import replace

from laurels.errors import InsufficientPoints
from laurels.model import Balance, MemberEvent, Order, Refund, Status
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.awarding import DOUBLED
from laurels.testing.ledger_contract.base import LedgerSuite, OpenLedger, Shop, adjustment, opened_again, redemption

STEPS = 250
MEMBERS = ("ann", "bob", "cy", "dee")


@dataclass
class WalkedMember:
    """A member under one number: who is erased and comes back is another person."""

    balance: int = 0
    earned: int = 0
    score: int = 0
    erased: bool = False


@dataclass
class Bought:
    """What the twin keeps of an awarded order."""

    person: WalkedMember
    left: int
    double: bool


@dataclass
class LedgerTwin:
    """What a ledger must say, worked out the plain way."""

    version: int = 1
    persons: dict[str, WalkedMember] = field(default_factory=dict)
    taken: dict[str, Order | Refund] = field(default_factory=dict)
    status: dict[str, Status] = field(default_factory=dict)
    inbox: list[tuple[Order | Refund, WalkedMember | None]] = field(default_factory=list)
    waiting: list[tuple[Refund, WalkedMember | None]] = field(default_factory=list)
    came_under: dict[str, int] = field(default_factory=dict)
    owners: dict[str, WalkedMember | None] = field(default_factory=dict)
    orders: dict[str, Bought] = field(default_factory=dict)

    def enrol(self, member_id: str) -> WalkedMember:
        """Give the person whom this id means now."""
        if member_id not in self.persons:
            person = self.persons[member_id] = WalkedMember()
            for key, owner in self.owners.items():
                if owner is None and self.taken[key].member_id == member_id:
                    self.owners[key] = person
        return self.persons[member_id]

    def accept(self, document: Order | Refund) -> tuple[bool, bool]:
        """Whether it is a repeat, and whether it is a conflict."""
        key = name(document)
        if key in self.taken:
            owner = self.owners[key]
            same = self.taken[key] == document or (owner is not None and owner.erased)  # then the key alone decides
            return same, not same
        self.taken[key], self.status[key] = document, Status.ACCEPTED
        self.came_under[key] = self.version
        linked = isinstance(document, Refund) and document.order_id is not None
        if linked:
            person = self._erased_buyer(document) or self.persons.get(document.member_id)
        else:
            person = self.enrol(document.member_id)
        self.owners[key] = person
        self.inbox.append((document, person))
        return False, False

    def award(self) -> None:
        """Take everything in order of acceptance."""
        for document, person in self.inbox:
            if isinstance(document, Order):
                assert person is not None
                self._earn(document, person)
            elif document.order_id is None:
                assert person is not None
                self._move(person, -points(document.amount, self._double(document)))
                self.status[name(document)] = Status.AWARDED
            else:
                self._reverse(document, person)
        self.inbox.clear()

    def erase(self, member_id: str) -> None:
        """Forget the id. What is under way goes to the person whom the id meant."""
        person = self.persons.pop(member_id)
        person.erased = True
        self.inbox = [(each, _whose(each, who, member_id, person)) for each, who in self.inbox]
        self.waiting = [(each, _whose(each, who, member_id, person)) for each, who in self.waiting]

    def _erased_buyer(self, document: Order | Refund) -> WalkedMember | None:
        """What comes for an erased member's order is that member's, whoever has the id by now."""
        owner = self.owners.get(f"order {document.order_id}")
        return owner if owner is not None and owner.erased else None

    def _earn(self, order: Order, person: WalkedMember) -> None:
        self._move(person, points(order.total, self._double(order)))
        self.orders[order.order_id] = Bought(person, order.total, self._double(order))
        self.status[name(order)] = Status.AWARDED
        released = [each for each in self.waiting if each[0].order_id == order.order_id]
        self.waiting = [each for each in self.waiting if each not in released]
        for refund, who in released:
            self._reverse(refund, who)

    def _reverse(self, refund: Refund, person: WalkedMember | None) -> None:
        bought = self.orders.get(refund.order_id or "")
        if bought is None:
            self.waiting.append((refund, person))
            self.status[name(refund)] = Status.WAITING
        elif (person or self.persons.get(refund.member_id)) is not bought.person:
            self.status[name(refund)] = Status.QUARANTINED
        else:
            keeps = max(0, bought.left - refund.amount)
            self._move(bought.person, points(keeps, bought.double) - points(bought.left, bought.double))
            bought.left = keeps
            self.status[name(refund)] = Status.AWARDED

    def _double(self, document: Order | Refund) -> bool:
        """By the version in force when it came: every even one doubles."""
        return self.came_under[name(document)] % 2 == 0

    def _move(self, person: WalkedMember, moved: int) -> None:
        person.balance += moved
        person.earned += moved
        person.score += moved


class WalkingTests(LedgerSuite):
    """Accept, repeat, conflict, refund before order, partial refunds, spend, correct, erase, change the program."""

    async def test_after_each_step_a_balance_is_what_the_twin_says(
        self, shop: Shop, open_ledger: OpenLedger, rng: Random
    ) -> None:
        """Two processes take turns."""
        twin = LedgerTwin()
        async with opened_again(open_ledger, shop) as other:
            for n in range(STEPS):
                await _step((shop, other), twin, rng, n)
                looking = rng.choice((shop, other))
                for member_id in MEMBERS:
                    person = twin.persons.get(member_id)
                    found = await looking.ledger.balance(member_id)
                    expected = person and Balance(person.balance, person.earned, person.score)
                    assert (found and found[0]) == expected, f"step {n}: {member_id}"
                assert await looking.ledger.inbox_depth() == len(twin.inbox)
            for key, document in twin.taken.items():
                assert (await other.state(document)).status is twin.status[key], key


async def _step(shops: Sequence[Shop], twin: LedgerTwin, rng: Random, n: int) -> None:
    shop = rng.choice(shops)
    member_id = rng.choice(MEMBERS)
    match rng.choice(("documents",) * 8 + ("award",) * 4 + ("spend", "spend", "correct", "erase", "hide", "program")):
        case "documents":
            documents = [_document(twin, rng, f"{n}-{each}") for each in range(rng.randint(1, 4))]
            expected = [twin.accept(each) for each in documents]
            receipts = await shop.accept(*documents)
            assert [(receipt.repeated, receipt.conflict) for receipt in receipts] == expected
        case "award":
            twin.award()
            await shop.award(limit=rng.randint(1, 20))
        case "spend":
            await _spend(shop, twin, member_id, rng.randint(1, 40), f"S{n}")
        case "correct":
            person, moved = twin.enrol(member_id), rng.randint(-20, 40)
            person.balance += moved
            person.score += moved
            await shop.awarder.settle(adjustment(f"J{n}", member_id, moved))
        case "erase" if member_id in twin.persons:
            twin.erase(member_id)
            await shop.ledger.change_member(member_id, MemberEvent.ERASE, actor="clerk")
        case "hide" if member_id in twin.persons:
            event = rng.choice((MemberEvent.HIDE, MemberEvent.SHOW, MemberEvent.RENAME))
            await shop.ledger.change_member(member_id, event, actor="clerk")
        case "program":
            twin.version += 1
            text = DOUBLED if twin.version % 2 == 0 else DEFAULT_PROGRAM
            await shop.adopt(re.sub(r"version = \d+", f"version = {twin.version}", text))


async def _spend(shop: Shop, twin: LedgerTwin, member_id: str, spent: int, id: str) -> None:
    person = twin.persons.get(member_id, WalkedMember())
    covered = person.balance >= spent
    try:
        await shop.awarder.settle(redemption(id, member_id, spent))
    except InsufficientPoints:
        assert not covered
    else:
        assert covered
        person.balance -= spent


def _document(twin: LedgerTwin, rng: Random, id: str) -> Order | Refund:
    """A new order or refund, or one that was there before: as it was, or with something changed."""
    member_id, amount = rng.choice(MEMBERS), rng.choice((0, 499, 500, 1000, 1499, 2500, rng.randint(1, 30_000)))
    kind = rng.choice(("order", "refund", "repeat"))
    orders = [each for each in twin.taken.values() if isinstance(each, Order)]
    if kind == "repeat" and twin.taken:
        again = rng.choice(list(twin.taken.values()))
        return again if rng.random() < 0.7 else _changed(again)
    if kind == "refund":
        of = rng.choice(orders) if orders and rng.random() < 0.8 else None
        order_id = rng.choice((None, f"A{id}-later")) if of is None else of.order_id
        if of is not None and rng.random() < 0.9:
            member_id = of.member_id
        return Refund(
            source="shop", refund_id=f"R{id}", order_id=order_id, member_id=member_id, currency="GBP", amount=amount
        )
    awaited = [refund for refund, _ in twin.waiting if refund.order_id not in {each.order_id for each in orders}]
    if awaited and rng.random() < 0.5:
        refund = rng.choice(awaited)
        return _order(refund.order_id or "", refund.member_id, amount)
    return _order(f"A{id}", member_id, amount)


def _order(order_id: str, member_id: str, total: int) -> Order:
    return Order(source="shop", order_id=order_id, member_id=member_id, currency="GBP", total=total)


def _changed(document: Order | Refund) -> Order | Refund:
    return replace(document, member_id="mallory")


def _whose(
    document: Order | Refund, person: WalkedMember | None, member_id: str, erased: WalkedMember
) -> WalkedMember | None:
    return erased if person is None and document.member_id == member_id else person


def name(document: Order | Refund) -> str:
    """What a document is known by."""
    return f"order {document.order_id}" if isinstance(document, Order) else f"refund {document.refund_id}"


def points(amount: int, double: bool) -> int:  # noqa: FBT001
    """1 point for every 10.00, or 2, half-up."""
    return int((Decimal(amount) * (2 if double else 1) / 1000).quantize(Decimal(1), ROUND_HALF_UP))
