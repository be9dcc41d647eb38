"""What a program in depth costs an award on SQLite, beside the default program: the same orders, in turns, one process.

    python bench/micro/award_in_depth.py [--orders 20000] [--pairs 5]

Orders of 12 lines in 7 categories, of a quarter as many members. The deep program has 20 campaigns that each double a
category, four of them with caps, and points that lapse at a month's end. Neither has milestones: under the deep one a
member has four times the points, and would cross one that it does not cross under the other. Python's search for rings
is as rare as in every command of Laurels. Prints microseconds of processor time an award of each pair, and their
medians.
"""

import argparse
import asyncio
import gc
import statistics
import tempfile
import time
from pathlib import Path

from laurels.awarding import Awarder, publish
from laurels.engines.sqlite import SqliteLedger
from laurels.model import Line, Order
from laurels.model.lines import Traits
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.runtime.process import YOUNG_OBJECTS

CHUNK, LINES, CATEGORIES, CAMPAIGNS, CAPPED = 200, 12, 7, 20, 4
EXPIRY = '\n[expiry]\nkind = "after-months"\nmonths = 12\nround = "end-of-month"\n'


DEFAULT = DEFAULT_PROGRAM.partition("[[milestones]]")[0]


def deep_program() -> str:
    """The default program and twenty campaigns, some with caps, and expiry."""
    campaigns = [
        f'\n[[campaigns]]\nname = "c{n}"\nmatch = {{ category = ["cat{n % CATEGORIES}"] }}\nmultiply = "2"\n'
        + ("caps = { month = 500 }\n" if n < CAPPED else "")
        for n in range(CAMPAIGNS)
    ]
    return DEFAULT + "".join(campaigns) + EXPIRY


def orders(count: int) -> list[Order]:
    """Orders of a quarter as many members."""
    traits = tuple(Traits(category=f"cat{n % CATEGORIES}/sub{n % 3}", brand=f"brand{n % 5}") for n in range(LINES))
    return [
        Order(
            source="shop",
            order_id=f"A{n}",
            member_id=f"m{n * 7919 % (count // 4)}",
            currency="GBP",
            total=sum(1000 + 17 * each + n % 97 for each in range(LINES)),
            lines=tuple(Line(f"SKU{each}", 1_000_000, (1000 + 17 * each + n % 97) * 10_000) for each in range(LINES)),
            traits=traits,
        )
        for n in range(count)
    ]


async def measure(count: int, text: str) -> float:
    """Microseconds of processor time an award."""
    with tempfile.TemporaryDirectory() as directory:
        ledger = SqliteLedger.open(Path(directory) / "laurels.db")
        awarder = Awarder(ledger, await publish(ledger, parse_program(text), at_start=True))
        documents = [order.document() for order in orders(count)]
        for start in range(0, count, CHUNK):
            await ledger.accept(documents[start : start + CHUNK])
        gc.collect()
        began = time.process_time()
        await awarder.drain()
        took = time.process_time() - began
        await ledger.close()
    return took / count * 1e6


def main() -> None:
    """Measure pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=5)
    asked = parser.parse_args()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    pairs = []
    for _ in range(asked.pairs):
        pairs.append(tuple(asyncio.run(measure(asked.orders, text)) for text in (DEFAULT, deep_program())))
        print(
            f"default {pairs[-1][0]:.1f} us, deep {pairs[-1][1]:.1f} us, {pairs[-1][1] - pairs[-1][0]:+.1f} us",
            flush=True,
        )
    default, deep = (statistics.median(column) for column in zip(*pairs, strict=True))
    more = statistics.median(second - first for first, second in pairs)
    print(f"medians: default {default:.1f} us, deep {deep:.1f} us an award; {more:+.1f} us of a pair")


if __name__ == "__main__":
    main()
