"""Carries documents from a ledger's inbox through the rules, batch by batch."""

from laurels import clock
from laurels.awarding.decide import decide, decide_or_raise
from laurels.awarding.programs import Programs, publish
from laurels.clock import DAY, Clock
from laurels.errors import UnknownProgramVersion
from laurels.ledger import Claim, Ledger, Outcome, Receipt
from laurels.model import Document

BATCH = 200
"""Documents a transaction: large enough to share a commit (with 500, one costs 5 % less), small enough that an accept
behind it waits some 20 ms.
"""

LONGEST_WAIT = 30 * DAY
"""A refund waits this long for its order; then it is quarantined."""


class Awarder:
    """Awards documents under the program in force."""

    def __init__(self, ledger: Ledger, programs: Programs, now: Clock = clock.now) -> None:
        self._ledger = ledger
        self._programs = programs
        self._now = now

    async def step(self, shard: int = 0, limit: int = BATCH) -> int:
        """Award one batch in one transaction. Returns how many documents were taken; 0: the inbox is empty."""
        waiting_before = self._now() - LONGEST_WAIT
        try:
            return await self._ledger.award(shard, limit, self._decide, waiting_before=waiting_before)
        except UnknownProgramVersion:
            # Another process put a newer program in force and awards under it; its refunds may come to this one.
            self._programs = await publish(self._ledger, self._programs.current)
            return await self._ledger.award(shard, limit, self._decide, waiting_before=waiting_before)

    async def drain(self, shard: int = 0) -> int:
        """Award until the inbox is empty. Returns how many documents were taken."""
        total = 0
        while taken := await self.step(shard):
            total += taken
        return total

    async def settle(self, document: Document) -> Receipt:
        """Accept and award one document at once (an adjustment, a redemption). Raises why not, with nothing written."""
        return await self._ledger.settle(document, self._decide_or_raise)

    def _decide(self, claim: Claim) -> Outcome:
        return decide(claim, self._programs)

    def _decide_or_raise(self, claim: Claim) -> Outcome:
        return decide_or_raise(claim, self._programs)
