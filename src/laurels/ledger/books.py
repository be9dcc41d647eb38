"""The books: documents become entries and totals, shard by shard, and are read back."""

from collections.abc import Collection, Sequence
from typing import Protocol, runtime_checkable

from laurels.errors import LaurelsError
from laurels.ledger.claim import Award, Decide, MemberState
from laurels.ledger.inbox import Receipt
from laurels.model import Balance, Document, Entry, Version


class Books(Protocol):
    """Entries, and the totals that are their sums."""

    async def own(self) -> frozenset[int]:
        """The shards that this process may award now. Ask again before each round: processes that award have equal
        shares, so a newcomer is given some of each one's, and those of one that ended or sleeps are taken over. Empty
        where there are more processes than shards. Which they are is a matter of speed: what makes awarding exact is
        the shard's lock. It takes no limit: equal shares follow from who is there, and a limit that is set for each
        process could leave a shard to nobody.
        """
        ...

    async def award(
        self, shard: int, limit: int, decide: Decide, *, waiting_before: int, in_depth: bool = False
    ) -> int:
        """Take up to `limit` documents from a shard's inbox, in order of acceptance, and write what `decide` makes
        of them. With `in_depth` the claim says of its members what programs in depth ask for.

        Documents that have waited for their order since before `waiting_before` are claimed as overdue. Returns how
        many were taken; 0 means that the shard's inbox is empty. Raises `NotOwned` where another process took the shard
        over meanwhile, with nothing written.
        """
        ...

    async def sweep(self, shard: int, limit: int, decide: Decide) -> int:
        """Write down what the clock has done to up to `limit` members of a shard, whose time has come (`Outcome.due`):
        their items are of the kind `expiry`. Returns how many were looked at; 0: nobody's time has come. Raises
        `NotOwned`. Killed anywhere, the rest comes the next time.
        """
        ...

    async def look_at(self, members: Collection[tuple[int, int]]) -> None:
        """Have the next sweep look at members, by number, whose time came at an instant and of which no `Outcome.due`
        told: the program was another one then. Who became another is left out.
        """
        ...

    async def settle(
        self, documents: Sequence[Document], decide: Decide, *, in_depth: bool = False
    ) -> list[Receipt | LaurelsError]:
        """Accept documents and write their entries in the same transaction: for what must be answered with the result.

        Each is judged alone: one that `decide` refuses is answered with what it raised, and nothing of it is written;
        its neighbours go in. Concurrent calls share a commit. Of a hold's two ends (`ENDS_OF_HOLDS`) the one that comes
        second is answered with a `Conflict`.
        """
        ...

    async def balance(self, member_id: str) -> tuple[Balance, Version] | None:
        """A member's totals, and the version that they are of; None for an unknown member."""
        ...

    async def account(self, member_id: str, *, in_depth: bool = True) -> tuple[MemberState, Version] | None:
        """A member as a claim has it, and the version that it is of; None for an unknown member. What is not asked for
        `in_depth` costs as much as its balance.
        """
        ...

    async def budgets(self) -> dict[str, int]:
        """What is used of campaigns' budgets, as a claim has it."""
        ...

    async def entries(self, member_id: str, *, before: str | None = None, limit: int = 50) -> list[Entry]:
        """A member's point entries, newest first, older than the one with the cursor `before`; empty for an unknown
        member. What a member that became this one had earned is among them.
        """
        ...

    async def order_award(self, source: str, order_id: str) -> Award | None:
        """What an order earned and what of it is left; None for one that is not awarded."""
        ...

    async def order_entries(self, source: str, order_id: str) -> list[Entry]:
        """The entries that an order and its refunds led to, oldest first. Costs by their number, whoever's it is."""
        ...


@runtime_checkable
class TakesIn(Protocol):
    """A ledger that can award what it accepts in the same transaction; not every one can, and nobody has to."""

    @property
    def takes_in(self) -> bool:
        """Whether this one does."""
        ...

    async def take_in(
        self, documents: Sequence[Document], decide: Decide, *, waiting_before: int, in_depth: bool = False
    ) -> list[Receipt]:
        """What `accept` and then `award`, until the inbox is empty, would do, in one transaction and with the same
        entries; for a third less. Nothing was written where `decide` raises.
        """
        ...
