"""Times that the edge counted are the same figures as times that were counted one by one."""

import os
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.parser import text_string_to_metric_families

from laurels.metrics import DASHBOARD_SECONDS, Meter

NS = 1_000_000_000
BOUNDS_NS = [round(bound * NS) for bound in DASHBOARD_SECONDS._upper_bounds[:-1]]
AT_BOUNDS = [bound + beside for bound in BOUNDS_NS for beside in (-1, 0, 1)]

Figures = dict[tuple[str, str], float]


def in_buckets(times_ns: Sequence[int]) -> list[int]:
    """How many in each bucket, as the edge counts them: a time that is a bound is in that bound's bucket."""
    buckets = [0] * (len(BOUNDS_NS) + 1)
    for time in times_ns:
        buckets[bisect_left(BOUNDS_NS, time)] += 1
    return buckets


def new_meter() -> tuple[Meter, Histogram]:
    bounds = DASHBOARD_SECONDS._upper_bounds[:-1]
    seconds = Histogram("seconds", "Of a test.", registry=CollectorRegistry(), buckets=bounds)
    return Meter("GET", "/of/a/test", seconds), seconds


def figures(histogram: Histogram) -> Figures:
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for family in histogram.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@given(st.lists(st.lists(st.one_of(st.sampled_from(AT_BOUNDS), st.integers(0, 3 * NS)), max_size=20), max_size=3))
@example([AT_BOUNDS, [], [5 * NS]])
def test_times_that_were_counted_elsewhere_are_in_the_same_buckets(rounds: list[list[int]]) -> None:
    (one_by_one, each), (together, all_) = new_meter(), new_meter()
    for times in rounds:
        for time in times:
            one_by_one.count(200, time / NS)
        together.add_times(in_buckets(times), sum(times) / NS)
    told, expected = figures(all_), figures(each)
    assert told.keys() == expected.keys()
    assert told == pytest.approx(expected, rel=1e-9), "the sum is of floats, the counts are whole"
    assert told["seconds_count", ""] == sum(map(len, rounds))


SHARED = """
import sys
from laurels.metrics import DASHBOARD_SECONDS, Meter, counted
meter, how, *times = Meter("GET", "/of/a/test", DASHBOARD_SECONDS), *sys.argv[1:]
if how == "together":
    from tests.unit.test_metrics import NS, in_buckets
    meter.add_times(in_buckets([int(time) for time in times]), sum(map(int, times)) / NS)
else:
    for time in times:
        meter.count(200, int(time) / 1_000_000_000)
print(counted().decode())
"""


def told_by(directory: Path, how: str) -> Figures:
    """What a process tells that counts into files, for several that count together."""
    directory.mkdir()
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory)}
    command = [sys.executable, "-c", SHARED, how, *map(str, AT_BOUNDS)]
    done = subprocess.run(
        command,
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for family in text_string_to_metric_families(done.stdout)
        if family.name == "laurels_dashboard_seconds"
        for sample in family.samples
    }


def test_so_they_are_where_processes_count_together(tmp_path: Path) -> None:
    together, one_by_one = told_by(tmp_path / "together", "together"), told_by(tmp_path / "each", "one by one")
    assert together == pytest.approx(one_by_one, rel=1e-9)
    assert together["laurels_dashboard_seconds_count", ""] == len(AT_BOUNDS)


BESIDE = """
import os, sys
from pathlib import Path
from laurels.metrics import ACCEPTED, counted
directory, what = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]), sys.argv[1]
ACCEPTED.labels("order").inc(7)
if what == "begins":
    for kind in ("counter", "histogram", "gauge_min", "gauge_livesum"):
        (directory / f"{kind}_{os.getppid()}.db").touch()
elif what == "ends":
    for file in directory.iterdir():
        file.unlink()
    directory.rmdir()
elif what == "goes":
    from prometheus_client.mmap_dict import MmapedDict
    (directory / "counter_1.db").touch()
    os.truncate(directory / "counter_1.db", 1 << 16)
    read = MmapedDict.read_all_values_from_file
    def go_first(name):
        (directory / "counter_1.db").unlink(missing_ok=True)
        return read(name)
    MmapedDict.read_all_values_from_file = staticmethod(go_first)
print(counted().decode())
"""


@pytest.mark.parametrize(("what", "told"), [("begins", {7.0}), ("goes", {7.0}), ("ends", set())])
def test_others_that_begin_and_end_meanwhile_are_in_nobodys_way(tmp_path: Path, what: str, told: set[float]) -> None:
    """A process makes its file and then gives it room; a file may go between being found and being read; and who began
    to count together removes the directory.
    """
    (tmp_path / "counts").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", BESIDE, what],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "counts")},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    samples = [one for family in text_string_to_metric_families(done.stdout) for one in family.samples]
    assert {one.value for one in samples if one.name == "laurels_accepted_total"} == told
