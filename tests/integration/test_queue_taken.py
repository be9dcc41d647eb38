"""Messages into the ledger, without a broker: one order whichever way it comes, nothing lost while the ledger
is away, and back out of quarantine.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from laurels.errors import Conflict, InvalidInput, LedgerUnavailable, NotFound, QueueUnavailable
from laurels.exchange import open_documents
from laurels.intake import (
    Intake,
    MessageBatch,
    NamedOrderForm,
    ReadBatch,
    ReceivedMessage,
    Taken,
    Taking,
    decode,
    retry_quarantined,
    take_again,
)
from laurels.ledger import Receipt
from laurels.model import Document, DocumentKind, MemberEvent
from laurels.settings import load
from laurels.wiring import Services, build
from laurels.workers import Consumer, consume, consume_all, consume_forever
from laurels.workers.consume import BATCH, READ_AT_ONCE

pytestmark = pytest.mark.anyio


def order(order_id: str = "A1", total: str = "25.00") -> bytes:
    return json.dumps(
        {"kind": "order", "order_id": order_id, "member_id": "ann", "currency": "GBP", "total": total}
    ).encode()


class Heap:
    """A queue in memory that tells what was asked of it."""

    name = "orders"

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self.waiting = deque(bodies)
        self.asked: list[str] = []
        self.done_with = 0

    async def look(self) -> None:
        """It is there."""

    async def receive(self, limit: int, timeout_s: float) -> MessageBatch:
        taken = [self.waiting.popleft() for _ in range(min(limit, len(self.waiting)))]
        self.asked.append(f"receive {len(taken)}")
        return MessageBatch([ReceivedMessage(body) for body in taken], len(taken))

    async def done(self, batch: MessageBatch) -> None:
        self.done_with += len(batch.messages)
        self.asked.append("done")

    async def pause(self) -> None:
        self.asked.append("pause")

    async def resume(self) -> None:
        self.asked.append("resume")

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with build(load({"state": tmp_path / "state"})) as services:
        yield services


def taking(services: Services) -> Taking:
    return Taking(services.intake, services.ledger, services.now, "orders")


async def take(services: Services, messages: Sequence[ReceivedMessage]) -> Taken:
    of_queue = taking(services)
    return await of_queue.keep(of_queue.read(messages))


async def test_one_order_whichever_door_it_comes_through(services: Services, tmp_path: Path) -> None:
    """First as over HTTP, then by the queue, twice in one batch, then from a file."""
    body = json.dumps({key: value for key, value in json.loads(order()).items() if key != "kind"}).encode()
    form = decode(NamedOrderForm, body)
    await services.intake.accept(form.order(form.order_id, services.now()), body)
    taken = await take(services, [ReceivedMessage(order()), ReceivedMessage(order())])
    assert taken == Taken(accepted=0, repeated=2, refused=0)
    (tmp_path / "orders.ndjson").write_bytes(body)
    from_file = [(document, b"") for document in open_documents(tmp_path / "orders.ndjson")]
    assert [receipt.repeated for receipt in await services.intake.accept_all(from_file)] == [True]
    assert await services.awarder.drain() == 1


async def test_a_conflict_is_kept_with_both_fingerprints(services: Services) -> None:
    taken = await take(services, [ReceivedMessage(order()), ReceivedMessage(order(total="26.00"), ("x-retry",))])
    assert taken == Taken(accepted=1, repeated=0, refused=1)
    [listed] = await services.ledger.quarantine()
    kept = await services.ledger.quarantined(listed.kind, listed.source, listed.id)
    assert (kept.kind, kept.source, kept.raw) == (DocumentKind.MESSAGE, "queue:orders", order(total="26.00"))
    assert b"x-retry" in kept.content
    fingerprints = [word.strip(",.") for word in kept.reason.split() if len(word.strip(",.")) == 32]
    assert len(set(fingerprints)) == 2
    with pytest.raises(Conflict):
        await take_again(kept.raw, kept.source, services.intake, services.now())


async def test_a_message_comes_back_where_its_cause_is_mended(services: Services) -> None:
    """One from the future, when its day has come; one that is no message never."""
    future = json.loads(order()) | {"occurred_at": "2100-01-01T00:00:00Z"}
    await take(services, [ReceivedMessage(json.dumps(future).encode()), ReceivedMessage(b"\xff")])
    listed = await services.ledger.quarantine()
    bodies = [(await services.ledger.quarantined(each.kind, each.source, each.id)).raw for each in listed]
    with pytest.raises(InvalidInput):
        await take_again(bodies[1], "queue:orders", services.intake, services.now())
    await take_again(bodies[0], "queue:orders", services.intake, services.now() + 100 * 366 * 86_400 * 10**6)
    assert await services.ledger.inbox_depth() == 1


async def test_a_retry_stops_where_the_member_is_erased_meanwhile(services: Services) -> None:
    """Between the reading of the message and its being accepted."""
    await take(services, [ReceivedMessage(order()), ReceivedMessage(order("A2") + b" ")])
    future = json.loads(order("A3")) | {"occurred_at": "2100-01-01T00:00:00Z"}
    await take(services, [ReceivedMessage(json.dumps(future).encode())])
    [listed] = await services.ledger.quarantine()
    intake = services.intake
    later = services.now() + 100 * 366 * 86_400 * 10**6

    class Erasing(Intake):
        async def accept_made(self, documents: Sequence[Document]) -> list[Receipt]:
            await services.members.change("ann", MemberEvent.ERASE, actor="clerk")
            return await intake.accept_made(documents)

    key = (listed.kind, listed.source, listed.id)
    with pytest.raises(NotFound):
        await retry_quarantined(services.ledger, Erasing(services.ledger), *key, now=later)
    assert await services.ledger.member("ann") is None


class Away(Taking):
    """The ledger is away until it is told otherwise."""

    is_away = True

    async def keep(self, batch: ReadBatch) -> Taken:
        if self.is_away:
            raise LedgerUnavailable
        return await super().keep(batch)


async def test_nothing_is_done_before_it_is_durable(services: Services) -> None:
    """While the ledger is away the queue is paused, the batch is held, and nothing is asked for."""
    heap = Heap([order(f"A{n}") for n in range(10)])
    away = Away(services.intake, services.ledger, services.now, "orders")
    consumer = Consumer(heap, away, services.ledger.inbox_depth, 100)
    stop = asyncio.Event()
    for _ in range(3):
        with pytest.raises(LedgerUnavailable):
            await consumer.step(stop, 0)
    assert [each for each in heap.asked if each != "resume"] == ["receive 10", "pause", "pause", "pause"]
    assert heap.done_with == 0
    away.is_away = False
    assert await consumer.step(stop, 0)
    assert heap.done_with == 10
    assert heap.asked[-1] == "resume"
    assert await services.ledger.inbox_depth() == 10


async def test_the_next_batch_is_read_while_one_is_written(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are in hand at most; each is done after its own commit, in order; while the ledger is away both are held."""
    monkeypatch.setattr(consume, "LOOK_EVERY_S", 3600.0)  # on a slow machine the room would be asked for between
    heap = Heap([order(f"A{n}") for n in range(4 * BATCH + 1)])
    depths: list[tuple[int, int]] = []

    class Slow(Away):
        async def keep(self, batch: ReadBatch) -> Taken:
            depths.append((len(heap.waiting), heap.done_with))
            return await super().keep(batch)

    slow = Slow(services.intake, services.ledger, services.now, "orders")
    slow.is_away = False
    consumer = Consumer(heap, slow, services.ledger.inbox_depth, 10**6)
    stop = asyncio.Event()
    assert await consumer.step(stop, 0)
    assert (heap.done_with, len(heap.waiting)) == (0, 2 * BATCH + 1), "one committed, one in hand"
    slow.is_away = True
    for _ in range(3):
        with pytest.raises(LedgerUnavailable):
            await consumer.step(stop, 0)
    assert (heap.done_with, len(heap.waiting)) == (BATCH, BATCH + 1), "two in hand, and no more is asked for"
    slow.is_away = False
    while await consumer.step(stop, 0):
        assert await services.ledger.inbox_depth() >= heap.done_with
        assert heap.done_with + len(heap.waiting) >= 4 * BATCH + 1 - 2 * BATCH
    assert heap.done_with == await services.ledger.inbox_depth() == 4 * BATCH + 1
    assert all(waiting + done >= BATCH + 1 for waiting, done in depths), "two, and one that the queue is being told of"


