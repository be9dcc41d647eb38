"""A simulated day over HTTP while the server is killed and started again: all is as expected at the end."""

import json
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from tests.ending import end
from tests.ports import free_port

SEED = 21
KILLS = 2
DAY = ("--orders", "600", "--members", "100", "--rate", "100", "--seed", str(SEED))


@contextmanager
def served(state: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """`laurels serve` on a port, from when it is ready to the end of the block."""
    command = [sys.executable, "-m", "laurels", "serve", "--port", str(port), "--state", str(state)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            while not _ready(port):
                assert server.poll() is None, "serve ended before it was ready"
                time.sleep(0.05)  # another process gets ready; the test's own time limit ends this
            yield server
        finally:
            end(server)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return True
    except (HTTPError, URLError, OSError):
        return False


@pytest.mark.long
def test_a_day_through_which_the_server_is_killed_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    state, port = tmp_path / "state", free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "laurels", "simulate", *DAY, "--url", url, "--state", str(state), "--json"]
    with ExitStack() as stack:
        with served(state, port):
            day = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            stack.callback(day.kill)  # it would wait for its server for ever
            assert day.stderr is not None
            assert "The day begins" in day.stderr.readline()
            time.sleep(chance.uniform(0.2, 1))  # some moment of the day
        for _ in range(KILLS):
            with served(state, port) as server:
                time.sleep(chance.uniform(0.2, 1))
                server.send_signal(signal.SIGKILL)
        with served(state, port):
            stdout, stderr = day.communicate()
    told = json.loads(stdout)
    assert day.returncode == 0, stderr
    assert told["sent_again"] > 0
    assert told["orders"] == 600
    assert (told["lost"], told["twice"], told["unanswered"], told["differences"]) == (0, 0, 0, [])
    assert told["acknowledged"] == told["entries"] == told["orders"] + told["refunds"]
