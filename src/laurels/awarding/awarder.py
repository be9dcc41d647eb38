"""Carries documents from a ledger's inbox through the rules, batch by batch, shard by shard."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from laurels import clock
from laurels.awarding.decide import decide, decide_or_raise
from laurels.awarding.foreseeing import Foreseen, JudgedOnly, judge_only
from laurels.awarding.holding import HELD
from laurels.awarding.joining import join
from laurels.awarding.programs import Programs
from laurels.clock import DAY, Clock, elapsed
from laurels.errors import LaurelsError, NotOwned, UnknownMember, UnknownProgramVersion, after_writing
from laurels.ledger import (
    Claim,
    Decide,
    DocumentKey,
    Ledger,
    Outcome,
    Quarantined,
    Receipt,
    TakesIn,
    is_some_in,
    unrecorded,
)
from laurels.model import Document, Version

BATCH = 200
"""Documents a transaction: large enough to share a commit (with 500, one costs 5 % less), small enough that an accept
behind it waits some 20 ms.
"""

TURN_S = 0.25
"""For how long shards go on batch upon batch where all have a backlog, before it is looked whose they are."""

LOOK_S = 0.25
"""How often it is looked how far other processes got with their shards."""

SWEEP_BATCH = 500
"""Members a transaction, when the clock's entries are written down."""

LONGEST_WAIT = 30 * DAY
"""A refund waits this long for its order; then it is quarantined."""


