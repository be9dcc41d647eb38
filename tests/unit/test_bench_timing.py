"""The bench's arithmetic: percentiles, lanes, turns; and where a figure comes from."""

import subprocess
from pathlib import Path

import pytest

from laurels.workbench.bench import circumstances as under
from laurels.workbench.bench.timing import TURNS, Timing, in_turns, repeat


def test_percentiles_are_of_the_durations_in_order() -> None:
    timing = Timing()
    timing.each_s.extend(n / 1e6 for n in (5, 1, 4, 2, 3))
    assert [round(timing.percentile_us(percent)) for percent in (0, 50, 99, 100)] == [1, 3, 5, 5]
    assert Timing().percentile_us(50) == Timing().per_s == 0


@pytest.mark.anyio
async def test_every_lane_calls_at_least_once_and_each_call_is_counted() -> None:
    calls = 0

    async def call() -> None:
        nonlocal calls
        calls += 1

    timing = Timing()
    await repeat(timing, call, seconds=0, lanes=7)
    assert calls == len(timing.each_s) == 7
    await repeat(timing, call, seconds=0.01)
    assert calls == len(timing.each_s) >= 8
    assert timing.seconds >= 0.01
    assert timing.per_s == calls / timing.seconds


@pytest.mark.anyio
async def test_what_is_measured_and_its_bound_take_turns() -> None:
    order: list[str] = []

    async def call() -> None:
        order.append("call")

    async def bound() -> None:
        order.append("bound")

    await in_turns(call, bound, seconds=0.01)
    changes = [one for one, before in zip(order, ["", *order], strict=False) if one != before]
    assert changes == ["call", "bound"] * TURNS


def test_the_commit_is_that_of_a_repository_that_knows_this_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment inside somebody else's checkout has no commit of ours to tell."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "circumstances.py").write_text("")
    monkeypatch.setattr(under, "__file__", str(tmp_path / "circumstances.py"))
    assert under.circumstances().commit is None
    for command in (["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    commit = under.circumstances().commit
    assert commit is not None
    assert len(commit) >= 7


def test_where_there_is_no_git_the_commit_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert under.circumstances().commit is None
