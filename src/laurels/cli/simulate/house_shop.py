"""The configured house in this process: intake, awarding and projector, each in its loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from laurels.cli.console import settle
from laurels.cli.crowd import member_id
from laurels.cli.maintenance import verify_house
from laurels.cli.simulate.books import Answer, Books, Line
from laurels.cli.simulate.shop import Checked
from laurels.errors import NotAllowed
from laurels.ledger import Heads, Receipt
from laurels.model import Mark, Order, Refund
from laurels.wiring import House
from laurels.workers import award_forever, project_forever

CHUNK = 1000
"""Entries read at once."""


@asynccontextmanager
async def open_house(house: House, run: str, *, among_others: bool) -> AsyncIterator["HouseShop"]:
    """A shop in this process over a house whose board is at the head of the feed.

    Raises `NotAllowed` where the ledger holds orders that nobody made up, unless the day may be played `among_others`.
    """
    heads = await house.ledger.heads()
    is_empty = not any(mark.position for mark in heads.marks.values())
    if not (is_empty or among_others or await house.ledger.member(member_id(0))):
        raise NotAllowed(
            "This ledger holds orders that nobody made up, and made-up ones cannot be taken out of it again. "
            "Name another state directory (--state), or say --yes."
        )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        award = tasks.create_task(award_forever(house.ledger, house.awarder, stop))
        project = tasks.create_task(project_forever(house.ledger, house.projector, stop))

        async def at_rest() -> None:
            stop.set()
            await asyncio.wait([award, project])

        try:
            yield HouseShop(house, run, heads, at_rest)
        finally:
            stop.set()


class HouseShop:
    """A `Shop` in this process."""

    def __init__(self, house: House, run: str, began_at: Heads, at_rest: Callable[[], Awaitable[None]]) -> None:
        """`run` is the source of this run's documents; its entries come after `began_at`. `at_rest` returns when the
        loops have ended.
        """
        self._house = house
        self._run = run
        self._began_at = began_at
        self._at_rest = at_rest

    async def send(self, documents: Sequence[Order | Refund]) -> list[Answer]:
        """All in one commit."""
        receipts = await self._house.intake.accept_all([(document, b"") for document in documents])
        return [_answer(receipt) for receipt in receipts]

    async def settle(self, books: Books) -> None:  # noqa: ARG002 - the inbox knows what is left
        """Let the loops end, and do the rest at once."""
        await self._at_rest()
        await settle(self._house)

    async def lines(self, books: Books) -> list[Line]:  # noqa: ARG002 - the feed tells them all
        """Read from the feed, from where it was when the day began."""
        lines = []
        heads = await self._house.ledger.heads()
        for shard, head in heads.marks.items():
            mark = self._began_at.marks.get(shard, Mark())
            while mark.position < head.position:
                entries = await self._house.ledger.feed(shard, mark, CHUNK)
                mark = Mark(entries[-1].position, entries[-1].hash)
                lines += [
                    Line(entry.order_id, entry.kind, entry.points)
                    for entry in entries
                    if entry.source == self._run and entry.order_id is not None
                ]
        return lines

    async def check(self, books: Books) -> Checked:  # noqa: ARG002 - the whole ledger is verified
        """The same as `laurels verify`."""
        return Checked.of(await verify_house(self._house))


def _answer(receipt: Receipt) -> Answer:
    if receipt.conflict:
        return Answer.REFUSED
    return Answer.REPEATED if receipt.repeated else Answer.ACCEPTED
