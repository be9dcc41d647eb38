"""What is answered with its result: whoever waits shares the next transaction, whatever his shard."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from typing import NamedTuple

from laurels.clock import Clock
from laurels.engines.postgres.codes import SHARDS
from laurels.engines.postgres.connections import MOST, RETRIED, TRIES, Connections, is_at_fault, is_refused
from laurels.engines.postgres.group import SettleAnswer, SettleJob
from laurels.engines.postgres.joint_settling import JointSettled, settle_together
from laurels.engines.postgres.known import key_of
from laurels.engines.postgres.names import Names
from laurels.engines.postgres.opening import Facts
from laurels.engines.postgres.statements import Statements
from laurels.engines.postgres.waiting import answers_of
from laurels.errors import LaurelsError, LedgerUnavailable, LedgerUncertain, after_writing
from laurels.ledger import Decide, Receipt, Recording, is_some_in, shard_of
from laurels.ledger.audit import as_done, to_record
from laurels.model import Document

MOST_DOCUMENTS = 500
"""Documents that share a transaction: all of its shards are locked for as long as that takes."""

ROUNDS = 2
"""Transactions of many shards at a time: one is judged here while the server commits the other. With more of them,
fewer documents share each.
"""

ENOUGH = 32
"""Documents that are worth a round beside another one. Fewer wait for that to end, and share the next with those that
come meanwhile.
"""

WAITING = MOST - 2 - ROUNDS
"""Shards that are waited for at a time, a connection each: who accepts, or reads, finds one free meanwhile, and so does
a round of the others.
"""


class _PendingSettle(NamedTuple):
    settled: SettleJob
    doing: Recording | None
    future: "asyncio.Future[SettleAnswer]"


_PendingByShard = Mapping[int, list[_PendingSettle]]
"""By shard."""


class _Broken(Exception):
    """The transaction failed: no document's own fault."""

    def __init__(self, why: Exception) -> None:
        self.why = why
        super().__init__()


