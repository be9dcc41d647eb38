"""A month's end: how many lots a second a sweep writes down as lapsed on SQLite, in this process.

    python bench/micro/sweep.py [--lots 100000] [--shards 1]

One order a member, all of one month, under a program whose points lapse at the end of the month a year later; then the
clock is turned and the sweep runs to its end. Prints how far it is, processor time and elapsed time; the ledger lies on
the disk.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from laurels.awarding import Awarder, publish
from laurels.clock import DAY
from laurels.engines.sqlite import SqliteLedger
from laurels.model import Order
from laurels.model.times import parse_instant
from laurels.program import DEFAULT_PROGRAM, parse_program

CHUNK, TOLD = 2000, 100_000
PROGRAM = DEFAULT_PROGRAM + '\n[expiry]\nkind = "after-months"\nmonths = 12\nround = "end-of-month"\n'


class TurnedClock:
    """A clock that stands until it is turned."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        """Give the instant at which it stands."""
        return self.at


async def measure(lots: int, shards: int) -> tuple[float, float, int]:
    """Seconds of processor time and elapsed of the sweep, and the members that it looked at."""
    now = TurnedClock(parse_instant("2025-11-10T10:00:00Z", "at"))
    with tempfile.TemporaryDirectory() as directory:
        ledger = SqliteLedger.open(Path(directory) / "laurels.db", now=now, shards=shards)
        awarder = Awarder(ledger, await publish(ledger, parse_program(PROGRAM), at_start=True), now)
        for start in range(0, lots, CHUNK):
            await awarder.take_in(
                [
                    Order(source="shop", order_id=f"A{n}", member_id=f"m{n}", currency="GBP", total=2500).document()
                    for n in range(start, min(lots, start + CHUNK))
                ]
            )
            if start % TOLD == 0:
                print(f"{start:,} of {lots:,} lots earned", flush=True)
        now.at += 400 * DAY
        began, processor, looked = time.monotonic(), time.process_time(), 0
        while step := await awarder.sweep():
            looked += step
            if looked % TOLD < step:
                print(f"{looked:,} looked at after {time.monotonic() - began:.1f} s", flush=True)
        result = time.process_time() - processor, time.monotonic() - began, looked
        assert not await awarder.sweep()
        await ledger.close()
    return result


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lots", type=int, default=100_000)
    parser.add_argument("--shards", type=int, default=1)
    given = parser.parse_args()
    processor, elapsed, looked = asyncio.run(measure(given.lots, given.shards))
    print(
        f"{looked:,} lots: {processor:.1f} s of processor time ({looked / processor:,.0f}/s), "
        f"{elapsed:.1f} s elapsed ({looked / elapsed:,.0f}/s)"
    )


if __name__ == "__main__":
    main()
