"""The order in which what a ledger has can be judged again: documents, and members that became one."""

from collections import deque
from collections.abc import AsyncIterator, Hashable, Iterator

from laurels.ledger import Awarded, Upkeep
from laurels.model import DocumentKind, Entry
from laurels.model.details import merge_details

Step = Awarded | Entry
"""A document, or the entry by which a member goes on that another one became."""


async def in_order(ledger: Upkeep, *, framed: bool = False) -> AsyncIterator[Step]:
    """Every document that was awarded and every merger, in an order in which each can be judged: that of recording, but
    what a transfer gives comes behind the transfer, and a merger behind all of the member that ends. Two shards may
    have written both at one instant, or by clocks that differ; then what is of the member who receives, or goes on,
    waits. `framed`: as `Upkeep.awarded`. Memory: by transfers and mergers.
    """
    waiting = _Waiting()
    mergers: deque[Entry] | None = None
    async for chunk in ledger.awarded(framed=framed):
        if mergers is None:  # no document of that moment follows a merger that is not among these
            mergers = deque([entry async for some in ledger.mergers() for entry in some])
        for document in chunk:
            while mergers and _place(mergers[0]) < _place(document.entry):
                for each in waiting.pass_on(mergers.popleft()):
                    yield each
            for each in waiting.pass_on(document):
                yield each
    for merger in mergers or ():
        for each in waiting.pass_on(merger):
            yield each
    for each in waiting.left():
        yield each


class _Waiting:
    """Keeps back what comes before what it needs of another member, and whatever follows it of the same member."""

    def __init__(self) -> None:
        self._come: set[Hashable] = set()
        self._held: dict[int, deque[Step]] = {}

    def pass_on(self, step: Step) -> Iterator[Step]:
        """What can be judged now that one more has come."""
        member = _member(step)
        if member in self._held or self._is_early(step):
            self._held.setdefault(member, deque()).append(step)
            return
        given = _gives(step)
        if given is None or isinstance(step, Awarded):
            yield step
        if given is not None:
            self._come.add(given)
            yield from self._let_go()

    def left(self) -> Iterator[Step]:
        """What is still kept back at the end: what it needs is not there, or waits itself."""
        for held in self._held.values():
            yield from (step for step in held if isinstance(step, Awarded))

    def _let_go(self) -> Iterator[Step]:
        for member in [member for member, held in self._held.items() if not self._is_early(held[0])]:
            for step in self._held.pop(member, ()):
                yield from self.pass_on(step)

    def _is_early(self, step: Step) -> bool:
        needed = _needs(step)
        return needed is not None and needed not in self._come


def _gives(step: Step) -> Hashable | None:
    """What another member's waits for: a transfer for what it gives, the end of a member for who goes on."""
    if isinstance(step, Awarded):
        return (step.source, step.id) if step.kind is DocumentKind.TRANSFER else None
    into = merge_details(step.details or b"{}").into
    return None if into is None else (step.member, into)


def _needs(step: Step) -> Hashable | None:
    if isinstance(step, Awarded):
        return (step.source, step.id) if step.kind is DocumentKind.GIVEN else None
    of = merge_details(step.details or b"{}").of
    return None if of is None else (of, step.member)


def _member(step: Step) -> int:
    return step.entry.member if isinstance(step, Awarded) else step.member


def _place(entry: Entry) -> tuple[int, int, int]:
    return entry.recorded_at, entry.shard, entry.position
