"""The outbox: messages that milestones decided, and what became of them."""

from typing import Protocol

from msgspec import Struct


class Message(Struct, frozen=True, kw_only=True):
    """A message to send. `id` is its Message-ID for ever; `attempts` counts this try.

    `email` is None where the member was erased meanwhile.
    """

    id: str
    email: str | None
    milestone: str
    points: int
    created_at: int
    attempts: int


class MessageState(Struct, frozen=True, kw_only=True):
    """What became of a message.

    `state`: `due`, `held` (no address yet), `sent`, `undeliverable`, or `dropped` (the member was erased).
    """

    id: str
    milestone: str
    points: int
    state: str
    created_at: int
    attempts: int
    note: str


class Outbox(Protocol):
    """Messages to send, in the transactions that decided them."""

    async def claim_messages(self, limit: int, *, lease_s: float) -> list[Message]:
        """Messages that are due, kept from everyone else for `lease_s` seconds; then they are due again.

        A message whose member has no address is not due: it is held until one comes.
        """
        ...

    async def message_sent(self, id: str) -> None:
        """The channel took it."""
        ...

    async def message_postponed(self, id: str, *, until: int, note: str) -> None:
        """The channel could not take it now; try again at the instant `until`."""
        ...

    async def message_undeliverable(self, id: str, *, note: str) -> None:
        """The channel never will."""
        ...

    async def give_up_held(self, *, created_before: int) -> None:
        """Mark messages undeliverable that were held for an address since before an instant."""
        ...

    async def messages(self, member_id: str) -> list[MessageState]:
        """What became of a member's messages, oldest first."""
        ...

    async def wait_for_messages(self, timeout_s: float) -> None:
        """Return when a message may have become due, at the latest after `timeout_s`."""
        ...
