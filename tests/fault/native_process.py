"""Writers and readers of one native board, in processes of their own. Run by `test_native_killed.py` and
`test_native_stopped.py`.

    python -m tests.fault.native_process write DIRECTORY SEED  # a writer for each line of standard input, which says
                                                               # after how many seconds it is killed; prints its start
    python -m tests.fault.native_process follow DIRECTORY SEED # one writer, without end; prints its start
    python -m tests.fault.native_process read DIRECTORY SEED   # until standard input closes; prints what it saw

The feed follows from the seed, so a reader knows what the board was at each position: it checks that every answer is
one that existed, whole, and that the version never goes back.
"""

import asyncio
import json
import os
import random
import select
import signal
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from tests.engines import native_leaderboard

from laurels.errors import BoardNotReady
from laurels.leaderboard import ALL_TIME, Change, Hidden, Renamed, Scored, Unhidden
from laurels.testing.leaderboard_feeds import FOLLOWED, OCTOBER, join, mark, member_id
from laurels.testing.naive_board import NaiveLeaderboard

MEMBERS = 150
BATCH = 200

READS_EACH_TURN = 4
"""Reads of the same member between two looks at standard input."""


def entry(seed: int, position: int) -> list[Change]:
    """What the entry at this position does: enrolments first, then everything that may happen to a member."""
    if position <= MEMBERS:
        return [*join(position - 1)]
    rng = random.Random(seed * 1_000_003 + position)
    member, kind = rng.randrange(MEMBERS), rng.random()
    if kind < 0.03:
        return [Hidden(member)]
    if kind < 0.06:
        return [Unhidden(member)]
    if kind < 0.08:
        return [Renamed(member, 5_000 + position % 600_000)]
    points = rng.randrange(-8, 12)
    return [Scored(member, ALL_TIME, points), Scored(member, OCTOBER, points)]


def write(directory: Path, seed: int) -> None:
    """Let writers follow the feed, each from where the last one was killed. They are forked, for the second that Python
    takes to load all this.
    """
    for line in sys.stdin:
        hear, tell = os.pipe()
        writer = os.fork()
        if writer == 0:
            asyncio.run(follow(directory, seed, tell))
            os._exit(1)
        os.close(tell)
        with os.fdopen(hear) as told:
            start = told.readline()
            time.sleep(float(line))
        os.kill(writer, signal.SIGKILL)
        _, status = os.waitpid(writer, 0)
        assert os.WIFSIGNALED(status), "the writer ended by itself: its traceback is above"
        print(int(start), flush=True)


async def follow(directory: Path, seed: int, tell: int) -> None:
    """Follow the feed without end; tell where it began."""
    board = native_leaderboard(directory)
    followed = await board.followed()
    if followed.identity is None:
        await board.reset(FOLLOWED)
        await board.confirm(1)
    elif followed.marks:
        assert followed.marks[0] == mark(followed.marks[0].position), "mark and hash were not written together"
    start = followed.marks[0].position if followed.marks else 0
    os.write(tell, b"%d\n" % start)
    for first in count(start + 1, BATCH):
        last = first + BATCH - 1
        changes = [(position, change) for position in range(first, last + 1) for change in entry(seed, position)]
        await board.apply(0, changes, mark(last))
        await board.confirm(last)


async def read(directory: Path, seed: int) -> None:
    """Check every answer against the naive board at its version; the last ones after there is no writer any more."""
    board, naive, rng = native_leaderboard(directory), NaiveLeaderboard(), random.Random(seed)
    at = answers = answered = refusals = versions = 0
    is_over = False
    while not is_over:
        is_over, answered = bool(select.select([sys.stdin], [], [], 0)[0]), answers
        who = member_id(rng.randrange(MEMBERS))
        name = rng.choice((ALL_TIME, OCTOBER))
        for _ in range(READS_EACH_TURN):
            try:
                view = await board.read(name, who, top=10, around=2)
            except BoardNotReady:
                refusals += answers > 0  # before: nothing was there yet
                continue
            position = view.version.positions.get(0, 0)
            assert position >= at, f"went back from {at} to {position}"
            versions += position > at
            naive.apply(0, list(entries(seed, at, position)), mark(position))
            at = position
            expected = naive.read(name, who, top=10, around=2)
            assert (view.ranked, list(view.top), view.me, list(view.around)) == expected, f"at {position}"
            answers += 1
    told = {"answers": answers, "refusals": refusals, "versions": versions, "at": at, "is_ready": answers > answered}
    print(json.dumps(told))


def entries(seed: int, after: int, upto: int) -> Iterator[tuple[int, Change]]:
    """The feed after a position, up to another one."""
    for position in range(after + 1, upto + 1):
        for change in entry(seed, position):
            yield position, change


if __name__ == "__main__":
    role, directory, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if role == "write":
        write(directory, seed)
    else:
        asyncio.run(read(directory, seed) if role == "read" else follow(directory, seed, sys.stdout.fileno()))
