"""What every store of intents must do, as tests, together with the ledger whose transactions it shares.

    class TestMyIntents(IntentsContract):
        @pytest.fixture
        def open_pair(self) -> OpenPair:
            ...

The tests are asyncio coroutines, run by anyio's pytest plugin: let a fixture `anyio_backend` give "asyncio".
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import msgspec
import pytest

from laurels.checkout import CIRCLE, SOURCE, Declined, Intent, IntentState, IntentStore, Paid
from laurels.errors import Conflict
from laurels.ledger import Ledger
from laurels.model import DocumentKind, EntryKind, Line, Mark, MemberEvent, Order
from laurels.model.money import MILLION

BEGUN_AT = 1_793_530_800_000_000  # 2026-11-01T11:00:00Z
AT_ONCE = 10


class LedgerAndIntents(NamedTuple):
    """A ledger and the intents that live in it."""

    ledger: Ledger
    intents: IntentStore


OpenPair = Callable[[], Awaitable[LedgerAndIntents]]
"""Opens the test's ledger, fresh at first; called again, the same one once more, as a second process would."""


def bought(
    order_id: str = "A1",
    member_id: str = "ann",
    total: int = 1000,
    begun_at: int = BEGUN_AT,
    source: str = SOURCE,
) -> Order:
    """An order as the checkout makes it; by default in the circle that all shared in version 0.1."""
    return Order(
        source=source,
        order_id=order_id,
        member_id=member_id,
        currency="GBP",
        occurred_at=begun_at,
        lines=(Line("85123A", MILLION, total * 10_000),),
        total=total,
    )


def intent_for(order: Order) -> Intent:
    """An open intent to buy an order."""
    assert order.occurred_at is not None
    return Intent(
        order_id=order.order_id,
        source=order.source,
        fingerprint=order.document().fingerprint,
        member_id=order.member_id,
        content=order.document().content,
        total=order.total,
        currency=order.currency,
        method="card",
        begun_at=order.occurred_at,
    )


