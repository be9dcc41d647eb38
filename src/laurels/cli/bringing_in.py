"""Bringing documents into the ledger and awarding them, and what became of each: nothing is called done that is not."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from itertools import islice
from typing import TypeVar

from msgspec import Struct, field

from laurels.cli.console import progress
from laurels.errors import Conflict, LaurelsError
from laurels.ledger import DocumentKey, Ledger, Receipt
from laurels.model import Adjustment, Document, DocumentKind, Order, Refund, Status
from laurels.runtime.telling import ShowProgress
from laurels.runtime.upkeep import award_and_project
from laurels.wiring import Services
from laurels.workers import share_interpreter

T = TypeVar("T")

CHUNK = 4000
"""Documents accepted in one commit. It takes a fifth of a second, under deep rules one, and others wait for it."""

_PAGE = 1000


class Imported(Struct):
    """What an import did. `new` documents were accepted, and `repeated` ones were here before; `awarded` counts the new
    ones. `waiting` and `reasons` (of what lies in quarantine, by reason) count both: they say where it all stands now.
    `refused` adjustments were not accepted, by reason.
    """

    orders: int = 0
    refunds: int = 0
    adjustments: int = 0
    new: int = 0
    repeated: int = 0
    awarded: int = 0
    waiting: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    conflicts: list[str] = field(default_factory=list)

    @property
    def quarantined(self) -> int:
        """How many lie in quarantine."""
        return self.reasons.total()

    @property
    def complete(self) -> bool:
        """Whether all were awarded, or were here before and neither wait nor lie in quarantine."""
        return not (self.waiting or self.reasons or self.refused or self.conflicts)


class _Unawarded(Struct):
    """Documents that are not awarded, each once: whether it is a new one; of those in quarantine, the reason."""

    waiting: dict[DocumentKey, bool] = field(default_factory=dict)
    lying: dict[DocumentKey, tuple[str, bool]] = field(default_factory=dict)


async def bring_in(
    services: Services, documents: Iterable[Order | Refund], total: int, show: ShowProgress = progress
) -> Imported:
    """Accept documents in chunks, award them, and bring the board to them. `total` is how many they are; they are
    walked a second time where some of them came into quarantine. `show` tells how far it is.

    The next chunk is read while one is written, so that two processors are of use.
    """
    share_interpreter()
    imported, unawarded = Imported(), _Unawarded()
    started, last = services.now(), await _last_quarantined(services.ledger)
    with show("importing", "documents") as report:
        done = 0
        async with aclosing(_one_ahead(_made(_chunks(documents, CHUNK)))) as chunks:
            async for chunk, made in chunks:
                receipts = await services.awarder.take_in(made)
                unsure = _count(imported, chunk, receipts)
                await _look(services.ledger, unsure, unawarded, started)
                done += len(chunk)
                report(done, total)
    await award_and_project(services, show)
    waited, unawarded.waiting = list(unawarded.waiting), {}
    await _look(services.ledger, waited, unawarded, started)
    await _look_into_quarantine(services.ledger, documents, last, unawarded)
    imported.waiting = len(unawarded.waiting)
    imported.reasons.update(reason for reason, _ in unawarded.lying.values())
    new = sum(unawarded.waiting.values()) + sum(is_new for _, is_new in unawarded.lying.values())
    imported.awarded = imported.new - new
    return imported


def _count(imported: Imported, chunk: list[Order | Refund], receipts: list[Receipt]) -> list[DocumentKey]:
    """Count what came of accepting; gives those that may wait for their order, or lie in quarantine from before."""
    unsure, conflicts, repeated = [], [], 0
    for document, receipt in zip(chunk, receipts, strict=True):
        if receipt.conflict:
            conflicts.append(_key(document)[2])
        elif receipt.repeated:
            repeated += 1
            if receipt.status is not Status.AWARDED:
                unsure.append(_key(document))
        elif isinstance(document, Refund) and document.order_id is not None:
            unsure.append(_key(document))
    orders = sum(isinstance(document, Order) for document in chunk)
    imported.orders += orders
    imported.refunds += len(chunk) - orders
    imported.conflicts += conflicts
    imported.repeated += repeated
    imported.new += len(chunk) - len(conflicts) - repeated
    return unsure


def _key(document: Order | Refund) -> DocumentKey:
    if isinstance(document, Order):
        return DocumentKind.ORDER, document.source, document.order_id
    return DocumentKind.REFUND, document.source, document.refund_id


async def _look(ledger: Ledger, keys: Iterable[DocumentKey], unawarded: _Unawarded, started: int) -> None:
    """Note which of these documents still wait for their order, or came into quarantine."""
    for key in keys:
        state = await ledger.document(*key)
        if state is None or state.status is Status.AWARDED:
            continue
        is_new = state.accepted_at >= started
        if state.status is Status.QUARANTINED:
            unawarded.lying[key] = (state.reason or "given up", is_new)
        else:
            unawarded.waiting[key] = is_new


async def _last_quarantined(ledger: Ledger) -> int:
    last = 0
    while page := await ledger.quarantine(after=last, limit=_PAGE):
        last = page[-1].sequence
    return last


async def _look_into_quarantine(
    ledger: Ledger, documents: Iterable[Order | Refund], last: int, unawarded: _Unawarded
) -> None:
    """Note those of the documents that lie behind a sequence in quarantine, whoever awarded them."""
    lying: dict[DocumentKey, str] = {}
    while page := await ledger.quarantine(after=last, limit=_PAGE):
        lying |= {
            key: each.reason for each in page if (key := (each.kind, each.source, each.id)) not in unawarded.lying
        }
        last = page[-1].sequence
    if lying:
        ours = {key for document in documents if (key := _key(document)) in lying}
        unawarded.lying |= {key: (reason, True) for key, reason in lying.items() if key in ours}


async def settle_adjustments(services: Services, adjustments: Iterable[Adjustment], total: int) -> Imported:
    """Accept and award adjustments at once, chunk by chunk, each judged alone, and bring the board to them."""
    imported = Imported()
    with progress("importing", "adjustments") as report:
        for chunk in _chunks(adjustments, CHUNK):
            documents = [adjustment.document() for adjustment in chunk]
            for document, answer in zip(documents, await services.awarder.settle_all(documents), strict=True):
                _count_settled(imported, document, answer)
            report(imported.adjustments, total)
    await award_and_project(services, progress)
    return imported


def _count_settled(imported: Imported, document: Document, answer: Receipt | LaurelsError) -> None:
    imported.adjustments += 1
    if isinstance(answer, Conflict) or (isinstance(answer, Receipt) and answer.conflict):
        imported.conflicts.append(document.id)
    elif isinstance(answer, LaurelsError):
        imported.refused[answer.message] += 1
    elif answer.repeated:
        imported.repeated += 1
    else:
        imported.new += 1
        imported.awarded += 1


def _made(chunks: Iterable[list[Order | Refund]]) -> Iterator[tuple[list[Order | Refund], list[Document]]]:
    for chunk in chunks:
        yield chunk, [document.document() for document in chunk]


async def _one_ahead(items: Iterator[T]) -> AsyncGenerator[T]:
    """Items in order, the next one being made by a thread meanwhile."""
    making = asyncio.create_task(asyncio.to_thread(next, items, None))
    try:
        while (item := await making) is not None:
            making = asyncio.create_task(asyncio.to_thread(next, items, None))
            yield item
    finally:
        await asyncio.gather(making, return_exceptions=True)  # looked at, so that nobody complains that it was not


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
