"""Roll-ups let entries come together: the next step waits for its time, unless the last one left something."""

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.ledgers import open_ledger

from laurels.program import DEFAULT_PROGRAM
from laurels.rollups import RollingUp
from laurels.testing.ledger_contract.base import Shop, TurnedClock, adjustment, soon
from laurels.workers import report, report_forever

pytestmark = pytest.mark.anyio

LONDON = ZoneInfo("Europe/London")


class Pauses:
    """Stands in for the sleep between steps: each lasts until it is ended."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[float] = asyncio.Queue()
        self.ended = asyncio.Event()

    async def __call__(self, seconds: float, stop: asyncio.Event) -> None:
        self.ended.clear()
        self.asked.put_nowait(seconds)
        await self.ended.wait()


async def nothing_due() -> float:
    return 0.0


async def test_what_comes_one_by_one_is_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = Pauses()
    monkeypatch.setattr(report, "sleep", pauses)
    now = TurnedClock()
    shop = Shop(await open_ledger(tmp_path / "laurels.db", now), now)
    await shop.adopt(DEFAULT_PROGRAM)
    stop = asyncio.Event()
    counting = asyncio.create_task(report_forever(shop.ledger, RollingUp(shop.ledger, LONDON), nothing_due, stop))
    try:
        await shop.sell(adjustment("J0", "ann", 1))
        await soon(pauses.asked.get())
        while (before := (await shop.ledger.rolled_up()).marks) != (await shop.ledger.heads()).marks:
            pauses.ended.set()
            await soon(pauses.asked.get())
        await shop.sell(*(adjustment(f"J{n}", "ann", 1) for n in range(1, 6)))
        assert (await shop.ledger.rolled_up()).marks == before  # it waits for its time
        pauses.ended.set()
        assert 0 <= await soon(pauses.asked.get()) <= report.PACE_S
        assert (await shop.ledger.rolled_up()).marks == (await shop.ledger.heads()).marks  # one step counted all
    finally:
        stop.set()
        await soon(counting)
        await shop.ledger.close()
