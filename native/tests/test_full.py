"""A disk that fills up while the files grow: an error, at a whole position, and the work goes on once there is room."""

import shutil
import subprocess
import sys
from pathlib import Path

import laurels_core as core
import pytest

BALLAST_BYTES = 5_000_000
BATCH = 500
BOARD = "all-time"


def ops(first: int) -> list[core.Op]:
    """A batch from a position on: members join, and the one before gets its points."""
    made: list[core.Op] = []
    for position in range(first, first + BATCH):
        member = position // 2
        made.append(
            (position, core.SCORED, member, BOARD, member % 97 + 1)
            if position % 2
            else (position, core.JOINED, member, f"customer-{member}", member)
        )
    return made


def fill_up(writer: core.Writer, position: int) -> int:
    """Apply batch after batch; tell where the one begins that finds no room."""
    while True:
        position += BATCH
        try:
            writer.apply(0, ops(position), position + BATCH - 1, b"")
        except core.Full:
            return position


def fill(directory: Path) -> None:
    """Enrol until the disk is full; look at what is left; make room, and go on. Runs in a process of its own."""
    ballast = directory / "ballast"
    ballast.write_bytes(b"-" * BALLAST_BYTES)
    writer = core.Writer(directory / "store", capacity=BATCH)
    writer.reset("ledger", 1, "")
    position = 2
    writer.apply(0, ops(position), position + BATCH - 1, b"")
    writer.confirm(1)
    reader = core.Reader(directory / "store")
    position = fill_up(writer, position)
    writer.check()
    reached = reader.view(BOARD, None, 0, 0)[1][0]
    assert position - 1 <= reached < position + BATCH - 1, "nothing of the position that found no room is in"
    assert reader.view(BOARD, "customer-1", 0, 0)[5] is not None, "readers go on with what there is"
    with pytest.raises(core.Full):
        writer.apply(0, ops(position), position + BATCH - 1, b"")

    ballast.unlink()
    assert writer.apply(0, ops(position), position + BATCH - 1, b"")
    writer.check()
    last = position + BATCH - 1
    assert reader.view(BOARD, None, 0, 0)[1] == {0: last}
    assert reader.view(BOARD, None, 0, 0)[3] == last // 2, "every member is ranked, once"
    writer.close()


def test_a_full_disk_is_an_error_and_the_work_goes_on_once_there_is_room(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if not unshare:
        pytest.skip("util-linux's unshare is not there, and a small disk of its own cannot be made without it")
    own = [unshare, "--mount", "--map-root-user", "sh", "-c"]
    mount = 'mount -t tmpfs -o size=8m none "$0"'
    tried = subprocess.run([*own, mount, str(tmp_path)], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"mounting a small disk is not allowed here: {tried.stderr.strip()}")
    command = [*own, f'{mount} && exec "$1" "$2" "$0"', str(tmp_path), sys.executable, __file__]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
