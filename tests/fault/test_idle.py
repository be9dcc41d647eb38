"""A shop that sleeps costs next to nothing: `laurels serve` is measured while nobody asks for anything."""

import os
import sys
import time
from pathlib import Path

import pytest
from tests.fault.test_process_tree import Tree, until

MEASURED_S = 6.0
MOST = 0.025
"""Of a core, all processes together. It is 0.0065 on a quiet machine, and was 0.046 when each polled every 20 ms; a
neighbour that fills the caches costs some of the difference.
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_idle_serve_takes_next_to_no_processor_time(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "state")
    try:
        until(lambda: set(tree.children()) == {"work", "notify"})
        tree.order("A1")
        until(lambda: tree.awarded("A1"))  # so all of them are up
        pids = [tree.process.pid, *tree.children().values()]
        until(lambda: is_calm(pids))
        before, began = cpu_s(pids), time.monotonic()
        time.sleep(MEASURED_S)
        share = (cpu_s(pids) - before) / (time.monotonic() - began)
        assert share < MOST
    finally:
        tree.process.terminate()
        tree.process.wait(30)
        assert tree.process.stderr is not None
        tree.process.stderr.close()


def is_calm(pids: list[int]) -> bool:
    """Whether the start is over: half a second takes less than a tenth of a core."""
    before = cpu_s(pids)
    time.sleep(0.5)
    return cpu_s(pids) - before < 0.05


def cpu_s(pids: list[int]) -> float:
    """Processor time that processes have taken."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
