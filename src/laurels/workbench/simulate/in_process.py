"""The configured services in this process: intake, awarding and projector, each in its loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from laurels.errors import NotAllowed
from laurels.ledger import Heads, Receipt
from laurels.model import Mark, Order, Refund
from laurels.runtime.telling import ShowProgress
from laurels.runtime.upkeep import award_and_project, verify_services
from laurels.wiring import Services
from laurels.workbench.customers import member_id
from laurels.workbench.simulate.expected import EarnedLine, ExpectedAnswer, ExpectedLedger
from laurels.workbench.simulate.target import CheckedAnswer
from laurels.workers import award_forever, project_forever

CHUNK = 1000
"""Entries read at once."""


@asynccontextmanager
async def open_in_process(
    services: Services, run: str, progress: ShowProgress, *, among_others: bool
) -> AsyncIterator["InProcess"]:
    """A shop in this process over services whose board is at the head of the feed.

    Raises `NotAllowed` where the ledger holds orders that nobody made up, unless the day may be played `among_others`.
    """
    heads = await services.ledger.heads()
    is_empty = not any(mark.position for mark in heads.marks.values())
    if not (is_empty or among_others or await services.ledger.member(member_id(0))):
        raise NotAllowed(
            "This ledger holds orders that nobody made up, and made-up ones cannot be taken out of it again. "
            "Name another state directory (--state), or say --yes."
        )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        award = tasks.create_task(award_forever(services.ledger, services.awarder, stop))
        project = tasks.create_task(project_forever(services.projector, stop))

        async def at_rest() -> None:
            stop.set()
            await asyncio.wait([award, project])

        try:
            yield InProcess(services, run, heads, at_rest, progress)
        finally:
            stop.set()


class InProcess:
    """A `Target` in this process."""

    def __init__(
        self,
        services: Services,
        run: str,
        began_at: Heads,
        at_rest: Callable[[], Awaitable[None]],
        progress: ShowProgress,
    ) -> None:
        """`run` is the source of this run's documents; its entries come after `began_at`. `at_rest` returns when the
        loops have ended.
        """
        self._services = services
        self._run = run
        self._began_at = began_at
        self._at_rest = at_rest
        self._progress = progress

    async def send(self, documents: Sequence[Order | Refund]) -> list[ExpectedAnswer]:
        """All in one commit."""
        receipts = await self._services.intake.accept_all([(document, b"") for document in documents])
        return [_answer(receipt) for receipt in receipts]

    async def settle(self, expected: ExpectedLedger) -> None:  # noqa: ARG002 - the inbox knows what is left
        """Let the loops end, and do the rest at once."""
        await self._at_rest()
        await award_and_project(self._services, self._progress)

    async def lines(self, expected: ExpectedLedger) -> list[EarnedLine]:  # noqa: ARG002 - the feed tells them all
        """Read from the feed, from where it was when the day began."""
        lines = []
        heads = await self._services.ledger.heads()
        for shard, head in heads.marks.items():
            mark = self._began_at.marks.get(shard, Mark())
            while mark.position < head.position:
                entries = await self._services.ledger.feed(shard, mark, CHUNK)
                mark = Mark(entries[-1].position, entries[-1].hash)
                lines += [
                    EarnedLine(entry.order_id, entry.kind, entry.points)
                    for entry in entries
                    if entry.source == self._run and entry.order_id is not None
                ]
        return lines

    async def check(self, expected: ExpectedLedger) -> CheckedAnswer:  # noqa: ARG002 - the whole ledger is verified
        """The same as `laurels verify`."""
        return CheckedAnswer.of(await verify_services(self._services, self._progress))


def _answer(receipt: Receipt) -> ExpectedAnswer:
    if receipt.conflict:
        return ExpectedAnswer.REFUSED
    return ExpectedAnswer.REPEATED if receipt.repeated else ExpectedAnswer.ACCEPTED
