"""What a person who helps a customer has to find: the customer by a number, a name or a document, and what happened."""

from collections.abc import Collection
from typing import Protocol

from msgspec import Struct

from laurels.model import Balance, DocumentKind, Entry, EntryKind, Version


class Customer(Struct, frozen=True, kw_only=True):
    """A member as colleagues see it. `member_id` None: erased. `merged_into` is the number of who it became."""

    number: int
    member_id: str | None
    name_number: int
    hidden: bool
    enrolled_at: int
    merged_into: int | None
    email: str | None
    totals: Balance
    version: Version


class FoundDocument(Struct, frozen=True, kw_only=True):
    """A document by its id: whose it is, None where that is not known, and where its first entry is."""

    kind: DocumentKind
    source: str
    id: str
    member: int | None
    loyalty_id: str | None


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """A point entry and the balance after it; of a redemption its id, and how many of its points came back. What the
    document of an earn entry said, without who, is `content`; None where that is not kept (any more).
    """

    entry: Entry
    balance_after: int
    restored: int = 0
    redemption_id: str | None = None
    content: bytes | None = None


class Timeline(Struct, frozen=True, kw_only=True):
    """Entries, newest first. `before` and `balance` are what the next call goes on with; None: there is no more.
    `searched_to` is the recording time down to which was looked where that broke off.
    """

    entries: list[TimelineEntry]
    before: str | None = None
    balance: int = 0
    searched_to: int | None = None


class Casework(Protocol):
    """Reads for people. Each costs some look-ups by key, whatever the size of the ledger."""

    async def customer(self, number: int) -> Customer | None:
        """A member by its number, erased and merged ones too; None where no such number was given."""
        ...

    async def numbers_of(
        self, *, member_id: str | None = None, email: str | None = None, name_number: int | None = None
    ) -> list[int]:
        """The numbers of the members with exactly this id, this address whatever its case, or this name number: at most
        20 of them.
        """
        ...

    async def numbers_from(self, prefix: str, limit: int) -> list[int]:
        """The numbers of members whose id begins so, in the order of their ids."""
        ...

    async def documents_called(self, id: str) -> list[FoundDocument]:
        """The documents with this id in every circle, those of members' own circles last; at most 20. Costs by the
        number of sources.
        """
        ...

    async def timeline(
        self, number: int, *, kinds: Collection[EntryKind], before: str | None, balance: int | None, limit: int
    ) -> Timeline:
        """A member's point entries of these kinds (none named: all) in the order of recording, newest first, those of
        members that became this one among them. Reads on from where the last one left off; at most 2,000 entries.
        """
        ...
