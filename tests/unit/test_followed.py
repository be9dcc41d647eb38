"""What the board takes is counted for many entries at once as it would be for one after the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram

from laurels.clock import SECOND
from laurels.metrics import VISIBLE_SECONDS
from laurels.runtime import followed as counting

BOUNDS = VISIBLE_SECONDS._upper_bounds[:-1]
NOW = 1_790_000_000 * SECOND
WAITS = st.one_of(st.integers(-SECOND, 90 * SECOND), st.sampled_from([round(bound * SECOND) for bound in BOUNDS]))
KINDS = st.sampled_from(["earn", "reverse", "enrol"])
ENTRIES = st.lists(st.lists(st.tuples(KINDS, st.integers(-500, 500), WAITS), max_size=30), max_size=4)


class Figures:
    """Metrics of the same names and bounds as those of the board, of nobody else."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.visible = Histogram("visible_seconds", "Of a test.", registry=self.registry, buckets=BOUNDS)
        self.given = Counter("given", "Of a test.", ["kind"], registry=self.registry)
        self.taken = Counter("taken", "Of a test.", ["kind"], registry=self.registry)

    def count_one(self, kind: str, points: int, wait: int) -> None:
        self.visible.observe(max(0, wait) / SECOND)
        if points > 0:
            self.given.labels(kind).inc(points)
        elif points < 0:
            self.taken.labels(kind).inc(-points)

    def told(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        return {
            (sample.name, tuple(sample.labels.items())): sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if not sample.name.endswith("_created")
        }


@given(ENTRIES)
def test_many_at_once_are_counted_as_one_by_one(rounds: list[list[tuple[str, int, int]]]) -> None:
    one_by_one, together = Figures(), Figures()
    with pytest.MonkeyPatch.context() as patched:
        for name, metric in (
            ("VISIBLE_SECONDS", together.visible),
            ("POINTS_GIVEN", together.given),
            ("POINTS_TAKEN", together.taken),
        ):
            patched.setattr(counting, name, metric)
        count = counting.followed(lambda: NOW)
        for entries in rounds:
            count(
                [(n, kind, 1, points, 1, NOW, NOW - wait, "m", b"") for n, (kind, points, wait) in enumerate(entries)]
            )
            for kind, points, wait in entries:
                one_by_one.count_one(kind, points, wait)
    assert together.told() == pytest.approx(one_by_one.told(), rel=1e-9)
