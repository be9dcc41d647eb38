"""The clock jumps: forwards, backwards, over the end of a month, and differently in two processes at one ledger.

NEVER loses an order, counts one twice, or lets a board differ from a rebuild because of it. What an order earns does
not depend on the clock; the feed's own times never go back.
"""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from tests.fault.following import Board
from tests.ledgers import open_ledger

from laurels.clock import DAY, HOUR, SECOND
from laurels.model.times import parse_instant
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import Shop, TurnedClock, adjustment, order, refund

pytestmark = pytest.mark.anyio

MONTH_ENDS = parse_instant("2026-11-01T00:00:00Z", "at")
JUMPS = (1, SECOND, HOUR, 3 * DAY, 8 * DAY, 35 * DAY, 400 * DAY)
MONTHS = ("month:2026-10", "month:2026-11")
ORDERS = 80


async def test_never_wrong_when_the_clock_jumps_in_two_processes(tmp_path: Path, rng: Random) -> None:
    processes = []
    for _ in range(2):
        now = TurnedClock()
        now.at = MONTH_ENDS
        shop = Shop(await open_ledger(tmp_path / "laurels.db", now), now)
        await shop.adopt(DEFAULT_PROGRAM)
        processes.append(shop)
    board = Board(processes[0].ledger, processes[0].now)
    earned: Counter[str] = Counter()
    for n in range(ORDERS):
        shop = rng.choice(processes)
        shop.now.at = max(0, shop.now.at + rng.choice((1, -1)) * rng.choice(JUMPS))
        member = f"m{n % 5}"
        await shop.accept(order(f"A{n}", member, "30.00", occurred_at=MONTH_ENDS + rng.choice((-1, 0))))
        await shop.accept(order(f"A{n}", member, "30.00", occurred_at=MONTH_ENDS + HOUR))
        earned[member] += 3
        if rng.random() < 0.3:
            await shop.accept(refund(f"R{n}", member, "10.00", f"A{n}"))
            earned[member] -= 1
        if rng.random() < 0.3:
            await shop.awarder.settle(adjustment(f"J{n}", member, 2))
            earned[member] += 2
        if rng.random() < 0.5:
            await rng.choice(processes).award(rng.randint(1, 9))
        if rng.random() < 0.3:
            await board.catch_up()
    await processes[1].award()
    await board.catch_up()
    await board.check(*MONTHS)
    feed = await processes[0].feed()
    assert all(earlier.recorded_at <= later.recorded_at for earlier, later in pairwise(feed))
    assert {member: (await processes[0].balance(member)).score for member in earned} == earned
    assert await processes[0].ledger.quarantine() == []
    assert await processes[0].findings() == []
    for shop in processes:
        await shop.ledger.close()


@pytest.mark.parametrize("jump", [-400 * DAY, -HOUR, -1, 0, 1, HOUR, 400 * DAY])
async def test_never_in_the_wrong_month_when_the_clock_jumps(shop: Shop, now: TurnedClock, jump: int) -> None:
    """An order counts in the month that it says it is of, whenever it is awarded; `board_at` is never the clock's."""
    now.at = MONTH_ENDS
    orders = [order(f"A{n}", f"m{n}", "10.00", occurred_at=MONTH_ENDS + n - 2) for n in range(4)]
    await shop.accept(*orders)
    now.at += jump
    await shop.award()
    board = Board(shop.ledger, now)
    await board.catch_up()
    await board.check(*MONTHS)
    october = {member_id for member_id, *_ in await board.standings(MONTHS[0])}
    november = {member_id for member_id, *_ in await board.standings(MONTHS[1])}
    too_late = jump > 7 * DAY
    assert october == (set() if too_late else {"m0", "m1"})
    assert november == (set() if jump > 40 * DAY else {"m2", "m3"})


async def test_who_died_under_another_clock_keeps_nobody_from_publishing(
    shop: Shop, now: TurnedClock, rng: Random
) -> None:
    """Its lease would end in a year, by the clock that is right again."""
    assert await shop.ledger.follow("https://a.example", "one", lease_s=60) is not None
    assert await shop.ledger.follow("https://a.example", "two", lease_s=60) is None
    now.at -= rng.choice(JUMPS[1:])
    assert await shop.ledger.follow("https://a.example", "two", lease_s=60) is not None
    assert await shop.ledger.follow("https://a.example", "one", lease_s=60) is None


async def test_never_twice_mailed_when_the_clock_jumps(shop: Shop, now: TurnedClock, rng: Random) -> None:
    """A message that is claimed is somebody's until its lease is over; back in time, it is not due a second time."""
    await shop.sell(order("A1", "ann", "1200.00", email="ann@example.com"))
    [message] = await shop.ledger.claim_messages(10, lease_s=900)
    for _ in range(20):
        now.at -= rng.choice(JUMPS)
        assert await shop.ledger.claim_messages(10, lease_s=900) == []
    await shop.ledger.message_sent(message.id)
    for _ in range(20):
        now.at += rng.choice((1, -1)) * rng.choice(JUMPS)
        assert await shop.ledger.claim_messages(10, lease_s=900) == []
        await shop.sell(refund("R1", "ann", "1200.00", "A1"), order("A2", "ann", "1200.00"))
    assert [each.state for each in await shop.ledger.messages("ann")] == ["sent"]
