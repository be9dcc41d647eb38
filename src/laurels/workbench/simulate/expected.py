"""The ledger that the simulator expects: what was sent and answered, and therefore what must be in the ledger.

It adds up by a rule of their own, one line long, and shares nothing with the code that awards. A document that was
acknowledged must be in the ledger once; one that was sent and never answered may be there once or not at all.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from fractions import Fraction
from itertools import combinations
from math import floor

from msgspec import Struct, field

from laurels.model import EntryKind, Order, Refund
from laurels.program import Program


class ExpectedAnswer(StrEnum):
    """What a shop is told about a document: taken, taken before, or not taken."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    REFUSED = "refused"


class Rule(Struct, frozen=True):
    """`points` for every `per` of an amount (minor units), `half_up` or rounded down."""

    points: int
    per: int
    half_up: bool

    @classmethod
    def of(cls, program: Program, currency: str) -> "Rule":
        """The rule as a program's text states it."""
        return cls(program.earn.points, program.earn.per[currency], program.earn.rounding == "half-up")

    def points_of(self, amount: int) -> int:
        """The points of an amount, by fractions."""
        return floor(Fraction(amount * self.points, self.per) + (Fraction(1, 2) if self.half_up else 0))


class EarnedLine(Struct, frozen=True):
    """One entry of the ledger, as far as they are compared."""

    order_id: str
    kind: EntryKind
    points: int


class Findings(Struct):
    """What the comparison with the ledger found. `expected` are the points that the acknowledged documents make by the
    rule, `points` what is in the ledger; `lost`, `twice` and `wrong` say in words what is not as it should be.
    """

    entries: int = 0
    expected: int = 0
    points: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def differences(self) -> list[str]:
        """All that is not as it should be."""
        return [*self.lost, *self.twice, *self.wrong]


class _Sent(Struct):
    """One document, and what was said about it."""

    name: str
    amount: int
    acknowledged: bool = False
    refused: bool = False
    accepted: int = 0

    @property
    def unanswered(self) -> bool:
        return not self.acknowledged and not self.refused


class _Page(Struct):
    """One order with its refunds. `order` is None while only a refund of it was sent."""

    member_id: str
    order: _Sent | None = None
    refunds: dict[str, _Sent] = field(default_factory=dict)

    def documents(self) -> Iterator[_Sent]:
        if self.order is not None:
            yield self.order
        yield from self.refunds.values()


class ExpectedLedger:
    """What was sent, an order with its refunds on each page. Takes memory for each of them."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._pages: dict[str, _Page] = {}
        self.answers = dict.fromkeys(ExpectedAnswer, 0)

    def send(self, documents: Iterable[Order | Refund]) -> None:
        """Documents are on their way."""
        for document in documents:
            self._entered(document)

    def answer(self, documents: Iterable[Order | Refund], answers: Sequence[ExpectedAnswer]) -> None:
        """Documents were answered, in their order."""
        for document, answer in zip(documents, answers, strict=True):
            sent = self._entered(document)
            sent.acknowledged |= answer is not ExpectedAnswer.REFUSED
            sent.refused |= answer is ExpectedAnswer.REFUSED
            sent.accepted += answer is ExpectedAnswer.ACCEPTED
            self.answers[answer] += 1

    def count(self) -> tuple[int, int]:
        """How many documents were acknowledged, however often each was sent, and how many were never answered."""
        sent = list(self._documents())
        return sum(one.acknowledged for one in sent), sum(one.unanswered for one in sent)

    def order_ids(self) -> list[str]:
        """The acknowledged orders, as they were sent."""
        return [order_id for order_id, page in self._pages.items() if page.order and page.order.acknowledged]

    def member_ids(self) -> list[str]:
        """Everybody for whom anything was sent."""
        return sorted({page.member_id for page in self._pages.values()})

    def compare(self, lines: Iterable[EarnedLine]) -> Findings:
        """Hold what is expected against all entries that the ledger has of these orders."""
        found = Findings()
        there: dict[str, list[EarnedLine]] = {}
        for line in lines:
            there.setdefault(line.order_id, []).append(line)
            found.entries += 1
            found.points += line.points
        found.wrong += [f"order {order_id} was never sent" for order_id in sorted(there.keys() - self._pages.keys())]
        for order_id, page in self._pages.items():
            self._check(page, order_id, there.get(order_id, []), found)
        for sent in self._documents():
            if sent.refused:
                found.wrong.append(f"{sent.name} was refused")
            if sent.accepted > 1:
                found.twice.append(f"{sent.name} was called new {sent.accepted} times")
        return found

    def _check(self, page: _Page, order_id: str, lines: list[EarnedLine], found: Findings) -> None:
        """Hold one order with its refunds against its entries."""
        earned = [line.points for line in lines if line.kind is EntryKind.EARN]
        sure = [refund.amount for refund in page.refunds.values() if refund.acknowledged]
        unsure = [refund.amount for refund in page.refunds.values() if refund.unanswered]
        reversals = len(lines) - len(earned)
        if page.order is not None and page.order.acknowledged:
            found.expected += self._rule.points_of(page.order.amount - sum(sure))
            if not earned:
                found.lost.append(f"order {order_id} was acknowledged and is not awarded")
        if page.order is None or not earned:
            if lines:
                found.wrong.append(f"order {order_id} has entries without its own")
            return
        if len(earned) > 1:
            found.twice.append(f"order {order_id} is awarded {len(earned)} times")
        elif reversals < len(sure):
            found.lost.append(f"order {order_id}: {len(sure)} refunds were acknowledged, {reversals} took points back")
        elif reversals > len(sure) + len(unsure):
            found.twice.append(f"order {order_id}: {len(sure)} refunds were sent, {reversals} took points back")
        else:
            points = sum(line.points for line in lines)
            some = [part for n in range(len(unsure) + 1) for part in combinations(unsure, n)]
            possible = {self._rule.points_of(page.order.amount - sum(sure) - sum(part)) for part in some}
            if points not in possible:
                expected = " or ".join(map(str, sorted(possible)))
                found.wrong.append(f"order {order_id} has {points} points, expected {expected}")

    def _entered(self, document: Order | Refund) -> _Sent:
        """Where a document stands."""
        assert document.order_id is not None, "every refund of a made-up day names its order"
        page = self._pages.setdefault(document.order_id, _Page(document.member_id))
        if isinstance(document, Refund):
            return page.refunds.setdefault(document.refund_id, _Sent(f"refund {document.refund_id}", document.amount))
        if page.order is None:
            page.order = _Sent(f"order {document.order_id}", document.total)
        return page.order

    def _documents(self) -> Iterator[_Sent]:
        return (sent for page in self._pages.values() for sent in page.documents())
