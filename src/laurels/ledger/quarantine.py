"""The quarantine: what could not be awarded, with its content and reason, until an operator decides."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from laurels.model import DocumentKind, RefusedMessage

UNREADABLE = "the content cannot be read"
"""How the reason begins of what was not even read."""


class QuarantinedDocument(Struct, frozen=True, kw_only=True):
    """A document in quarantine. `raw` is what was received, and `content` what was read from it; both are empty in a
    list, and once the member was erased. `member` is whose it is, by number, where that one is enrolled.
    """

    sequence: int
    kind: DocumentKind
    source: str
    id: str
    reason: str
    quarantined_at: int
    raw: bytes = b""
    content: bytes = b""
    actor: str | None = None
    member: int | None = None


class Quarantine(Protocol):
    """Documents that an operator has to decide on. A document is known by (kind, source, id)."""

    async def set_aside(self, messages: Sequence[RefusedMessage]) -> None:
        """Put messages that are no documents into quarantine, durably, byte for byte, all in one commit. One that was
        set aside before, from the same queue, is not written again. The bytes go with the member that they name;
        one whose member was erased since it was found in conflict is in none any more, and is not written.
        """
        ...

    async def quarantine(self, *, after: int = 0, limit: int = 50) -> list[QuarantinedDocument]:
        """Documents in quarantine with a sequence above `after`, in that order, without their bytes."""
        ...

    async def quarantined(self, kind: DocumentKind, source: str, id: str) -> QuarantinedDocument:
        """One of them with its bytes. Raises `NotFound`."""
        ...

    async def retry(self, kind: DocumentKind, source: str, id: str) -> None:
        """Put a document from quarantine back into the inbox. Raises `NotFound`."""
        ...

    async def drop(self, kind: DocumentKind, source: str, id: str, *, actor: str, why: str = "") -> None:
        """Give a quarantined document up for good; its id stays used, and what it said is not kept. Its reason says who
        did it, and why in their own words: these go with its member, and are kept only where erasing finds them. Raises
        `NotFound`.
        """
        ...