class Awarder:
    """Awards documents, each under the program that was in force when it happened."""

    def __init__(self, ledger: Ledger, programs: Programs, now: Clock = clock.now) -> None:
        self._ledger = ledger
        self._programs = programs
        self._now = now
        self.on_quarantined: Callable[[Sequence[Quarantined]], object] = len
        """Called with documents that went to quarantine, once that is durable."""

    async def step(self, limit: int = BATCH) -> int:
        """Award a batch in every shard that this process owns, each in a transaction; where all have more, batch upon
        batch for `TURN_S`, so that none waits for the slowest. Returns how many documents were taken; 0: nothing is
        there to do.
        """
        shards = sorted(await self._ledger.own())
        ends = elapsed() + TURN_S
        all_have_more = len(shards) > 1

        async def turn(shard: int) -> int:
            nonlocal all_have_more
            taken = last = await self.step_in(shard, limit)
            while last == limit and all_have_more and elapsed() < ends:
                last = await self.step_in(shard, limit)
                taken += last
            if last < limit:
                all_have_more = False  # what comes for this shard meanwhile is not to wait for the others' backlog
            return taken

        return sum(await asyncio.gather(*(turn(shard) for shard in shards)))

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

    async def sweep(self, limit: int = SWEEP_BATCH) -> int:
        """Write down what the clock has done to a batch of members in every owned shard. Answers are right before that;
        it makes the ledger say so. Returns how many members were looked at; 0: nobody's time has come.
        """
        shards = await self._ledger.own()
        return sum(await asyncio.gather(*(self.sweep_in(shard, limit) for shard in sorted(shards))))

    async def sweep_in(self, shard: int, limit: int = SWEEP_BATCH) -> int:
        """The same in one shard. Returns how many members were looked at; 0 also where it is another process's now."""
        try:
            return await self._ledger.sweep(shard, limit, self._decide)
        except UnknownProgramVersion:  # another process published one
            await self._programs.load(self._ledger)
            return await self._ledger.sweep(shard, limit, self._decide)
        except NotOwned:
            return 0

    async def drain(self, limit: int = BATCH) -> int:
        """Award until no document is left to be awarded in any shard, so many of each at a time; for those that are
        other processes', it waits. Returns how many documents were taken here.
        """
        total = 0
        while True:
            while taken := await self.step(limit):
                total += taken
            heads = await self._ledger.heads()
            if not await self._ledger.inbox_depth():
                return total
            await self._ledger.wait_for_entries(heads, LOOK_S)

    async def take_in(self, documents: list[Document]) -> list[Receipt]:
        """Accept documents, and award all that is in the inbox then: at once where the ledger can."""
        ledger = self._ledger
        if not isinstance(ledger, TakesIn) or not ledger.takes_in:
            receipts = await ledger.accept(documents)
            await self.drain(max(BATCH, len(documents)))  # nobody waits for one of them
            return receipts
        try:
            return await self._take_in(ledger, documents)
        except UnknownProgramVersion:  # another process published one
            await self._programs.load(self._ledger)
            return await self._take_in(ledger, documents)

    async def _take_in(self, ledger: TakesIn, documents: list[Document]) -> list[Receipt]:
        before, in_depth = self._now() - LONGEST_WAIT, not self._programs.simple
        with self._told() as judge:
            return await ledger.take_in(documents, judge, waiting_before=before, in_depth=in_depth)

    async def settle(self, document: Document) -> Receipt:
        """Accept and award one document at once (an adjustment, a redemption). Raises why not, with nothing written."""
        [receipt] = await self.settle_all([document])
        if isinstance(receipt, LaurelsError):
            raise receipt
        return receipt

    async def settle_all(self, documents: list[Document], members: Sequence[int] = ()) -> list[Receipt | LaurelsError]:
        """The same of many, each judged alone; what was raised for one is its answer. With `members`, whose each is, by
        number: `UnknownMember` where its id means another one by now, or nobody, who is then not enrolled.
        """
        whose: dict[DocumentKey, int] = {}
        for each, member in zip(documents, members, strict=bool(members)):
            whose.setdefault((each.kind, each.source, each.id), member)  # of one key the first counts

        def judge(claim: Claim) -> Outcome:
            """In the transaction: what an id means may have changed until then."""
            if any(whose.get((item.kind, item.source, item.id), item.member) != item.member for item in claim.items):
                raise UnknownMember
            return self._decide_or_raise(claim)

        return await self._settle(documents, judge if whose else self._decide_or_raise)

    async def foresee(self, document: Document) -> Foreseen | Receipt:
        """What settling a document would do now, with nothing written, and nothing recorded of who asks. A receipt:
        it was here before, with this content or another. Raises why not. Costs what a settle does that is refused.
        """
        with unrecorded():
            [answer] = await self._settle([document], self._judge_only)
        if isinstance(answer, JudgedOnly):
            return answer.foreseen
        if isinstance(answer, LaurelsError):
            raise answer
        return answer

    async def known(self, version: int) -> Programs:
        """The published versions, this one among them, whoever published it."""
        if version not in self._programs.published:
            await self._programs.load(self._ledger)
        return self._programs

    async def merge(self, member_id: str, into: str, *, actor: str) -> Version:
        """Make two members one, with what the program keeps of both. Raises `UnknownMember`, `Conflict`,
        `PointsOutOfRange`.
        """
        try:
            return await self._ledger.merge(member_id, into, actor=actor, join=self._join)
        except UnknownProgramVersion:
            await self._programs.load(self._ledger)
            return await self._ledger.merge(member_id, into, actor=actor, join=self._join)

    async def _award(self, shard: int, limit: int) -> int:
        before = self._now() - LONGEST_WAIT
        in_depth = not self._programs.simple
        with self._told() as judge:
            return await self._ledger.award(shard, limit, judge, waiting_before=before, in_depth=in_depth)

    @contextmanager
    def _told(self) -> Iterator[Decide]:
        """A judge whose quarantined documents are told of once the ledger has them; where it fails, nothing is."""
        judge = _TransactionJudge(self._programs)
        yield judge
        if judge.quarantined:
            self.on_quarantined(list(judge.quarantined.values()))

    async def _settle(self, documents: list[Document], judge: Decide) -> list[Receipt | LaurelsError]:
        receipts = await self._settle_once(documents, judge)
        unknown = [n for n, receipt in enumerate(receipts) if isinstance(receipt, UnknownProgramVersion)]
        if unknown:  # another process published one
            with after_writing(is_some_in=is_some_in(receipts)):
                await self._programs.load(self._ledger)
                again = await self._settle_once([documents[n] for n in unknown], judge)
            for n, receipt in zip(unknown, again, strict=True):
                receipts[n] = receipt
        return receipts

    async def _settle_once(self, documents: list[Document], judge: Decide) -> list[Receipt | LaurelsError]:
        asked = any(document.in_depth or document.kind in HELD for document in documents)
        return await self._ledger.settle(documents, judge, in_depth=asked or not self._programs.simple)

    def _decide(self, claim: Claim) -> Outcome:
        return decide(claim, self._programs)

    def _join(self, claim: Claim) -> Outcome:
        return join(claim, self._programs)

    def _decide_or_raise(self, claim: Claim) -> Outcome:
        return decide_or_raise(claim, self._programs)

    def _judge_only(self, claim: Claim) -> Outcome:
        return judge_only(claim, self._programs)


class _TransactionJudge:
    """Judges a transaction's documents, in one part or several, and remembers which of them went to quarantine. A
    transaction that is tried again is judged again.
    """

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self.plain_orders = programs.plain_orders
        self.quarantined: dict[int, Quarantined] = {}

    def __call__(self, claim: Claim) -> Outcome:
        outcome = decide(claim, self._programs)
        if self.quarantined:
            for item in (*claim.items, *claim.overdue):
                self.quarantined.pop(item.sequence, None)
        for each in outcome.quarantined:
            self.quarantined[each.item.sequence] = each
        return outcome
