"""What is kept of an order under programs in depth fits its entries, whatever became of the order and of others beside
it; and nothing else fits them.
"""

from collections.abc import Iterator, Sequence

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.property.test_program_evaluation import DEEP, FLOORED
from tests.property.test_recount import ordered_in_all, what_is_left

from laurels.awarding import Programs
from laurels.awarding.decide import decide_or_raise
from laurels.awarding.recount import fits
from laurels.awarding.refunds import EarlierFrame, read_refunds, write_refunds
from laurels.errors import LaurelsError
from laurels.ledger import Award, Claim, Item, MemberState, Outcome, Posting
from laurels.model import Amendment, Cancellation, Document, Entry, Order, Refund, ReturnLine
from laurels.model.lines import Line, Traits
from laurels.program import DEFAULT_PROGRAM, Frame, Program, parse_program

MEMBER = 1
KEY = ("shop", "A1")
UNIT = 1_000_000
MINOR = 10_000
NOW = 1_793_530_800_000_000
SIMPLE = parse_program(DEFAULT_PROGRAM)
LAPSING = parse_program(f'{DEFAULT_PROGRAM}\n[expiry]\nkind = "after-months"\nmonths = 1\n')
KINDS = (Traits("home"), Traits("fuel/diesel"), Traits("home", "own"), Traits("home", tags=("x",)))

prices = st.lists(st.integers(0, 30_00), min_size=1, max_size=len(KINDS)).map(tuple)
asked = st.tuples(
    st.integers(0, 40_00),
    st.lists(st.builds(ReturnLine, st.integers(1, 4), st.integers(1, 20_00)), max_size=2).map(tuple),
)
ids = st.sampled_from(["R1", "R2", "R3", "R4"])
steps = st.one_of(
    st.tuples(st.just("refund"), ids, asked),
    st.tuples(st.just("refund"), ids, asked),
    st.tuples(st.just("cancel"), ids, st.none()),
    st.tuples(st.just("amend"), st.just(""), prices),
    st.tuples(st.just("buy"), st.just(""), prices),
)

CARRIED_AWAY = ("buy", "", (10_47,))
"""What is left over of the order makes a point of the next one: a change takes back more than the order had earned."""


class _Book:
    """One member's ledger, by the judgement alone."""

    def __init__(self, program: Program) -> None:
        self.entries: list[Entry] = []
        self.awards: dict[tuple[str, str], Award] = {}
        self._programs = Programs.of(program)
        self._member = MemberState()
        self._budgets: dict[str, int] = {}
        self._taken: set[tuple[str, str]] = set()
        self._sequence = 0

    def open(self, bought: Sequence[int], changes: Sequence[Sequence[int]]) -> None:
        """The order, which was changed so often before it was awarded."""
        waiting = [self._item(self._change(prices)) for prices in changes]
        self._judge(self._item(_order("A1", bought)), waiting)

    def take(self, step: tuple[str, str, object]) -> None:
        """A document that comes later, each once; what is refused changes nothing."""
        document = self._document(*step)
        if (document.kind, document.id) in self._taken:
            return
        self._taken.add((document.kind, document.id))
        try:
            self._judge(self._item(document), [])
        except LaurelsError:
            return

    def _document(self, what: str, id: str, of: object) -> Document:
        match what, of:
            case "refund", (int(amount), tuple(lines)):
                return Refund(
                    source="shop",
                    refund_id=id,
                    order_id="A1",
                    currency="GBP",
                    amount=amount if amount or lines else 1,
                    lines=lines,
                ).document()
            case "cancel", _:
                return Cancellation(source="shop", refund_id=id, order_id="A1").document()
            case "amend", tuple(prices):
                return self._change(prices)
            case _, tuple(prices):
                return _order(f"B{self._sequence}", prices)
        raise AssertionError(what)

    def _change(self, prices: Sequence[int]) -> Document:
        return Amendment(revision=self._sequence + 1, order=_made("A1", prices)).document()

    def _item(self, document: Document) -> Item:
        self._sequence += 1
        return Item(
            sequence=self._sequence,
            kind=document.kind,
            source=document.source,
            id=document.id,
            member=MEMBER,
            order_key=document.order_key,
            accepted_at=NOW + self._sequence,
            content=document.content,
        )

    def _judge(self, item: Item, waiting: list[Item]) -> None:
        claim = Claim(
            now=NOW + self._sequence,
            program_version=0,
            items=[item],
            overdue=[],
            awards=dict(self.awards),
            orders={},
            waiting={KEY: waiting} if waiting else {},
            members={MEMBER: self._member},
            redemptions={},
            budgets=dict(self._budgets),
        )
        outcome = decide_or_raise(claim, self._programs)
        assert (outcome.waiting, outcome.quarantined) == ([], [])
        self._keep(claim, outcome)

    def _keep(self, claim: Claim, outcome: Outcome) -> None:
        totals = claim.members[MEMBER].totals
        self._member = MemberState(totals, outcome.states.get(MEMBER, self._member.state))
        self._budgets = claim.budgets
        self.awards |= outcome.awards
        self.entries += [
            _entry(posting, position)
            for position, posting in enumerate(outcome.postings, len(self.entries))
            if posting.order_key == KEY
        ]


