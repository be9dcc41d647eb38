"""NEVER skips an entry in the feed: one writer stays open while others come, and the board misses nothing."""

import asyncio
import threading
from pathlib import Path
from random import Random

import pytest
from tests.fault.following import Board
from tests.ledgers import open_ledger

from laurels.awarding.decide import decide
from laurels.ledger import Claim, Outcome
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order

pytestmark = pytest.mark.anyio

ROUNDS = 8
EACH = 5


async def test_never_skips_an_entry_of_a_writer_that_was_held_open(
    shop: Shop, now: TurnedClock, tmp_path: Path, rng: Random
) -> None:
    """While an award is under way in one process, another hands in and awards, and a third follows the feed all the
    time. What it has seen grows by whole positions, and in the end equals a rebuild.
    """
    other = Shop(await open_ledger(tmp_path / "laurels.db", now), now)
    await other.adopt(DEFAULT_PROGRAM)
    board = Board(other.ledger, now)
    await board.catch_up()
    for n in range(ROUNDS):
        await shop.accept(*(order(f"A{n}-{k}", f"m{rng.randrange(9)}", "10.00") for k in range(EACH)))
        decided, go_on = threading.Event(), threading.Event()

        def hold(claim: Claim, decided: threading.Event = decided, go_on: threading.Event = go_on) -> Outcome:
            outcome = decide(claim, shop.programs)
            decided.set()
            assert go_on.wait(60)
            return outcome

        held = asyncio.create_task(shop.ledger.award(0, EACH, hold, waiting_before=0))
        await asyncio.to_thread(decided.wait, 30)
        before = (await board.catch_up()).marks[0].position
        later = asyncio.create_task(_sell_later(other, n))
        assert (await board.catch_up()).marks[0].position == before, "what is not committed is not seen"
        await board.check()
        assert not later.done(), "it did not wait for the one that is held open"
        go_on.set()
        while not (held.done() and later.done()):
            await board.catch_up()
            await asyncio.sleep(0)
        await asyncio.gather(held, later)
        await board.catch_up()
        await board.check()
    await other.ledger.close()
    feed = await shop.feed()
    assert [entry.position for entry in feed] == list(range(1, len(feed) + 1))
    assert sum(points for _, points, _, _ in await board.standings()) == 2 * ROUNDS * EACH


async def _sell_later(shop: Shop, n: int) -> None:
    for k in range(EACH):
        await shop.sell(order(f"B{n}-{k}", f"m{k}", "10.00"))
