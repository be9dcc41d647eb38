"""The port of a queue of orders: what a broker's engine promises. `laurels.testing.queue_contract` tells whether one
keeps the promises.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class ReceivedMessage(Struct, frozen=True):
    """A message as it was sent: its bytes, and the names of its headers."""

    body: bytes
    headers: tuple[str, ...] = ()


class MessageBatch(Struct, frozen=True):
    """Messages in the order in which the queue gave them; `place` is where they end, and the engine's own."""

    messages: Sequence[ReceivedMessage]
    place: object = None


class Queue(Protocol):
    """Messages that wait to be taken, each given at least once until it is done. One call at a time, from one event
    loop; not always from the same task.

    Nothing is ever handed back: brokers count what is handed back as delivered, and drop what was delivered too often.
    """

    name: str
    """What the queue is called at its broker: `orders`."""

    async def look(self) -> object:
        """See that the queue is there and keeps what it is given, before anything is taken. What is doubtful is logged.
        Raises `SettingsError` with one line on what to set right, `QueueUnavailable` where the broker does not answer.
        """
        ...

    async def receive(self, limit: int, timeout_s: float) -> MessageBatch:
        """The next messages, at most so many; none after `timeout_s` without one, or while paused. What was received
        before stays the caller's. Raises `QueueUnavailable`: then all that was received and is not done comes again.
        """
        ...

    async def done(self, batch: MessageBatch) -> None:
        """Done up to here: this batch and all before it never come again. Raises `QueueUnavailable` where that is not
        sure: then they may come again.
        """
        ...

    async def pause(self) -> None:
        """Take nothing from the broker any more, and keep what is received and not done for as long as it allows."""
        ...

    async def resume(self) -> None:
        """Take messages again; without a pause nothing happens."""
        ...

    async def close(self) -> None:
        """Let go of everything. What is not done comes again, to whoever takes it next."""
        ...