def _made(order_id: str, prices: Sequence[int]) -> Order:
    return Order(
        source="shop",
        order_id=order_id,
        member_id="ann",
        currency="GBP",
        total=sum(prices),
        lines=tuple(Line(f"s{n}", UNIT, price * MINOR) for n, price in enumerate(prices)),
        traits=KINDS[: len(prices)],
    )


def _order(order_id: str, prices: Sequence[int]) -> Document:
    return _made(order_id, prices).document()


def _entry(posting: Posting, position: int) -> Entry:
    return Entry(
        shard=0,
        position=position,
        kind=posting.kind,
        member=posting.member,
        points=posting.points,
        currency=posting.currency,
        amount=posting.amount,
        source=posting.item.source,
        order_id=KEY[1],
        refund_id=posting.refund_id,
        program_version=posting.program_version,
        occurred_at=posting.occurred_at,
        board_at=posting.board_at,
        recorded_at=NOW,
        details=posting.details,
    )


def _of_another_total(earlier: EarlierFrame) -> Iterator[EarlierFrame]:
    frame = Frame.decode(earlier.frame)
    yield replace(earlier, frame=replace(frame, net=(*frame.net[1:], frame.net[0] + 1)).encode())


def _others(award: Award) -> Iterator[Award]:
    """What could be kept instead, and is not so."""
    for field in ("amount", "left", "points", "reversed", "board_at", "program_version"):
        yield replace(award, **{field: getattr(award, field) + 1})
    refunds = read_refunds(award.refunded)
    yield replace(award, refunded=write_refunds(replace(refunds, revision=refunds.revision + 1)))
    for at, frame in enumerate(refunds.earlier):
        for other in (replace(frame, revision=99), replace(frame, frame=frame.frame[:-1]), *_of_another_total(frame)):
            earlier = (*refunds.earlier[:at], other, *refunds.earlier[at + 1 :])
            yield replace(award, refunded=write_refunds(replace(refunds, earlier=earlier)))
    for refund in refunds.given_back:
        yield replace(award, refunded=write_refunds(refunds.plus(replace(refund, refund_id="R9"))))
        if not refund.cancelled:
            yield replace(award, refunded=write_refunds(refunds.without(refund)))


@example(program=DEEP, bought=(3,), changes=[], later=[CARRIED_AWAY, ("amend", "", (0,))])
@given(
    program=st.sampled_from([SIMPLE, LAPSING, DEEP, FLOORED]),
    bought=prices,
    changes=st.lists(prices, max_size=2),
    later=st.lists(steps, max_size=8),
)
def test_what_is_kept_in_depth_fits_its_entries_alone(
    program: Program, bought: tuple[int, ...], changes: list[tuple[int, ...]], later: list[tuple[str, str, object]]
) -> None:
    book = _Book(program)
    book.open(bought, changes)
    assert fits(book.awards[KEY], book.entries)
    for step in later:
        book.take(step)
        assert fits(book.awards[KEY], book.entries)
        assert ordered_in_all(book.entries)[:2] == what_is_left(book.awards[KEY])[:2], "remainders move points"
    for other in _others(book.awards[KEY]):
        assert not fits(other, book.entries), other
