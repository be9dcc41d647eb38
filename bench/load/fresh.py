"""How soon an accepted order is seen: orders at a steady rate, whatever the answers take (an open loop), while the
board's version is asked for again and again.

Afterwards every order tells its `as_of`. It was seen when the first answer at or past that version came back. So that a
server that stalls cannot hide it by being asked less (coordinated omission), the time is also given from when the order
was due to be sent.
"""

import asyncio
from bisect import bisect_left
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter

import msgspec
from load import Connection, Outcome
from prepare import PreparedShop, order_request, read_request

LINES = 64
LOOK_EVERY_S = 0.003


@dataclass
class Sent:
    """One order: when it was due, when its acceptance was answered, and from which position boards show it."""

    id: str
    due_at: float
    accepted_at: float = 0.0
    position: int = 0


async def measure_freshness(port: int, shop: PreparedShop, *, rate: int, seconds: float) -> dict[str, float]:
    """Send `rate` orders a second for a while, and tell how soon they were seen, in milliseconds."""
    start = perf_counter() + 0.5
    orders = [Sent(f"F{start}-{n}", start + n / rate) for n in range(int(rate * seconds))]
    seen: list[tuple[int, float]] = []
    watching = asyncio.create_task(watch(port, shop.till, seen))
    due = iter(zip(orders, shop.some_members(), strict=False))
    await asyncio.gather(*(send(port, shop.till, due) for _ in range(LINES)))
    await learn_positions(port, shop.till, orders)
    last = max(order.position for order in orders)
    while not seen or seen[-1][0] < last:  # noqa: ASYNC110 - the watcher appends
        await asyncio.sleep(LOOK_EVERY_S)
    watching.cancel()
    positions, times = zip(*seen, strict=True)
    seen_at = [times[bisect_left(positions, order.position)] for order in orders]
    since_accept = Outcome(latencies_s=[max(at - one.accepted_at, 0) for at, one in zip(seen_at, orders, strict=True)])
    since_due = Outcome(latencies_s=[at - one.due_at for at, one in zip(seen_at, orders, strict=True)])
    return {
        "orders": len(orders),
        "per_s": len(orders) / (max(order.accepted_at for order in orders) - start),
        **{f"p{n}_since_accept_ms": since_accept.percentile_ms(n) for n in (50, 99)},
        **{f"p{n}_since_due_ms": since_due.percentile_ms(n) for n in (50, 99)},
    }


async def send(port: int, token: str, due: "zip[tuple[Sent, str]]") -> None:
    """One connection: take the next order, wait until it is due, send it."""
    connection = await Connection().open(port)
    for order, member in due:
        await asyncio.sleep(order.due_at - perf_counter())
        status, _, _ = await connection.ask(order_request(order.id, member, token))
        order.accepted_at = perf_counter()
        assert status == HTTPStatus.ACCEPTED, status
    connection.close()


async def watch(port: int, token: str, seen: list[tuple[int, float]]) -> None:
    """Note each new version of the board, and when the answer with it was there."""
    connection = await Connection().open(port)
    request = read_request("all-time", token, "/leaderboard/{}?top=0")
    while True:
        _, _, body = await connection.ask(request)
        position = position_of(body)
        if not seen or position > seen[-1][0]:
            seen.append((position, perf_counter()))
        await asyncio.sleep(LOOK_EVERY_S)


async def learn_positions(port: int, token: str, orders: list[Sent]) -> None:
    """Ask of each order where it is."""
    connection = await Connection().open(port)
    for order in orders:
        while not order.position:
            _, _, body = await connection.ask(read_request(order.id, token, "/order/{}"))
            order.position = position_of(body) if b"as_of" in body else 0
    connection.close()


def position_of(body: bytes) -> int:
    """The position in the `as_of` of an answer. It is opaque to all but this bench, which has one shard."""
    return int(msgspec.json.decode(body)["as_of"].rpartition("-")[2])
