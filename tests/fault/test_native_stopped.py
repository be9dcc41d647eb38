"""The native board's writer is stopped, alive, anywhere inside an update: readers go on with what was before it."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import anyio
import msgspec
import pytest
from tests.conftest import REPOSITORY
from tests.engines import native_leaderboard, needs_native
from tests.fault.native_process import MEMBERS, entries

from laurels.errors import BoardNotReady
from laurels.leaderboard import ALL_TIME, View
from laurels.testing.leaderboard_feeds import mark, member_id
from laurels.testing.naive_board import NaiveLeaderboard

pytestmark = [pytest.mark.anyio, needs_native, pytest.mark.slow]

STOPS_INSIDE = 10
PATIENCE_S = 200
STALE_AFTER = 1_000


async def test_a_stopped_writer_leaves_its_readers_the_version_before_and_they_say_so_when_it_is_old(
    tmp_path: Path, seed: int
) -> None:
    rng, naive, at, inside = random.Random(seed), NaiveLeaderboard(), 0, 0
    board, until = native_leaderboard(tmp_path), monotonic() + PATIENCE_S
    with _writer(tmp_path, seed) as writer:
        while not await _has_members(board.read):
            assert monotonic() < until, "the writer does not write"
        while inside < STOPS_INSIDE:
            assert monotonic() < until, f"only {inside} stops were inside an update"
            await anyio.sleep(rng.uniform(0, 0.005))  # where in its work it is stopped
            with _stopped(writer):
                inside += (board._sequence() or 0) % 2
                who = member_id(rng.randrange(MEMBERS))
                view = await board.read(ALL_TIME, who, top=10, around=2)
                position = view.version.positions[0]
                assert position >= at, f"went back from {at} to {position}"
                naive.apply(0, list(entries(seed, at, position)), mark(position))
                at = position
                expected = naive.read(ALL_TIME, who, top=10, around=2)
                assert (view.ranked, list(view.top), view.me, list(view.around)) == expected, f"at {position}"
                for age in (STALE_AFTER, STALE_AFTER + 1):
                    now = view.confirmed_at + age
                    body, as_of, stale, _ = board.render(
                        ALL_TIME, who, top=10, around=2, now=now, stale_after=STALE_AFTER
                    )
                    assert stale == (age > STALE_AFTER)
                    assert msgspec.json.decode(body)["as_of"] == as_of == str(view.version)
    await board.close()


async def _has_members(read: Callable[..., Awaitable[View]]) -> bool:
    try:
        return (await read(ALL_TIME, None, top=1, around=0)).version.positions.get(0, 0) > MEMBERS
    except BoardNotReady:
        return False


@contextmanager
def _writer(directory: Path, seed: int) -> "Iterator[subprocess.Popen[bytes]]":
    """A process that follows the feed without end, until it is killed here."""
    command = [sys.executable, "-m", "tests.fault.native_process", "follow", str(directory), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            process.kill()


@contextmanager
def _stopped(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """A process that stands still, alive."""
    process.send_signal(signal.SIGSTOP)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "the writer ended by itself: its traceback is above"
    yield
    process.send_signal(signal.SIGCONT)
