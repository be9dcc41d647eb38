"""What is kept of an order, counted again from its entries: the same, whatever became of the order."""

from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from laurels.awarding import Programs
from laurels.awarding.orders import OrderRules
from laurels.awarding.recount import award_of
from laurels.awarding.refunds import Refunds, read_refunds, write_refunds
from laurels.ledger import Award, Item, Posting
from laurels.model import Amendment, Cancellation, DocumentKind, Entry, Order, Refund
from laurels.model.ordered import Ordered, ordered
from laurels.program import DEFAULT_PROGRAM, parse_program

PROGRAMS = Programs.of(parse_program(DEFAULT_PROGRAM))
SOURCES = ("shop", "till")
IDS = ("R1", "R2", "R3", "R4")
KEY = ("shop", "A1")

amounts = st.integers(0, 40_00)
refunds = st.tuples(st.just("refund"), st.sampled_from(SOURCES), st.sampled_from(IDS), st.integers(1, 40_00))
cancellations = st.tuples(st.just("cancel"), st.sampled_from(SOURCES), st.sampled_from(IDS), st.just(0))
amendments = st.tuples(st.just("amend"), st.sampled_from(SOURCES), st.just(""), amounts)
Step = tuple[str, str, str, int]


class Told:
    """An order by the rules, and the entries that they write."""

    def __init__(self, total: int) -> None:
        self.rules = OrderRules(PROGRAMS)
        self.entries: list[Entry] = []
        self._sequence = 0
        self._done: set[tuple[str, str, str]] = set()
        posting, self.award = self.rules.earn(self._item(DocumentKind.ORDER, "shop", "A1"), _order(total), 1)
        self._write([posting])

    def take(self, step: Step) -> None:
        """Each document once: the ledger answers a second one itself."""
        what, source, id, amount = step
        done: dict[str, Callable[[], tuple[list[Posting], Award]]] = {
            "refund": lambda: self._refund(source, id, amount),
            "cancel": lambda: self._cancel(source, id),
            "amend": lambda: self._amend(source, amount),
        }
        if what != "amend" and (what, source, id) in self._done:
            return
        self._done.add((what, source, id))
        postings, self.award = done[what]()
        self._write(postings)

    def _refund(self, source: str, id: str, amount: int) -> tuple[list[Posting], Award]:
        refund = Refund(
            source=source,
            refund_id=id,
            order_id="A1",
            order_source="shop",
            currency="GBP",
            amount=amount,
            member_id="ann",
        )
        return self.rules.refund(self._item(DocumentKind.REFUND, source, id), refund, self.award)

    def _cancel(self, source: str, id: str) -> tuple[list[Posting], Award]:
        cancellation = Cancellation(source=source, refund_id=id, order_id="A1", order_source="shop")
        return self.rules.cancel(self._item(DocumentKind.CANCELLATION, source, id), cancellation, self.award)

    def _amend(self, source: str, total: int) -> tuple[list[Posting], Award]:
        amendment = Amendment(order=_order(total), revision=self._sequence)
        return self.rules.amend(self._item(DocumentKind.AMENDMENT, source, "A1"), amendment, self.award)

    def _item(self, kind: DocumentKind, source: str, id: str) -> Item:
        self._sequence += 1
        return Item(
            sequence=self._sequence,
            kind=kind,
            source=source,
            id=id,
            member=1,
            order_key=KEY,
            accepted_at=self._sequence,
            content=b"",
        )

    def _write(self, postings: Sequence[Posting]) -> None:
        for posting in postings:
            self.entries.append(
                Entry(
                    shard=0,
                    position=len(self.entries) + 1,
                    kind=posting.kind,
                    member=posting.member,
                    points=posting.points,
                    currency=posting.currency,
                    amount=posting.amount,
                    source=posting.item.source if posting.refund_id else KEY[0],
                    order_id=KEY[1],
                    refund_id=posting.refund_id,
                    program_version=posting.program_version,
                    occurred_at=posting.occurred_at,
                    board_at=posting.board_at,
                    recorded_at=self._sequence,
                    details=posting.details,
                )
            )


def _order(total: int) -> Order:
    return Order(source="shop", order_id="A1", member_id="ann", currency="GBP", total=total)


@given(total=amounts, steps=st.lists(st.one_of(refunds, refunds, cancellations, amendments), max_size=12))
def test_what_is_kept_follows_from_the_entries(total: int, steps: list[Step]) -> None:
    told = Told(total)
    assert award_of(told.entries) == replace(told.award, content=None)
    for step in steps:
        told.take(step)
        kept = replace(read_refunds(told.award.refunded), earlier=())
        refunded = None if kept == Refunds() else write_refunds(kept)
        assert award_of(told.entries) == replace(told.award, frame=None, refunded=refunded, content=None)
        assert ordered_in_all(told.entries) == what_is_left(told.award)


def ordered_in_all(entries: Sequence[Entry]) -> Ordered:
    """What entries say of their orders, added up."""
    return Ordered(*map(sum, zip(*map(ordered, entries), strict=True)))


def what_is_left(award: Award) -> Ordered:
    """The same by what is kept of the order."""
    return Ordered(int(award.left > 0), award.left, award.points - award.reversed)
