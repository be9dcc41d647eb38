"""The long forms: `make soak`, with `MINUTES=` and `SEED=`. The time is shared out; the figures come at the end.

What has no long form of its own is tried to the end in any case: a kill before and after every call.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random
from shutil import copytree, rmtree

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test
from tests.engines import needs_native
from tests.fault import test_killed_tree, test_native_killed, test_sqlite_killed, test_sqlite_tampering
from tests.fault.nth_call import (
    SCENARIOS,
    Level,
    Outcome,
    Scenario,
    Step,
    Trap,
    award,
    end,
    fail,
    go_on,
    opened,
    prepare,
)
from tests.property.test_machine import CHUNK, MACHINE_SETTINGS, LoyaltyMachine, NativeMachine

from laurels.errors import InsufficientPoints, LedgerUnavailable, UnknownMember
from laurels.leaderboard import projector
from laurels.testing.ledger_contract.base import TurnedClock
from laurels.wiring import Services

pytestmark = [pytest.mark.soak, pytest.mark.anyio]


def _rounds(seconds: float) -> Iterator[int]:
    """0, 1, 2 … until the time is over; one at least."""
    deadline = time.monotonic() + seconds
    for number in count():
        yield number
        if time.monotonic() > deadline:
            return


def test_soak_writers_are_killed(tmp_path: Path, rng: Random, figures: Counter[str], soak_seconds: float) -> None:
    test_sqlite_killed.kill_for(soak_seconds, tmp_path / "laurels.db", rng, figures)


def test_soak_processes_of_the_tree_are_killed(
    tmp_path: Path, rng: Random, figures: Counter[str], soak_seconds: float
) -> None:
    test_killed_tree.kill_for(soak_seconds, tmp_path, rng, figures)


@needs_native
def test_soak_native_writers_are_killed(
    tmp_path: Path, rng: Random, figures: Counter[str], soak_seconds: float
) -> None:
    for number in _rounds(soak_seconds):
        folder = tmp_path / str(number)
        folder.mkdir()
        test_native_killed.kill_writers(folder, rng.getrandbits(32))
        figures["kills"] += test_native_killed.KILLS
        rmtree(folder)


async def test_soak_random_shops_with_faults_at_random_points(
    tmp_path: Path, rng: Random, figures: Counter[str], soak_seconds: float
) -> None:
    """Any steps of the scenarios in any order, broken off several times on the way.

    Mails go out in the end: whether a mail that was under way is sent before its member is erased, or dropped, is a
    matter of time, and both are right.
    """
    await prepare(tmp_path / "prepared", Scenario([], []))
    scenarios = [scenario for name, scenario in SCENARIOS.items() if name != "notify"]
    steps = [step for scenario in scenarios for step in (*scenario.before, *scenario.steps)]
    for _ in _rounds(soak_seconds):
        scenario = Scenario([], [_as_it_comes(rng.choice([*steps, award])) for _ in range(rng.randint(2, 12))])
        untouched = await _run(tmp_path, scenario, [])
        for _ in range(8):
            level: Level = rng.choice(("call", "statement"))
            traps = [Trap(rng.randrange(100), fail) for _ in range(rng.randint(1, 3))]
            assert await _run(tmp_path, scenario, traps, level) == untouched
            figures["faults"] += sum(trap.sprung for trap in traps)
        figures["random shops"] += 1


async def _run(folder: Path, scenario: Scenario, traps: list[Trap], level: Level = "call") -> Outcome:
    """Take the steps under one trap after another, and then in peace; the outcome."""
    state = copytree(folder / "prepared", folder / "state")
    now = TurnedClock()
    for trap in traps:
        async with opened(state, now, trap, level) as services:
            trap.armed = True
            with suppress(LedgerUnavailable):
                await go_on(services, scenario, state / "answered")
            trap.armed = False
    async with opened(state, now) as services:
        await go_on(services, scenario, state / "answered")
        outcome = await end(services, now)
    rmtree(state)
    return outcome


def _as_it_comes(step: Step) -> Step:
    """In any order there may be nobody to hide, and nothing to spend; that is an answer too."""

    async def take(services: Services) -> None:
        with suppress(InsufficientPoints, UnknownMember):
            await step(services)

    return take


@pytest.mark.parametrize("machine", [LoyaltyMachine, pytest.param(NativeMachine, marks=needs_native)])
def test_soak_the_system_beside_its_model(
    machine: type[LoyaltyMachine],
    rng: Random,
    figures: Counter[str],
    soak_seconds: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(projector, "CHUNK", CHUNK)
    monkeypatch.setattr(projector, "BUILDING_CHUNK", CHUNK)
    examples = 10
    settings = hypothesis.settings(MACHINE_SETTINGS, max_examples=examples, database=None)
    for _ in _rounds(soak_seconds):
        run_state_machine_as_test(hypothesis.seed(rng.getrandbits(64))(machine), settings=settings)
        figures["seeds"] += 1
        figures["histories"] += examples


def test_soak_bits_flip(tmp_path: Path, rng: Random, figures: Counter[str], soak_seconds: float) -> None:
    path, flips = tmp_path / "laurels.db", 200
    asyncio.run(test_sqlite_tampering.make(path))
    for _ in _rounds(soak_seconds):
        figures["flipped bits found"] += test_sqlite_tampering.flip_at_random(path, rng, flips)
        figures["flipped bits"] += flips
