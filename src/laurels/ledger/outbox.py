"""The outbox: messages that milestones decided, and what became of them."""

import hashlib
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
    """What became of a message. `due_at` is when it is tried next, where it is due; `member_id` None: erased.

    `state`: `due`, `held` (no address yet), `sent`, `undeliverable`, or `dropped` (the member was erased, or became one
    with another who has the same message).
    """

    id: str
    member_id: str | None
    milestone: str
    points: int
    state: str
    created_at: int
    due_at: int
    attempts: int
    note: str


def message_id(identity: str, member: int, milestone: str) -> str:
    """A message's id, which follows from what it is about: after a restore it is the same again."""
    return hashlib.blake2b(f"{identity}/{member}/{milestone}".encode(), digest_size=16).hexdigest()


class Outbox(Protocol):
    """Messages to send, in the transactions that decided them."""

    async def claim_messages(self, limit: int, *, lease_s: float) -> list[Message]:
        """Messages that are due, kept from everyone else for `lease_s` seconds; then they are due again.

        A message whose member has no address is not due: it is held until one comes. The address of a member who became
        another is that one's.
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
        """What became of the messages of a member and of those who became it, oldest first."""
        ...

    async def milestones(self, member_id: str) -> frozenset[str]:
        """The milestones that a member has passed, ever, by name; also those that sent nothing."""
        ...

    async def all_messages(
        self, *, state: str | None = None, member_id: str | None = None, after: str = "", limit: int = 50
    ) -> list[MessageState]:
        """Messages of everybody, or in one state, or of one member; oldest first, behind the one with the id `after`.
        Costs a walk over all messages.
        """
        ...

    async def message(self, id: str) -> MessageState:
        """One message. Raises `NotFound`."""
        ...

    async def retry_message(self, id: str, *, must: bool = True) -> bool:
        """Make a message due now that waits or is undeliverable. Where it was sent, its member was erased or has no
        address, nothing happens: it raises `Conflict`, or gives False without `must`. Raises `NotFound`.
        """
        ...

    async def wait_for_messages(self, timeout_s: float) -> None:
        """Return when a message may have become due, at the latest after `timeout_s`."""
        ...
