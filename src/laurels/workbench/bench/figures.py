"""The benches. Each measures one thing of a scratch shop for some seconds and says beside which bound it stands."""

import asyncio
import os
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from laurels import clock
from laurels.awarding.awarder import BATCH
from laurels.dashboard.dashboard import to_json
from laurels.model import DocumentKind, Order, Version
from laurels.program import earn
from laurels.wiring import Services
from laurels.workbench.bench.scratch import CURRENCY, Scratch
from laurels.workbench.bench.timing import BOUND_SHARE, TURNS, Call, Timing, in_turns, repeat
from laurels.workbench.customers import basket
from laurels.workers import award_forever, project_forever

TILLS = 64
"""Orders that are accepted beside each other: they share commits."""

INBOX = 2_000
"""Orders that wait when awarding begins."""

FRESH_RATE = 100
"""Orders a second while freshness is measured: a day of 10 million has 116 on its average."""

PAGE_BYTES = 4096

SYNC_SHARE = 0.25
"""The part of the time that the disk is measured for: syncs are few and differ."""

LOOK_S = 0.25
"""How long the board or the ledger is waited for before it is looked at all the same."""


class BenchName(StrEnum):
    """What can be measured."""

    DASHBOARDS = "dashboards"
    ACCEPTS = "accepts"
    AWARDS = "awards"
    FRESHNESS = "freshness"


class Figure(Struct, frozen=True, kw_only=True):
    """One row: how many were done in how many seconds, what each took of the processor's time, how long one call took,
    and the bound: how many of something that does less were done a second in the same run.
    """

    bench: BenchName
    about: str
    count: int
    seconds: float
    per_s: float
    cpu_us: float | None
    p50_us: float
    p99_us: float
    bound: str | None
    bound_per_s: float | None


async def dashboards(scratch: Scratch, seconds: float) -> Figure:
    """Read dashboards of members at random, as JSON: top 10, own place, 2 neighbours on each side."""

    async def read() -> None:
        to_json(await scratch.services.dashboards.member(scratch.some_member(), must_exist=True))

    async def nothing() -> None:
        scratch.some_member()

    timing, bound = await in_turns(read, nothing, seconds=seconds)
    return _figure(BenchName.DASHBOARDS, "members at random, one by one, as JSON", timing, bound, "an empty handler")


async def accepts(scratch: Scratch, seconds: float) -> Figure:
    """Accept orders, each durable when it is answered. The bound is the disk: bytes appended and synced one by one.

    Orders that come together share a sync, so there may well be more orders than syncs.
    """

    async def accept() -> None:
        await scratch.accept(scratch.order())

    timing, bound = Timing(), Timing()
    with _synced_file(scratch.state) as sync:
        for _ in range(TURNS):
            await repeat(timing, accept, seconds=seconds / TURNS, lanes=TILLS)
            await repeat(bound, sync, seconds=seconds / TURNS * SYNC_SHARE)
    await scratch.services.awarder.drain()
    return _figure(
        BenchName.ACCEPTS, f"{TILLS} at once, each durable", timing, bound, f"{PAGE_BYTES} bytes synced, one by one"
    )


async def awards(scratch: Scratch, seconds: float) -> Figure:
    """Award orders that wait, batch by batch. The times are those of a batch; the bound is the program's rule alone."""
    awarder, program = scratch.services.awarder, scratch.services.programs.current
    timing, bound = Timing(), Timing()
    awarded = 0

    async def award() -> None:
        nonlocal awarded
        awarded += await awarder.step()

    async def rule() -> None:
        earn(program, basket(scratch.chance), CURRENCY)

    while timing.seconds < seconds:
        await scratch.accept_all([scratch.order() for _ in range(INBOX)])
        while await scratch.services.ledger.inbox_depth():
            await repeat(timing, award, seconds=0)
    await repeat(bound, rule, seconds=seconds * BOUND_SHARE)
    about = f"p50, p99: a batch of up to {BATCH}"
    return _figure(BenchName.AWARDS, about, timing, bound, "the program's rule alone", count=awarded)


