"""The Nth call of the ledger fails or kills its process, for N = 1, 2, 3 … until a run passes untouched.

NEVER loses an acknowledged order, NEVER counts one twice, whichever process dies at whichever instruction: in the end
every row, every mail and every place on the board is as if nothing had happened.
"""

import asyncio
import os
import shutil
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from tests.fault.nth_call import MOST_POINTS, SCENARIOS, Level, Outcome, Trap, end, fail, go_on, opened, prepare

from laurels.errors import LedgerUnavailable
from laurels.testing.ledger_contract.base import TurnedClock

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

REPOSITORY = Path(__file__).parents[2]
OFTEN = "redeem"
SHARDED = [name if name == OFTEN else pytest.param(name, marks=pytest.mark.long) for name in SCENARIOS]
"""Scenarios over 16 shards: all of them, one in every `make test`."""

FAILED = [pytest.param(name, marks=pytest.mark.long) if name == "approve" else name for name in SCENARIOS]

KILLED = [name if name == "award" else pytest.param(name, marks=pytest.mark.long) for name in SCENARIOS]
"""Scenarios of a killed process: all of them, three in every `make test`."""

LONG_S = 900
"""For the longest of them, where others have the machine too."""


@pytest.mark.parametrize("level", ["call", "statement"])
@pytest.mark.parametrize("name", FAILED)
async def test_never_lost_and_never_twice_where_the_nth_call_fails(
    tmp_path: Path, name: str, level: Level, figures: Counter[str]
) -> None:
    """The system lives on, and whoever got no answer asks again."""
    await _fail_at_every_point(tmp_path, name, level, figures, shards=1)


@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize("level", ["call", "statement"])
@pytest.mark.parametrize("name", SHARDED)
async def test_never_lost_and_never_twice_over_16_shards_where_the_nth_call_fails(
    tmp_path: Path, name: str, level: Level, figures: Counter[str]
) -> None:
    await _fail_at_every_point(tmp_path, name, level, figures, shards=16)


async def _fail_at_every_point(tmp_path: Path, name: str, level: Level, figures: Counter[str], *, shards: int) -> None:
    untouched = await _untouched(tmp_path, name, shards)
    for nth in range(MOST_POINTS):
        now = TurnedClock()
        trap = Trap(nth, fail)
        state = shutil.copytree(tmp_path / "prepared", tmp_path / str(nth))
        async with opened(state, now, trap, level) as services:
            trap.armed = True
            with suppress(LedgerUnavailable):
                await go_on(services, SCENARIOS[name], state / "answered")
            trap.armed = False
            await go_on(services, SCENARIOS[name], state / "answered")
            assert await end(services, now) == untouched, f"failed at point {nth}"
        if not trap.sprung:
            break
        figures["faults"] += 1
        shutil.rmtree(state)
    assert nth >= 2 * len(SCENARIOS[name].steps), "too few points: nothing was tried"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("level", ["statement", pytest.param("call", marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", KILLED)
async def test_never_lost_and_never_twice_where_the_nth_call_kills(
    tmp_path: Path, name: str, level: Level, figures: Counter[str]
) -> None:
    """Another process goes on from what lies on the disk; what was answered is not asked again."""
    await _kill_at_every_point(tmp_path, name, level, figures, shards=1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize("name", SHARDED)
async def test_never_lost_and_never_twice_over_16_shards_where_the_nth_call_kills(
    tmp_path: Path, name: str, figures: Counter[str]
) -> None:
    await _kill_at_every_point(tmp_path, name, "statement", figures, shards=16)


async def _kill_at_every_point(tmp_path: Path, name: str, level: Level, figures: Counter[str], *, shards: int) -> None:
    untouched = await _untouched(tmp_path, name, shards)
    killed = await _kill(name, level, tmp_path)
    assert killed >= 2 * len(SCENARIOS[name].steps), "too few points: nothing was tried"
    for nth in range(killed + 1):
        now = TurnedClock()
        state = tmp_path / str(nth)
        async with opened(state, now) as services:
            await go_on(services, SCENARIOS[name], state / "answered")
            assert await end(services, now) == untouched, f"killed at point {nth}"
        shutil.rmtree(state)
    figures["kills"] += killed


async def _untouched(folder: Path, name: str, shards: int) -> Outcome:
    """Prepare the scenario in `folder`, and give the outcome where nothing happens."""
    await prepare(folder / "prepared", SCENARIOS[name], shards)
    state = shutil.copytree(folder / "prepared", folder / "untouched")
    now = TurnedClock()
    async with opened(state, now) as services:
        await go_on(services, SCENARIOS[name], state / "answered")
        return await end(services, now)


async def _kill(name: str, level: Level, root: Path) -> int:
    """Run `nth_call` to its end; how many were killed."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fault.nth_call", name, level, root, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await child.communicate()
    assert child.returncode == 0
    return int(printed.split()[-1])
