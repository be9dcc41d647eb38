"""A shop that sleeps costs next to nothing: `laurels serve` is watched while nobody asks for anything.

It is its wake-ups that are counted: they tell of polling on any machine, while the processor time that they take is a
matter of who else is there.
"""

import sys
import time
from pathlib import Path

import pytest
from tests.ending import end
from tests.fault.test_process_tree import Tree, until

MEASURED_S = 6.0
MOST_PER_S = 220.0
"""Wake-ups of all threads of all processes together. They are 130, at 0.7 % of a core on a quiet machine; at 350, when
each process polled every 20 ms, it was 4.6 %.
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_idle_serve_hardly_ever_wakes_up(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "state")
    try:
        until(lambda: set(tree.children()) == {"work", "notify"})
        tree.order("A1")
        until(lambda: tree.awarded("A1"))  # so all of them are up
        pids = [tree.process.pid, *tree.children().values()]
        until(lambda: wakeups_per_s(pids, MEASURED_S) < MOST_PER_S)  # once the start is over
    finally:
        end(tree.process)


def wakeups_per_s(pids: list[int], seconds: float) -> float:
    """How often threads that were there all the time went from waiting to running."""
    before, began = wakeups(pids), time.monotonic()
    time.sleep(seconds)
    after = wakeups(pids)
    return sum(count - before[thread] for thread, count in after.items() if thread in before) / (
        time.monotonic() - began
    )


def wakeups(pids: list[int]) -> dict[str, int]:
    """By thread, how often it gave the processor up by itself since it began."""
    counts = {}
    for pid in pids:
        for status in Path(f"/proc/{pid}/task").glob("*/status"):
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            counts[str(status)] = int(fields["voluntary_ctxt_switches"])
    return counts
