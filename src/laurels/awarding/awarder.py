"""Carries documents from a ledger's inbox through the rules, batch by batch, shard by shard."""

import asyncio

from laurels import clock
from laurels.awarding.decide import decide, decide_or_raise
from laurels.awarding.programs import Programs
from laurels.clock import DAY, Clock
from laurels.errors import LaurelsError, NotOwned, UnknownProgramVersion
from laurels.ledger import Claim, Ledger, Outcome, Receipt
from laurels.model import Document

BATCH = 200
"""Documents a transaction: large enough to share a commit (with 500, one costs 5 % less), small enough that an accept
behind it waits some 20 ms.
"""

LONGEST_WAIT = 30 * DAY
"""A refund waits this long for its order; then it is quarantined."""


class Awarder:
    """Awards documents, each under the program that was in force when it happened."""

    def __init__(self, ledger: Ledger, programs: Programs, now: Clock = clock.now) -> None:
        self._ledger = ledger
        self._programs = programs
        self._now = now

    async def step(self, limit: int = BATCH) -> int:
        """Award a batch in every shard that this process owns, each in a transaction. Returns how many documents were
        taken; 0: nothing is there to do.
        """
        shards = await self._ledger.own()
        return sum(await asyncio.gather(*(self.step_in(shard, limit) for shard in sorted(shards))))

    async def step_in(self, shard: int, limit: int = BATCH) -> int:
        """Award one batch of one shard. Returns how many documents were taken; 0: its inbox is empty, or it is another
        process's now.
        """
        try:
            return await self._award(shard, limit)
        except UnknownProgramVersion:  # another process published one
            await self._programs.load(self._ledger)
            return await self._award(shard, limit)
        except NotOwned:
            return 0

    async def drain(self) -> int:
        """Award until the inbox of every owned shard is empty. Returns how many documents were taken."""
        total = 0
        while taken := await self.step():
            total += taken
        return total

    async def settle(self, document: Document) -> Receipt:
        """Accept and award one document at once (an adjustment, a redemption). Raises why not, with nothing written."""
        [receipt] = await self.settle_all([document])
        if isinstance(receipt, LaurelsError):
            raise receipt
        return receipt

    async def settle_all(self, documents: list[Document]) -> list[Receipt | LaurelsError]:
        """The same of many, each judged alone; what was raised for one is its answer."""
        receipts = await self._ledger.settle(documents, self._decide_or_raise)
        unknown = [n for n, receipt in enumerate(receipts) if isinstance(receipt, UnknownProgramVersion)]
        if unknown:
            await self._programs.load(self._ledger)
            again = await self._ledger.settle([documents[n] for n in unknown], self._decide_or_raise)
            for n, receipt in zip(unknown, again, strict=True):
                receipts[n] = receipt
        return receipts

    async def _award(self, shard: int, limit: int) -> int:
        return await self._ledger.award(shard, limit, self._decide, waiting_before=self._now() - LONGEST_WAIT)

    def _decide(self, claim: Claim) -> Outcome:
        return decide(claim, self._programs)

    def _decide_or_raise(self, claim: Claim) -> Outcome:
        return decide_or_raise(claim, self._programs)
