"""What is answered with its result: whoever waits for a shard shares the next transaction on it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import NamedTuple

from laurels.clock import Clock
from laurels.engines.postgres.codes import SHARDS
from laurels.engines.postgres.connections import MOST, RETRIED, TRIES, Connections, is_at_fault
from laurels.engines.postgres.group import SettleAnswer, SettleGroup
from laurels.engines.postgres.names import Names
from laurels.engines.postgres.opening import Facts
from laurels.engines.postgres.statements import Statements
from laurels.engines.postgres.waiting import answers_of
from laurels.errors import LaurelsError, LedgerUnavailable
from laurels.ledger import Decide, Receipt, Recording, shard_of
from laurels.ledger.audit import as_done, to_record
from laurels.model import Document

MOST_DOCUMENTS = 500
"""Documents that share a transaction."""

AT_ONCE = MOST - 2
"""Shards that are settled at a time: who accepts, or reads, finds a connection free meanwhile."""


class _Job(NamedTuple):
    document: Document
    decide: Decide
    in_depth: bool
    doing: Recording | None
    future: "asyncio.Future[SettleAnswer]"


class _Broken(Exception):
    """The transaction failed: no document's own fault."""

    def __init__(self, why: Exception) -> None:
        self.why = why
        super().__init__()


class Settler:
    """Settles documents: those of a shard in turn, shards beside each other."""

    def __init__(
        self, connections: Connections, facts: Facts, names: Names, now: Clock, committed: Callable[[], None]
    ) -> None:
        self._connections = connections
        self._facts = facts
        self._names = names
        self._now = now
        self._committed = committed
        self._jobs: dict[int, list[_Job]] = defaultdict(list)
        self._working: dict[int, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def settle(
        self, documents: Sequence[Document], decide: Decide, *, in_depth: bool
    ) -> list[Receipt | LaurelsError]:
        """Settle documents, together with those of concurrent calls."""
        loop = asyncio.get_running_loop()
        doing = to_record()
        jobs = [
            (shard_of(document.member_id, SHARDS), _Job(document, decide, in_depth, doing, loop.create_future()))
            for document in documents
        ]
        for shard, job in jobs:
            self._jobs[shard].append(job)
            if shard not in self._working:
                # Not in the caller's context: others' documents are no act of the person who asked first.
                task = asyncio.create_task(
                    self._work(shard), name=f"laurels-postgres-settle-{shard}", context=Context()
                )
                self._working[shard] = task
        receipts: list[Receipt | LaurelsError] = []

        def withdraw() -> bool:
            waiting = [(shard, job) for shard, job in jobs if job in self._jobs[shard]]
            for shard, job in waiting:
                self._jobs[shard].remove(job)
            return len(waiting) == len(jobs)

        answers = await answers_of([job.future for _, job in jobs], withdraw)
        for answer in answers:
            if isinstance(answer, _Broken):
                raise answer.why
            if isinstance(answer, BaseException) and not isinstance(answer, LaurelsError):
                raise answer
            receipts.append(answer)
        return receipts

    async def close(self) -> None:
        """Finish what was handed in."""
        await asyncio.gather(*self._working.values())

    async def _work(self, shard: int) -> None:
        try:
            while self._jobs[shard]:
                async with self._turns:
                    jobs = self._jobs[shard][:MOST_DOCUMENTS]
                    del self._jobs[shard][:MOST_DOCUMENTS]
                    await self._answer(shard, jobs)
        finally:
            del self._working[shard]

    async def _answer(self, shard: int, jobs: list[_Job]) -> None:
        try:
            answers = await self._settle_together(shard, jobs)
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it was
            if len(jobs) > 1 and isinstance(error, LaurelsError) and is_at_fault(error):
                for job in jobs:  # one has something in it that no row can hold: the others go in
                    await self._answer(shard, [job])
                return
            for job in jobs:
                if not job.future.done():
                    job.future.set_result(_Broken(error))
            return
        for job, answer in zip(jobs, answers, strict=True):
            if isinstance(answer, int):  # its member became one of another shard
                await self._answer(answer, [job])
            elif not job.future.done():
                job.future.set_result(answer)

    async def _settle_together(self, shard: int, jobs: list[_Job]) -> list[SettleAnswer | int]:
        for tries in range(TRIES):
            try:
                async with self._connections.transaction([shard], recorded=False) as db:
                    now = self._now()
                    group = SettleGroup(db, shard, self._facts, self._names, now, lock_budgets=tries > 0)
                    in_depth = any(job.in_depth for job in jobs)
                    documents = [(job.document, job.decide) for job in jobs]
                    answers = await group.settle(documents, in_depth=in_depth)
                    recorded = await self._record(db, jobs, answers)
            except RETRIED:
                continue
            for doing in recorded:
                doing.row_is_written = True
            if group.grew:
                self._committed()
            return answers
        raise LedgerUnavailable

    async def _record(self, db: Statements, jobs: list[_Job], answers: list[SettleAnswer | int]) -> list[Recording]:
        """Write the rows of what people asked for: one for each doing and transaction, of what was judged in it."""
        judged: dict[Recording, list[SettleAnswer]] = {}
        for job, answer in zip(jobs, answers, strict=True):
            if job.doing is not None and isinstance(answer, Receipt | LaurelsError):
                judged.setdefault(job.doing, []).append(answer)
        for doing, of_doing in judged.items():
            await self._connections.write_row(db, as_done(doing.act, of_doing))
        return [*judged]
