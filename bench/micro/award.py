"""Processor time to accept and award orders on SQLite, in this process: under the default program, or another.

    python bench/micro/award.py [--orders 20000] [--lines 0] [--program FILE]

Prints one line: microseconds of processor time an order to accept, to award, and together. Compare two versions of
Laurels in pairs, in turns, each in a process of its own (`PYTHONPATH=OTHER/src`): the machine is shared.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from laurels.awarding import Awarder, publish
from laurels.engines.sqlite import SqliteLedger
from laurels.model import Line, Order
from laurels.program import DEFAULT_PROGRAM, parse_program

CHUNK = 200


def orders(count: int, lines: int, members: int, prefix: str = "A") -> list[Order]:
    """Orders of so many members in turn."""
    return [
        Order(
            source="shop",
            order_id=f"{prefix}{n}",
            member_id=f"m{n * 7919 % members}",
            currency="GBP",
            total=sum(100 + n % 97 for _ in range(lines)) if lines else 1000 + n % 9000,
            lines=tuple(Line(f"SKU{each}", 1_000_000, (100 + n % 97) * 10_000) for each in range(lines)),
        )
        for n in range(count)
    ]


async def measure(count: int, lines: int, text: str) -> tuple[float, float]:
    """Microseconds of processor time an order, to accept and to award."""
    with tempfile.TemporaryDirectory() as directory:
        ledger = SqliteLedger.open(Path(directory) / "laurels.db")
        awarder = Awarder(ledger, await publish(ledger, parse_program(text), at_start=True))
        documents = [order.document() for order in orders(count, lines, count // 4)]
        began = time.process_time()
        for start in range(0, count, CHUNK):
            await ledger.accept(documents[start : start + CHUNK])
        accepted = time.process_time()
        await awarder.drain()
        awarded = time.process_time()
        await ledger.close()
    return (accepted - began) / count * 1e6, (awarded - accepted) / count * 1e6


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--lines", type=int, default=0)
    parser.add_argument("--program", type=Path)
    asked = parser.parse_args()
    text = asked.program.read_text("utf-8") if asked.program else DEFAULT_PROGRAM
    accept, award = asyncio.run(measure(asked.orders, asked.lines, text))
    print(f"accept {accept:.1f} us, award {award:.1f} us, together {accept + award:.1f} us an order")


if __name__ == "__main__":
    main()
