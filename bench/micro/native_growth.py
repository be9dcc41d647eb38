"""How long reads of a process pause while its board's files are outgrown and written anew.

    python bench/micro/native_growth.py --members 5000000 --directory /dev/shm

One process follows the feed and reads, as `laurels serve` does: enrolments until members, slots and the board have
been written anew, and beside them one dashboard a millisecond. Prints the longest time between two reads, and how long
the batch took in which the files grew.
"""

import argparse
import asyncio
import platform
from array import array
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from laurels.dashboard import ProxyNames
from laurels.dashboard.names import PUBLISHED_KEY
from laurels.engines.native import NativeLeaderboard
from laurels.leaderboard import ALL_TIME, Change, Followed, Joined, LoadPart, Scored
from laurels.model import Mark

PART = 100_000
BATCH = 500
READ_EVERY_S = 0.001
GREW_S = 0.02
"""A batch that takes longer is one in which files grew."""


def member_id(member: int) -> str:
    """The id of a member."""
    return f"customer-{member:09d}"


async def load(board: NativeLeaderboard, members: int) -> None:
    """Begin with so many members, who fill the files to the last place."""

    async def parts():  # type: ignore[no-untyped-def]
        for first in range(0, members, PART):
            numbers = array("q", range(first, min(first + PART, members)))
            points = array("q", (1 + number * 7919 % 5_000 for number in numbers))
            yield LoadPart(
                numbers=numbers,
                ids=[member_id(number) for number in numbers],
                name_numbers=numbers,
                hidden=bytes(len(numbers)),
                scores={ALL_TIME: (numbers, points)},
            )

    await board.load(Followed(identity="bench", epoch=1, marks={0: Mark(1, b"")}), parts())
    await board.confirm(1)


async def grow(board: NativeLeaderboard, members: int) -> dict[str, float]:
    """Enrol one batch after the other until some of them took long; read meanwhile."""
    pauses, running = [0.0], True

    async def keep_reading() -> None:
        last = perf_counter()
        while running:
            await board.read(ALL_TIME, member_id(members // 2), top=10, around=2)
            await asyncio.sleep(READ_EVERY_S)
            now = perf_counter()
            pauses.append(now - last)
            last = now

    reading = asyncio.create_task(keep_reading())
    position, longest, first = 2, 0.0, members
    while first < members * 8 // 5:
        changes: list[tuple[int, Change]] = []
        for member in range(first, first + BATCH):
            changes += [
                (position, Joined(member, member_id(member), member)),
                (position + 1, Scored(member, ALL_TIME, 5)),
            ]
            position += 2
        begun = perf_counter()
        await board.apply(0, changes, Mark(position, b""))
        longest = max(longest, perf_counter() - begun)
        first += BATCH
        await asyncio.sleep(0)
        if longest > GREW_S and first > members + 20 * BATCH:
            break
    running = False
    await reading
    return {"longest pause of a read, ms": 1e3 * max(pauses), "longest batch, ms": 1e3 * longest, "reads": len(pauses)}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=5_000_000)
    parser.add_argument("--directory", type=Path, default=None, help="where the files are (default: the system's)")
    asked = parser.parse_args()

    async def run(directory: Path) -> None:
        board = NativeLeaderboard(directory, ProxyNames(PUBLISHED_KEY))
        begun = perf_counter()
        await load(board, asked.members)
        print(f"{asked.members:,} members loaded in {perf_counter() - begun:.1f} s; {platform.platform()}")
        for name, figure in (await grow(board, asked.members)).items():
            print(f"  {name}: {figure:,.1f}")
        await board.close()

    with TemporaryDirectory(dir=asked.directory, prefix="laurels-growth-") as directory:
        asyncio.run(run(Path(directory) / "board"))


if __name__ == "__main__":
    main()
