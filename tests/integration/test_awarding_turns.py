"""Shards that all have a backlog are awarded batch upon batch, and none waits for another's."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from tests.postgres_server import Databases

from laurels.awarding import Awarder, awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.engines.postgres.codes import SHARDS
from laurels.ledger import shard_of
from laurels.model import Order
from laurels.program import DEFAULT_PROGRAM, parse_program

pytestmark = pytest.mark.anyio

LIMIT = 2


@pytest.fixture
async def ledger(postgres: Databases) -> AsyncIterator[PostgresLedger]:
    with postgres.new() as url:
        opened = await PostgresLedger.open(url)
        yield opened
        await opened.close()


async def awarder_with(ledger: PostgresLedger, waiting: dict[int, int]) -> Awarder:
    """So many orders wait in each shard."""
    left, documents = Counter(waiting), []
    for n in range(100_000):
        shard = shard_of(f"m{n}", SHARDS)
        if left[shard] > 0:
            left[shard] -= 1
            order = Order(source="shop", order_id=f"A{n}", member_id=f"m{n}", currency="GBP", total=500)
            documents.append(order.document())
        if not +left:
            break
    await ledger.accept(documents)
    return Awarder(ledger, await publish(ledger, parse_program(DEFAULT_PROGRAM)))


async def test_where_all_have_more_a_step_goes_on(ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the end of its turn, or until a shard has come to its end: whose next documents come then are not to wait
    for the others' backlog.
    """
    awards = await awarder_with(ledger, dict.fromkeys(range(SHARDS), 3 * LIMIT))
    monkeypatch.setattr(awarder, "TURN_S", 0.0)
    assert await awards.step(LIMIT) == LIMIT * SHARDS
    monkeypatch.setattr(awarder, "TURN_S", 3600.0)
    taken = await awards.step(LIMIT)
    assert taken > LIMIT * SHARDS
    await awards.drain(LIMIT)
    assert await ledger.inbox_depth() == 0


async def test_a_shard_that_comes_to_its_end_ends_the_step(
    ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here one is held up until another is done: its backlog waits for the next step."""
    monkeypatch.setattr(awarder, "TURN_S", 3600.0)
    awards = await awarder_with(ledger, {0: 1, 1: 5 * LIMIT})
    shortest_done = asyncio.Event()
    step_in = awards.step_in

    async def held_up(shard: int, limit: int = LIMIT) -> int:
        if shard == 1:
            await shortest_done.wait()
        taken = await step_in(shard, limit)
        if shard == 0:
            shortest_done.set()
        return taken

    monkeypatch.setattr(awards, "step_in", held_up)
    assert await awards.step(LIMIT) == 1 + LIMIT
    monkeypatch.undo()
    assert await awards.drain(LIMIT) == 4 * LIMIT