async def test_the_loop_has_its_turns_while_a_batch_is_read(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the one before would be handed to the ledger only after that, and whatever else this process does waits."""
    monkeypatch.setattr(consume, "LOOK_EVERY_S", 3600.0)
    heap = Heap([order(f"A{n}") for n in range(2 * BATCH)])
    read_before: list[int] = []

    class Watched(Taking):
        count = 0

        def read(self, messages: Sequence[ReceivedMessage]) -> ReadBatch:
            self.count += len(messages)
            return super().read(messages)

        async def keep(self, batch: ReadBatch) -> Taken:
            read_before.append(self.count)
            return await super().keep(batch)

    watched = Watched(services.intake, services.ledger, services.now, "orders")
    await consume_all(Consumer(heap, watched, services.ledger.inbox_depth, 10**6), asyncio.Event(), 0)
    assert BATCH < read_before[0] <= BATCH + READ_AT_ONCE
    assert heap.done_with == watched.count == 2 * BATCH


async def test_the_queue_answers_while_the_next_is_read(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it takes to answer that a batch is done, nobody waits for as long as there is something to read."""
    monkeypatch.setattr(consume, "LOOK_EVERY_S", 3600.0)
    bodies = [order(f"A{n}") for n in range(4 * BATCH)]
    reads_third = asyncio.Event()

    class Slow(Heap):
        async def done(self, batch: MessageBatch) -> None:
            assert await services.ledger.inbox_depth() >= self.done_with + len(batch.messages), "committed before"
            if not self.done_with:
                await reads_third.wait()
            await super().done(batch)

    class Watched(Taking):
        def read(self, messages: Sequence[ReceivedMessage]) -> ReadBatch:
            if messages[0].body == bodies[2 * BATCH]:
                reads_third.set()
            return super().read(messages)

    heap, watched = Slow(bodies), Watched(services.intake, services.ledger, services.now, "orders")
    async with asyncio.timeout(60):
        await consume_all(Consumer(heap, watched, services.ledger.inbox_depth, 10**6), asyncio.Event(), 0)
    assert heap.done_with == await services.ledger.inbox_depth() == len(bodies)


async def test_what_is_in_hand_is_finished_at_the_end(services: Services) -> None:
    """A stop asks for nothing more, and leaves nothing undone that was received."""
    heap = Heap([order(f"A{n}") for n in range(3 * BATCH)])
    stop = asyncio.Event()

    def count(taken: Taken) -> None:
        stop.set()

    await consume_forever(Consumer(heap, taking(services), services.ledger.inbox_depth, 10**6, count), stop)
    assert heap.done_with == await services.ledger.inbox_depth() == 3 * BATCH - len(heap.waiting) > 0


async def test_a_batch_that_cannot_be_read_is_not_confirmed_by_the_next(services: Services) -> None:
    """Whatever reading raises that nobody foresaw, the batch stays in hand, and what came after it behind it."""
    heap = Heap([order(f"A{n}") for n in range(3 * BATCH)])

    class Fails(Taking):
        fails = True

        def read(self, messages: Sequence[ReceivedMessage]) -> ReadBatch:
            if self.fails and messages[0].body == order(f"A{BATCH}"):
                raise ZeroDivisionError
            return super().read(messages)

    reading = Fails(services.intake, services.ledger, services.now, "orders")
    consumer = Consumer(heap, reading, services.ledger.inbox_depth, 10**6)
    stop = asyncio.Event()
    for _ in range(4):
        with suppress(ZeroDivisionError):
            await consumer.step(stop, 0)
    assert heap.done_with == await services.ledger.inbox_depth() == BATCH
    reading.fails = False
    await consume_all(consumer, stop, 0)
    assert heap.done_with == await services.ledger.inbox_depth() == 3 * BATCH


@pytest.mark.parametrize("fails", ["receive", "done"])
async def test_what_the_queue_gives_again_is_let_go(
    services: Services, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """Whatever the queue was asked when it was lost: nothing is done by an old place, and each order counts once."""
    monkeypatch.setattr(consume, "LOOK_EVERY_S", 3600.0)  # else a slow machine has nothing in hand when it is lost
    bodies = [order(f"A{n}") for n in range(3 * BATCH)]

    class Lossy(Heap):
        lost = 0

        async def receive(self, limit: int, timeout_s: float) -> MessageBatch:
            self._lose("receive", when=len(self.waiting) == BATCH)
            return await super().receive(limit, timeout_s)

        async def done(self, batch: MessageBatch) -> None:
            self._lose("done", when=True)
            assert self.lost == 0 or bodies.index(batch.messages[0].body) == self.done_with
            await super().done(batch)

        def _lose(self, what: str, *, when: bool) -> None:
            if what == fails and when and not self.lost:
                self.lost += 1
                self.waiting.extendleft(reversed(bodies[self.done_with : len(bodies) - len(self.waiting)]))
                raise QueueUnavailable("lost")

    heap = Lossy(bodies)
    counted: list[Taken] = []
    consumer = Consumer(heap, taking(services), services.ledger.inbox_depth, 10**6, counted.append)
    with pytest.raises(QueueUnavailable):
        await consume_all(consumer, asyncio.Event(), 0)
    await consume_all(consumer, asyncio.Event(), 0)
    assert (
        heap.done_with == await services.ledger.inbox_depth() == sum(each.accepted for each in counted) == len(bodies)
    )
    assert sum(each.repeated for each in counted) > 0


async def test_a_deep_inbox_stops_the_taking(services: Services) -> None:
    """Until it is shallower; nothing is received meanwhile."""
    heap = Heap([order(f"A{n}") for n in range(5)])
    depth = 11

    async def ask() -> int:
        return depth

    consumer = Consumer(heap, taking(services), ask, 10)
    stop = asyncio.Event()
    stepping = asyncio.create_task(consumer.step(stop, 0))
    while "pause" not in heap.asked:  # noqa: ASYNC110 - it is polled, for it has no event
        await asyncio.sleep(0)
    assert heap.asked == ["pause"]
    depth = 10
    assert await stepping
    assert heap.asked[-4:] == ["resume", "receive 5", "done", "resume"]