class Settler:
    """Settles documents in rounds: a transaction takes all that waits in shards that nobody has locked, and the next
    one all that came meanwhile. A shard that somebody else has locked is waited for apart, so that it holds up its own
    documents alone; who gets it takes what waits in others besides, so that processes take turns.
    """

    def __init__(
        self, connections: Connections, facts: Facts, names: Names, now: Clock, committed: Callable[[], None]
    ) -> None:
        self._connections = connections
        self._facts = facts
        self._names = names
        self._now = now
        self._committed = committed
        self._jobs: dict[int, list[_PendingSettle]] = defaultdict(list)
        self._busy: set[int] = set()
        """Shards that a task here has, or waits for."""
        self._missed_once: set[int] = set()
        """Shards that somebody else had when the last round came by."""
        self._missed: set[int] = set()
        """Shards that somebody else had twice, and that no task here waits for yet."""
        self._rounds = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(WAITING)

    async def settle(
        self, documents: Sequence[Document], decide: Decide, *, in_depth: bool
    ) -> list[Receipt | LaurelsError]:
        """Settle documents, together with those of concurrent calls."""
        loop = asyncio.get_running_loop()
        doing, secret = to_record(), self._facts.secret
        jobs = [
            (
                shard_of(document.member_id, SHARDS),
                _PendingSettle(
                    SettleJob(key_of(document, secret), document, decide, in_depth), doing, loop.create_future()
                ),
            )
            for document in documents
        ]
        for shard, job in jobs:
            self._jobs[shard].append(job)
        self._see_to_it()
        receipts: list[Receipt | LaurelsError] = []

        def withdraw() -> bool:
            waiting = [(shard, job) for shard, job in jobs if job in self._jobs[shard]]
            for shard, job in waiting:
                self._jobs[shard].remove(job)
            return len(waiting) == len(jobs)

        answers = await answers_of([job.future for _, job in jobs], withdraw)
        _raise_broken(answers)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, LaurelsError):
                raise answer
            receipts.append(answer)
        return receipts

    async def close(self) -> None:
        """Finish what was handed in."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def _see_to_it(self) -> None:
        """See that what waits is taken, as soon as there is a round to take it."""
        if self._rounds < ROUNDS and self._is_worth_a_round(beside=self._rounds):
            self._rounds += 1
            self._start(self._go_round(), "laurels-postgres-settle")

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        # Not in the caller's context: others' documents are no act of the person who asked first.
        task = asyncio.create_task(work, name=name, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _waiting(self) -> set[int]:
        """Shards with documents that no task here has."""
        return {shard for shard, jobs in self._jobs.items() if jobs} - self._busy

    def _is_worth_a_round(self, *, beside: int) -> bool:
        """Whether enough waits for a round beside so many others."""
        waiting = sum(len(self._jobs[shard]) for shard in self._waiting() - self._missed)
        return waiting >= (ENOUGH if beside else 1)

    async def _go_round(self) -> None:
        try:
            while self._is_worth_a_round(beside=self._rounds - 1):
                await self._settle_some(None)
        finally:
            self._rounds -= 1

    async def _wait_for(self, shard: int) -> None:
        """Settle what waits in a shard that somebody else has locked, unless it was taken meanwhile."""
        async with self._turns:
            if shard in self._missed and self._jobs[shard]:
                await self._settle_some(shard)
            self._missed.discard(shard)
        self._see_to_it()

    def _taken(self, shards: Sequence[int]) -> dict[int, list[_PendingSettle]]:
        """What is settled next in shards: all, or of each an equal part of what a transaction may have."""
        most = MOST_DOCUMENTS
        if sum(len(self._jobs[shard]) for shard in shards) > most:
            most = max(1, most // len(shards))
        taken = {}
        for shard in shards:
            taken[shard] = self._jobs[shard][:most]
            del self._jobs[shard][:most]
        return {shard: jobs for shard, jobs in taken.items() if jobs}

    async def _settle_some(self, first: int | None) -> None:
        """Settle what waits in shards that nobody has locked, in one transaction; `first` is waited for. What is wrong
        with one shard's documents is no other's business: then each shard has its own.
        """
        held: set[int] = set()
        jobs: dict[int, list[_PendingSettle]] | None = None
        try:
            async with self._locked(first, held) as db:
                jobs = self._taken(sorted(held))
                settled, recorded = await self._settled(db, jobs, lock_budgets=False)
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it was
            if jobs and (is_at_fault(error) or isinstance(error, RETRIED) or (len(jobs) > 1 and is_refused(error))):
                for shard, of_shard in jobs.items():
                    await self._answer(shard, of_shard)
            else:
                jobs = self._taken(sorted(held)) if jobs is None else jobs
                _break([job for of_shard in jobs.values() for job in of_shard], error)
        else:
            self._done(settled, recorded)
            for shard, of_shard in jobs.items():
                self._tell(of_shard, settled.answers[shard])
        finally:
            self._busy -= held

    @asynccontextmanager
    async def _locked(self, first: int | None, held: set[int]) -> AsyncIterator[Statements]:
        """A transaction with the shards in `held` locked: those that it gets without waiting, but for `first`."""
        if first is None:
            held |= self._waiting() - self._missed
            self._busy |= held
            async with self._connections.transaction_on_free(sorted(held)) as (db, locked):
                self._let_go(held, locked)
                yield db
            return
        held.add(first)
        self._busy.add(first)
        self._missed.discard(first)
        async with self._connections.transaction([first], recorded=False) as db:
            if others := self._waiting():
                held |= others
                self._busy |= others
                self._let_go(held, [first, *(shard for (shard,) in await db.all("lock_free_shards", sorted(others)))])
            yield db

    def _let_go(self, held: set[int], locked: Sequence[int]) -> None:
        """Hold what is locked. Of the rest, what was missed before is waited for by others of these tasks: most who had
        a shard are gone by the next round.
        """
        missed = held.difference(locked)
        held -= missed
        self._busy -= missed
        self._missed -= held
        twice = missed & self._missed_once
        self._missed_once = (self._missed_once | missed) - held - twice
        for shard in sorted(twice - self._missed):
            self._missed.add(shard)
            self._start(self._wait_for(shard), f"laurels-postgres-settle-{shard}")

    async def _answer(self, shard: int, jobs: list[_PendingSettle]) -> None:
        """Settle documents of one shard, waiting for whoever has it locked."""
        try:
            answers = await self._settle_in(shard, jobs)
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it was
            if len(jobs) > 1 and is_at_fault(error):
                for job in jobs:  # one has something in it that no row can hold: the others go in
                    await self._answer(shard, [job])
                return
            _break(jobs, error)
            return
        self._tell(jobs, answers)

    def _tell(self, jobs: list[_PendingSettle], answers: list[SettleAnswer | int]) -> None:
        for job, answer in zip(jobs, answers, strict=True):
            if isinstance(answer, int):  # its member became one of another shard
                self._jobs[answer].append(job)
            elif not job.future.done():
                job.future.set_result(answer)

    async def _settle_in(self, shard: int, jobs: list[_PendingSettle]) -> list[SettleAnswer | int]:
        for tries in range(TRIES):
            try:
                async with self._connections.transaction([shard], recorded=False) as db:
                    settled, recorded = await self._settled(db, {shard: jobs}, lock_budgets=tries > 0)
            except RETRIED:
                continue
            self._done(settled, recorded)
            return settled.answers[shard]
        raise LedgerUnavailable

    async def _settled(
        self, db: Statements, jobs: _PendingByShard, *, lock_budgets: bool
    ) -> tuple[JointSettled, list[Recording]]:
        """Settle documents in a transaction, and write the rows of what people asked for: one for each doing and
        transaction, of what was judged in it.
        """
        if not jobs:  # they were withdrawn
            return JointSettled({}, grew=False), []
        documents = {shard: [job.settled for job in of_shard] for shard, of_shard in jobs.items()}
        settled = await settle_together(db, documents, self._facts, self._names, self._now(), lock_budgets=lock_budgets)
        judged: dict[Recording, list[SettleAnswer]] = {}
        for shard, of_shard in jobs.items():
            for job, answer in zip(of_shard, settled.answers[shard], strict=True):
                if job.doing is not None and isinstance(answer, Receipt | LaurelsError):
                    judged.setdefault(job.doing, []).append(answer)
        if judged:
            acts = [as_done(doing.act, of_doing) for doing, of_doing in judged.items()]
            await self._connections.write_rows(db, acts)
        return settled, [*judged]

    def _done(self, settled: JointSettled, recorded: list[Recording]) -> None:
        for doing in recorded:
            doing.row_is_written = True
        if settled.grew:
            self._committed()


def _raise_broken(answers: Sequence[SettleAnswer]) -> None:
    """Raise why a call's transactions failed, if one did. Where others of its went in, that is no longer to say that
    nothing was accepted.
    """
    broken = [answer.why for answer in answers if isinstance(answer, _Broken)]
    if not broken:
        return
    uncertain = next((why for why in broken if isinstance(why, LedgerUncertain)), None)
    with after_writing(is_some_in=is_some_in(answers)):
        raise uncertain or broken[0]


def _break(jobs: Sequence[_PendingSettle], error: Exception) -> None:
    for job in jobs:
        if not job.future.done():
            job.future.set_result(_Broken(error))
