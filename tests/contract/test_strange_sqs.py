"""What befalls messages of SQS while they are in hand."""

import asyncio
from collections.abc import Iterator

import pytest
from aiobotocore.session import get_session
from tests import sqs_server

from laurels.engines.brokers import sqs as engine
from laurels.engines.brokers.sqs import SqsQueue
from laurels.errors import QueueUnavailable
from laurels.intake import MessageBatch
from laurels.testing.queue_contract import IN_TIME_S

pytestmark = [pytest.mark.long, pytest.mark.anyio]

SHOWN_AGAIN_S = 3


@pytest.fixture(scope="module")
def sqs() -> Iterator[sqs_server.SqsServer]:
    with pytest.MonkeyPatch.context() as patch, sqs_server.running(patch) as server:
        yield server


async def make(server: sqs_server.SqsServer, name: str, *bodies: str, shown_again_s: int) -> None:
    attributes = {"VisibilityTimeout": str(shown_again_s)}
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    async with get_session().create_client("sqs", endpoint_url=server.endpoint) as client:
        await client.create_queue(QueueName=name, Attributes=attributes | fifo)
        for number, body in enumerate(bodies):
            group = {"MessageGroupId": "one", "MessageDeduplicationId": str(number)} if fifo else {}
            await client.send_message(QueueUrl=server.url(name), MessageBody=body, **group)


async def received(queue: SqsQueue) -> MessageBatch:
    async with asyncio.timeout(IN_TIME_S):
        while not (batch := await queue.receive(10, 1.0)).messages:
            pass
    return batch


async def test_what_is_let_go_of_shows_again(sqs: sqs_server.SqsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one batch could not be deleted, because its receipts were too old, nothing that was in hand is kept hidden
    any longer: else it would be for as long as this process lives.
    """
    monkeypatch.setattr(engine, "SHORTEST_VISIBILITY_S", SHOWN_AGAIN_S)
    await make(sqs, "orders", "first", shown_again_s=SHOWN_AGAIN_S)
    queue, other = SqsQueue(sqs.url("orders")), SqsQueue(sqs.url("orders"))
    await queue.look()
    batch = await received(queue)
    assert [message.body for message in batch.messages] == [b"first"]
    with pytest.raises(QueueUnavailable):
        await queue.done(MessageBatch(batch.messages, ["a receipt of long ago"]))
    assert [message.body for message in (await received(other)).messages] == [b"first"]
    await queue.close()
    await other.close()


async def test_poison_holds_up_no_group(sqs: sqs_server.SqsServer) -> None:
    """Of a group in a FIFO queue nothing more comes while a message is in hand; once it is done the next does."""
    await make(sqs, "group.fifo", "poison", "order", shown_again_s=600)
    queue = SqsQueue(sqs.url("group.fifo"))
    bodies: list[bytes] = []
    while len(bodies) < 2:
        batch = await received(queue)
        bodies += [message.body for message in batch.messages]
        await queue.done(batch)
    assert bodies == [b"poison", b"order"]
    await queue.close()