async def freshness(scratch: Scratch, seconds: float) -> Figure:
    """How long from the answer that an order is accepted until the board shows its points, at a steady rate.

    Orders are sent when they are due, whatever the others take. Awarding and projection go on in this process.
    """
    orders = [scratch.order() for _ in range(max(1, int(seconds * FRESH_RATE)))]
    accepted_at: dict[str, float] = {}
    start = clock.elapsed()

    async def send(order: Order, due_s: float) -> None:
        await asyncio.sleep(start + due_s - clock.elapsed())
        await scratch.accept(order)
        accepted_at[order.order_id] = clock.elapsed()

    async with _watched(scratch.services) as seen:
        await asyncio.gather(*(send(order, n / FRESH_RATE) for n, order in enumerate(orders)))
        places = [await _place(scratch.services, order) for order in orders]
        await seen.reach((await scratch.services.ledger.heads()).version)
    timing = Timing()
    timing.seconds = clock.elapsed() - start
    for order, place in zip(orders, places, strict=True):
        timing.each_s.append(max(0.0, seen.first(place) - accepted_at[order.order_id]))
    return _figure(BenchName.FRESHNESS, f"accepted to shown, at {FRESH_RATE} orders a second", timing)


BENCHES = {
    BenchName.DASHBOARDS: dashboards,
    BenchName.FRESHNESS: freshness,
    BenchName.ACCEPTS: accepts,
    BenchName.AWARDS: awards,
}
"""Every bench, in the order in which they are run: those that leave the ledger's file much to tidy up come last."""


def _figure(
    bench: BenchName,
    about: str,
    timing: Timing,
    bound: Timing | None = None,
    bound_is: str | None = None,
    *,
    count: int | None = None,
) -> Figure:
    """The row of a timing. `count` where one call does not do one."""
    done = len(timing.each_s) if count is None else count
    return Figure(
        bench=bench,
        about=about,
        count=done,
        seconds=timing.seconds,
        per_s=done / timing.seconds,
        cpu_us=timing.cpu_s / done * 1e6 if timing.cpu_s else None,
        p50_us=timing.percentile_us(50),
        p99_us=timing.percentile_us(99),
        bound=bound_is,
        bound_per_s=None if bound is None else bound.per_s,
    )


@contextmanager
def _synced_file(folder: Path) -> Iterator[Call]:
    """What appends a page to a file on this disk and waits until it is there."""
    with (folder / "synced").open("wb", buffering=0) as file:

        async def sync() -> None:
            file.write(bytes(PAGE_BYTES))
            os.fsync(file.fileno())

        yield sync


class _Seen:
    """The board's versions, and when each was first there."""

    def __init__(self) -> None:
        self._versions: list[tuple[Version, float]] = []
        self._news = asyncio.Event()

    def note(self, version: Version) -> None:
        """The board has this version now."""
        self._versions.append((version, clock.elapsed()))
        self._news.set()

    async def reach(self, version: Version) -> None:
        """Return when the board has a version or a later one."""
        while not (self._versions and self._versions[-1][0].includes(version)):
            self._news.clear()
            await self._news.wait()

    def first(self, version: Version) -> float:
        """When a version was first on the board, or a later one."""

        def is_there(one: tuple[Version, float]) -> bool:
            return one[0].includes(version)

        return self._versions[bisect_left(self._versions, True, key=is_there)][1]


@asynccontextmanager
async def _watched(services: Services) -> AsyncIterator[_Seen]:
    """Awarding and projection for the length of a block, and what is seen on the board meanwhile."""
    seen = _Seen()
    stop = asyncio.Event()

    async def watch() -> None:
        known = (await services.leaderboard.followed()).version
        seen.note(known)
        while not stop.is_set():
            await services.leaderboard.wait_for_change(known, LOOK_S)
            now = (await services.leaderboard.followed()).version
            if now != known:
                known = now
                seen.note(known)

    async with asyncio.TaskGroup() as loops:
        loops.create_task(award_forever(services.ledger, services.awarder, stop))
        loops.create_task(project_forever(services.projector, stop))
        loops.create_task(watch())
        try:
            yield seen
        finally:
            stop.set()


async def _place(services: Services, order: Order) -> Version:
    """The version from which the boards show an order; waits for its award."""
    while True:
        heads = await services.ledger.heads()
        document = await services.ledger.document(DocumentKind.ORDER, order.source, order.order_id)
        if document is not None and document.entry is not None:
            return Version(heads.epoch, {document.entry.shard: document.entry.position})
        await services.ledger.wait_for_entries(heads, LOOK_S)
