"""How long pages of the console take while so many people are at work, over a ledger that is made for it (or is there).

    .venv/bin/python bench/console.py
    .venv/bin/python bench/console.py --members 5000000 --orders 9 --copies 1000     # 5,000 by awarding, copied
    .venv/bin/python bench/console.py … --postgres       # on a PostgreSQL server of its own, whose files lie there too
    .venv/bin/python bench/console.py … --ledger postgresql://laurels@localhost/bench    # on one that runs, empty
    .venv/bin/python bench/console.py … --keep FOLDER    # the ledger stays in FOLDER, so that it need not be made anew
    .venv/bin/python bench/console.py … --made FOLDER    # one that was kept, with the numbers that it was made by

With `--copies` that part of the members is made the real way, and the rest are copies of it (bench/copies.py). What was
made is flushed to the disk before people come: else their looks, each of which is flushed before it is answered, would
wait for that.

The processes are those of a shop: `laurels serve`, and `laurels console`, which all people are at; they are here. A
person looks at a page for `--looks` seconds on average before the next. Prints the median and the 99th percentile of
each page, in milliseconds; what of the processor each page costs the console (and the database's server, where it is
ours), opened `--alone` times by one person; what an award costs the roll-ups; and, in `--pairs` turns of `--span`
seconds, what people at the console cost the awards and the hot read.
"""

import argparse
import asyncio
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import httpx
from bench.console_pairs import pairs, told
from bench.console_people import Took, alone, work
from bench.console_processes import Processes, postgres_over, started
from bench.copies import multiply_file, multiply_server
from tests.integration.http_shop import Shop, open_shop
from tests.postgres_server import PostgresServer

from laurels import clock
from laurels.clock import DAY, SECOND
from laurels.http.admission.person_tokens import PersonTokens, console_key
from laurels.model import Order
from laurels.rollups import RollingUp

AT_ONCE = 5_000
DAYS = 365
LONG = 2_500
"""Orders of one customer, whose timeline is filtered for what there is none of."""
ROLES = ("lead", "operator", "auditor", "finance")
BOUNDS_MS = {
    "customer": 100,
    "search": 100,
    "2,500 entries filtered": 150,
    "work list": 100,
    "overview, cold": 400,
    "overview, warm": 50,
    "movement of 12 months": 20,
}
"""What the 99th percentile is held against."""


class Turned:
    """A clock that is turned on through a year, so that a report of twelve months has twelve months to read."""

    def __init__(self) -> None:
        self.at = clock.now() - (DAYS + 1) * DAY

    def __call__(self) -> int:
        """Where it was turned to."""
        return self.at