class IntentsContract:
    """Subclass it and override `open_pair`."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def open_pair(self) -> OpenPair:
        """Give what opens the ledger and its intents."""
        raise NotImplementedError

    @pytest.fixture
    async def pair(self, open_pair: OpenPair) -> AsyncIterator[LedgerAndIntents]:
        """Give a new ledger and its intents."""
        pair = await open_pair()
        yield pair
        await pair.ledger.close()

    @pytest.fixture
    async def second(self, open_pair: OpenPair, pair: LedgerAndIntents) -> AsyncIterator[LedgerAndIntents]:  # noqa: ARG002 - the first opens
        """Give the same ones, as another process sees them."""
        second = await open_pair()
        yield second
        await second.ledger.close()

    async def test_an_intent_is_kept_as_it_was_begun(self, pair: LedgerAndIntents, second: LedgerAndIntents) -> None:
        """Another process reads what was begun, and can make the order from it."""
        order = bought()
        assert await pair.intents.find("A1") is None
        assert await pair.intents.begin(intent_for(order)) == intent_for(order)
        kept = await second.intents.find("A1")
        assert kept == intent_for(order)
        assert kept.order == order

    async def test_the_first_intent_under_an_id_stands(self, pair: LedgerAndIntents, second: LedgerAndIntents) -> None:
        """Whoever comes second is given the first one's, and nothing is changed."""
        orders = [bought(member_id=f"member-{n}", total=100 + n) for n in range(AT_ONCE)]
        both = [pair, second]
        given = await asyncio.gather(*(both[n % 2].intents.begin(intent_for(order)) for n, order in enumerate(orders)))
        assert len({intent.member_id for intent in given}) == 1
        assert await second.intents.begin(intent_for(orders[-1])) == given[0]

    async def test_what_became_of_a_payment_is_noted_once(
        self, pair: LedgerAndIntents, second: LedgerAndIntents
    ) -> None:
        """A settled intent stays as it was settled."""
        await pair.intents.begin(intent_for(bought("A1")))
        await pair.intents.begin(intent_for(bought("A2")))
        paid = await pair.intents.settle("A1", Paid("pay-1"))
        assert (paid.state, paid.reference, paid.order) == (IntentState.PAID, "pay-1", bought("A1"))
        failed = await pair.intents.settle("A2", Declined("declined"))
        assert (failed.state, failed.reason) == (IntentState.FAILURE, "declined")
        assert await second.intents.settle("A1", Paid("pay-1")) == paid
        assert await second.intents.settle("A2", Declined("declined")) == failed

    async def test_what_ended_holds_neither_the_buyer_nor_the_order(self, pair: LedgerAndIntents) -> None:
        """The total and how it ended are enough to answer a repeat."""
        for order_id in ("A1", "A2"):
            await pair.intents.begin(intent_for(bought(order_id)))
        await pair.intents.settle("A1", Declined("declined"))
        await pair.intents.settle("A2", Paid("pay-2"))
        await pair.ledger.accept([bought("A2").document()])
        for order_id, state in (("A1", IntentState.FAILURE), ("A2", IntentState.SUCCESS)):
            ended = await pair.intents.find(order_id)
            assert ended is not None
            assert (ended.state, ended.member_id, ended.content) == (state, "", b"")
            assert (ended.total, ended.currency) == (1000, "GBP")

    async def test_the_order_and_the_end_of_its_intent_are_one(
        self, pair: LedgerAndIntents, second: LedgerAndIntents
    ) -> None:
        """Accepted twice at once by two processes, it is one order and one success."""
        order = bought()
        await pair.intents.begin(intent_for(order))
        await pair.intents.settle("A1", Paid("pay-1"))
        receipts = await asyncio.gather(*(each.ledger.accept([order.document()]) for each in (pair, second)))
        assert sorted(receipt.repeated for [receipt] in receipts) == [False, True]
        assert not any(receipt.conflict for [receipt] in receipts)
        ended = await second.intents.find("A1")
        assert ended is not None
        assert ended.state is IntentState.SUCCESS
        assert await pair.ledger.inbox_depth() == 1

    @pytest.mark.parametrize("state", [IntentState.OPEN, IntentState.FAILURE])
    async def test_an_order_is_not_accepted_unless_it_was_paid_for(
        self, pair: LedgerAndIntents, state: IntentState
    ) -> None:
        """The order is not taken, whichever way it comes in, of an intent that is open or failed."""
        order = bought()
        await pair.intents.begin(intent_for(order))
        if state is IntentState.FAILURE:
            await pair.intents.settle("A1", Declined("declined"))
        [receipt] = await pair.ledger.accept([order.document()])
        assert receipt.conflict
        assert await pair.ledger.document(DocumentKind.ORDER, SOURCE, "A1") is None
        assert await pair.ledger.inbox_depth() == 0
        assert await pair.ledger.member("ann") is None

    async def test_an_order_is_accepted_only_as_it_was_paid_for(self, pair: LedgerAndIntents) -> None:
        """Other content under a paid id is a conflict; then the right one goes in."""
        order = bought()
        await pair.intents.begin(intent_for(order))
        await pair.intents.settle("A1", Paid("pay-1"))
        for other in (bought(total=9000), bought(member_id="bob"), bought(begun_at=BEGUN_AT + 1)):
            [receipt] = await pair.ledger.accept([other.document()])
            assert receipt.conflict
        [receipt] = await pair.ledger.accept([order.document()])
        assert not receipt.conflict

    async def test_other_sources_and_kinds_do_not_mind(self, pair: LedgerAndIntents) -> None:
        """An intent holds its own order's id and no other."""
        await pair.intents.begin(intent_for(bought()))
        elsewhere = msgspec.structs.replace(bought(), source="shop")
        [receipt] = await pair.ledger.accept([elsewhere.document()])
        assert not receipt.conflict

    async def test_an_order_without_intent_keeps_its_id(self, pair: LedgerAndIntents) -> None:
        """What came in as an order of this source another way cannot be bought again."""
        await pair.ledger.accept([bought().document()])
        with pytest.raises(Conflict):
            await pair.intents.begin(intent_for(bought()))
        assert await pair.intents.find("A1") is None

    async def test_what_is_under_way_is_listed_from_the_oldest(self, pair: LedgerAndIntents) -> None:
        """In pages, without what ended and what is too young; equal instants by id."""
        for n, order_id in enumerate(["A5", "A3", "A4", "A1", "A2"]):
            await pair.intents.begin(intent_for(bought(order_id, begun_at=BEGUN_AT + n // 2)))
        await pair.intents.settle("A3", Paid("pay-3"))
        await pair.intents.settle("A1", Declined("declined"))
        before = BEGUN_AT + 1
        first = await pair.intents.under_way(begun_before=before, after=None, limit=2)
        assert [(intent.order_id, intent.state.value) for intent in first] == [("A3", "paid"), ("A5", "open")]
        rest = await pair.intents.under_way(begun_before=before, after=first[-1], limit=2)
        assert [intent.order_id for intent in rest] == ["A4"]
        assert await pair.intents.under_way(begun_before=before, after=rest[-1], limit=2) == []

    async def test_each_member_has_a_circle_of_ids(self, pair: LedgerAndIntents, second: LedgerAndIntents) -> None:
        """One, whoever asks at once; who was unknown is numbered, and the feed does not hear of it."""
        assert await pair.intents.circle("ann") is None
        circles = await asyncio.gather(*(each.intents.new_circle("ann") for each in (pair, second) * 5))
        assert len({*circles}) == 1
        assert circles[0].startswith(CIRCLE)
        assert await second.intents.circle("ann") == circles[0] != await pair.intents.new_circle("bob")
        assert {each.position for each in (await pair.ledger.heads()).marks.values()} == {0}
        await pair.ledger.merge("ann", "bob", actor="clerk")
        assert await pair.intents.circle("ann") == circles[0], "what was bought before stays where it is"

    async def test_an_id_of_one_circle_is_free_in_another(self, pair: LedgerAndIntents) -> None:
        """Whatever became of it there."""
        circles = {member: await pair.intents.new_circle(member) for member in ("ann", "bob")}
        orders = {member: bought("A1", member, source=circle) for member, circle in circles.items()}
        for order in orders.values():
            assert await pair.intents.begin(intent_for(order)) == intent_for(order)
        await pair.intents.settle("A1", Declined("declined"), circles["ann"])
        paid = await pair.intents.settle("A1", Paid("pay-1"), circles["bob"])
        receipts = await pair.ledger.accept([order.document() for order in orders.values()])
        assert [receipt.conflict for receipt in receipts] == [True, False]
        ended = [await pair.intents.find("A1", circle) for circle in circles.values()]
        assert [each and each.state for each in ended] == [IntentState.FAILURE, IntentState.SUCCESS]
        assert paid.order == orders["bob"]
        assert await pair.intents.find("A1") is None
        assert await pair.intents.under_way(begun_before=BEGUN_AT, after=None, limit=9) == []

    async def test_what_a_member_bought_before_there_were_circles_keeps_its_id(self, pair: LedgerAndIntents) -> None:
        """For that member, also under the id of the member that it became; for nobody else."""
        await pair.ledger.accept([bought().document()])
        circles = {member: await pair.intents.new_circle(member) for member in ("ann", "bob", "cy")}
        await pair.ledger.merge("ann", "cy", actor="clerk")
        with pytest.raises(Conflict):
            await pair.intents.begin(intent_for(bought("A1", "cy", source=circles["cy"])))
        other = intent_for(bought("A1", "bob", source=circles["bob"]))
        assert await pair.intents.begin(other) == other

    @pytest.mark.parametrize("paid_first", [True, False])
    async def test_erasing_reaches_what_is_under_way(self, pair: LedgerAndIntents, *, paid_first: bool) -> None:
        """The id goes; an order that is paid for goes to the member's number, which nobody has."""
        await pair.ledger.enrol([("ann", None)], actor="test")
        member = await pair.ledger.member("ann")
        assert member is not None
        await pair.intents.begin(intent_for(bought()))
        if paid_first:
            await pair.intents.settle("A1", Paid("pay-1"))
        await pair.ledger.change_member("ann", MemberEvent.ERASE, actor="test")
        intent = await pair.intents.settle("A1", Paid("pay-1"))
        assert intent.member_id == ""
        [stale] = await pair.ledger.accept([bought().document()])
        assert stale.conflict, "the id that was erased must not come back"
        [receipt] = await pair.ledger.accept([intent.order.document()])
        assert not receipt.conflict
        [repeat] = await pair.ledger.accept([intent.order.document()])
        assert repeat.repeated
        assert await pair.ledger.member("ann") is None
        marks = (await pair.ledger.heads()).marks
        feed = [entry for shard in marks for entry in await pair.ledger.feed(shard, Mark(), 10)]
        assert [(entry.kind, entry.member) for entry in feed] == [
            (EntryKind.ENROL, member.number),
            (EntryKind.ERASE, member.number),
        ]
        ended = await pair.intents.find("A1")
        assert ended is not None
        assert ended.state is IntentState.SUCCESS
