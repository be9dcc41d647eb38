"""The books: documents become entries and totals, shard by shard, and are read back."""

from collections.abc import Sequence
from typing import Protocol

from laurels.errors import LaurelsError
from laurels.ledger.claim import Decide
from laurels.ledger.inbox import Receipt
from laurels.model import Balance, Document, Entry, Version


class Books(Protocol):
    """Entries, and the totals that are their sums."""

    async def own(self) -> frozenset[int]:
        """The shards that this process may award now. Which those are is a matter of speed: what makes awarding exact
        is the shard's lock. Ask again before each round; empty where other processes have them all.
        """
        ...

    async def award(self, shard: int, limit: int, decide: Decide, *, waiting_before: int) -> int:
        """Take up to `limit` documents from a shard's inbox, in order of acceptance, and write what `decide` makes
        of them.

        Documents that have waited for their order since before `waiting_before` are claimed as overdue. Returns how
        many were taken; 0 means that the shard's inbox is empty. Raises `NotOwned` where another process took the shard
        over meanwhile, with nothing written.
        """
        ...

    async def settle(self, documents: Sequence[Document], decide: Decide) -> list[Receipt | LaurelsError]:
        """Accept documents and write their entries in the same transaction: for what must be answered with the result.

        Each is judged alone: one that `decide` refuses is answered with what it raised, and nothing of it is written;
        its neighbours go in. Concurrent calls share a commit.
        """
        ...

    async def balance(self, member_id: str) -> tuple[Balance, Version] | None:
        """A member's totals, and the version that they are of; None for an unknown member."""
        ...

    async def entries(self, member_id: str, *, before: str | None = None, limit: int = 50) -> list[Entry]:
        """A member's point entries, newest first, older than the one with the cursor `before`; empty for an unknown
        member. What a member that became this one had earned is among them.
        """
        ...

    async def order_entries(self, source: str, order_id: str) -> list[Entry]:
        """The entries that an order and its refunds led to, oldest first. Costs by their number, whoever's it is."""
        ...