async def fill(shop: Shop, now: Turned, members: int, orders: int) -> None:
    """So many members with so many orders each, over a year, awarded and summed, and behind them one with many."""
    services = shop.services
    at_once = min(AT_ONCE, max(1, members * orders // DAYS))
    step = DAYS * DAY * at_once // (members * orders)
    for start in range(0, members * orders, at_once):
        now.at += step
        some = [_order(n, members) for n in range(start, min(start + at_once, members * orders))]
        await services.ledger.accept([each.document() for each in some])
        await services.awarder.drain()
    now.at = clock.now()
    many = [
        Order(source="bench", order_id=f"long{n}", member_id="long", currency="GBP", total=999) for n in range(LONG)
    ]
    await services.ledger.accept([each.document() for each in many])
    await services.awarder.drain()
    await services.ledger.accept([_order(n, members, "USD").document() for n in range(100)])
    await services.awarder.drain()
    await services.projector.catch_up()
    entries, began = await entries_of(shop), time.process_time()
    await RollingUp(services.ledger, services.programs.current.zone).reach()
    each_us = 1e6 * (time.process_time() - began) / entries
    print(f"roll-ups: {each_us:.1f} us of processor time an entry of {entries:,}", flush=True)


def _order(n: int, members: int, currency: str = "GBP") -> Order:
    total = 500 + n * 7_919 % 20_000
    return Order(source="bench", order_id=f"{currency}{n}", member_id=f"m{n % members}", currency=currency, total=total)


async def movement(shop: Processes, took: Took) -> None:
    """A statement of twelve months, as the API gives it."""
    token = PersonTokens(console_key(shop.settings)).sign("bench", "bench", ["finance"])
    last = datetime.fromtimestamp(clock.now() // SECOND, UTC).date() + timedelta(days=1)
    first = last - timedelta(days=DAYS)
    async with httpx.AsyncClient(base_url=shop.base, headers={"Authorization": f"Bearer {token}"}) as client:
        for _ in range(200):
            began = time.perf_counter()
            answer = await client.get(f"/reports/movement?per=month&from={first}&to={last}")
            took.setdefault("movement of 12 months", []).append(1000 * (time.perf_counter() - began))
            assert answer.is_success, answer.text


async def main(options: argparse.Namespace, state: Path, server: PostgresServer | None) -> None:
    """Make the ledger, let people work, print what each page took."""
    ledger = options.ledger if server is None else server.url("bench")
    began = time.perf_counter()
    if options.made is None:
        await make(state, ledger, options)
        if server is not None:
            server.sql("CHECKPOINT")
    async with started(state, ledger, options.people, server) as shop:
        print(
            f"{options.members:,} members: there, and on the board, in {time.perf_counter() - began:,.0f} s", flush=True
        )
        took: Took = {}
        rng = random.Random(options.seed)
        await asyncio.gather(*(work(each, rng, options, took) for each in shop.visitors))
        await movement(shop, took)
        tell(took, options)
        pids = [shop.console] if server is None else [shop.console, server.pid]
        print(*await alone(shop.visitors[0], rng, options, pids), sep="\n", flush=True)
        if options.pairs:
            print(*told(await pairs(shop, options)), sep="\n")


async def make(state: Path, ledger: str | None, options: argparse.Namespace) -> None:
    """The ledger, on the disk."""
    now = Turned()
    settings: dict[str, Any] = {} if ledger is None else {"ledger_url": ledger}
    async with open_shop(state, now=now, **settings) as shop:
        await fill(shop, now, options.members // options.copies, options.orders)
    if ledger is not None:
        if options.copies > 1:
            await multiply_server(ledger, options.copies - 1)
        return
    if options.copies > 1:
        multiply_file(state / "laurels.db", options.copies - 1)
    flush(state)


def flush(folder: Path) -> None:
    """Wait until the disk has what lies in a folder."""
    for path in (*folder.glob("laurels.db*"), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


async def entries_of(shop: Shop) -> int:
    """How many entries the ledger has."""
    return sum(mark.position for mark in (await shop.services.ledger.heads()).marks.values())


@contextmanager
def folder_of(options: argparse.Namespace) -> Iterator[Path]:
    """Where the files lie: one that stays, or a temporary one."""
    stays = options.made or options.keep
    if stays is None:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            yield Path(folder)
    else:
        stays.mkdir(parents=True, exist_ok=options.made is not None)
        yield stays


def tell(took: Took, options: argparse.Namespace) -> None:
    """What pages took."""
    print(f"{options.people} people at once, {options.pages} rounds each; ms")
    for name, each in took.items():
        p50, p99 = (quantiles(each, n=100)[n] for n in (49, 98))
        bound = BOUNDS_MS.get(name)
        print(f"{name:24} p50 {p50:8.1f}  p99 {p99:8.1f}{'' if bound is None else f'  (bound {bound})'}")


if __name__ == "__main__":
    assert __doc__
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__)[0])
    parser.add_argument("--members", type=int, default=20_000)
    parser.add_argument("--orders", type=int, default=3, help="of each member")
    parser.add_argument("--copies", type=int, default=1, help="the whole is so many times what is awarded")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="a new folder in which the ledger stays")
    parser.add_argument("--made", type=Path, metavar="FOLDER", help="one that --keep made; it is written to")
    parser.add_argument("--folder", type=Path, help="where the files lie meanwhile; left out: where temporary ones do")
    parser.add_argument("--people", type=int, default=20, help="two or more")
    parser.add_argument("--pages", type=int, default=5, help="rounds of each person, two or more")
    parser.add_argument("--looks", type=float, default=3.0, help="seconds that a person looks at a page, on average")
    parser.add_argument(
        "--pairs", type=int, default=3, help="of awards, and of reads, without people and with; 0: none"
    )
    parser.add_argument("--span", type=float, default=10.0, help="seconds of each half of a pair")
    parser.add_argument("--alone", type=int, default=100, help="how often one person opens each page")
    parser.add_argument("--ledger", help="postgresql://…; left out: a file")
    parser.add_argument(
        "--postgres",
        type=Path,
        nargs="?",
        const=Path("/usr/lib/postgresql/15/bin"),
        metavar="PROGRAMS",
        help="a PostgreSQL server of its own, by the programs in this folder (of PostgreSQL 15, where none is named)",
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if min(options.people, options.pages) <= 1:
        parser.error("percentiles need two people or more, and two rounds of each")
    with folder_of(options) as folder, ExitStack() as servers:
        server = None
        if options.postgres is not None:
            server = servers.enter_context(postgres_over(folder / "postgres", options.postgres))
        asyncio.run(main(options, folder, server))
