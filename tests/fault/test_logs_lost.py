"""A log that cannot be written costs lines, and nothing else: no order, no answer, no process."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.acceptance.command_line import LAURELS, laurels
from tests.ending import leave
from tests.ports import free_ports, wait_until_answering

PATIENCE_S = 60.0
ORDERS = "order_id,member_id,currency,total\nA1,ann,GBP,25.00\n"


def a_pipe_of_nobody() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def a_full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


LOST = pytest.mark.parametrize("log", [a_pipe_of_nobody, a_full_disk])


@LOST
@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_goes_on(tmp_path: Path, log: Callable[[], int], workers: int) -> None:
    [port] = free_ports(1)
    state = ["--state", str(tmp_path / "state")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment |= {"LAURELS_HTTP_WORKERS": str(workers), "LAURELS_LOG_LEVEL": "debug"}
    number = log()
    with subprocess.Popen(
        [LAURELS, "serve", "--port", str(port), *state], stdout=number, stderr=number, env=environment
    ) as server:
        os.close(number)
        try:
            wait_until_answering(server, port, PATIENCE_S, lambda: "it logs nowhere")
            token = laurels("token", "--service", "--scope", "orders:write", *state).stdout.strip()
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=PATIENCE_S) as client:
                assert client.post("/order/A1", content=b"{").status_code in {415, 422}
                order = {"member_id": "ann", "currency": "GBP", "total": "25.00"}
                assert client.post("/order/A1", json=order).status_code == 202
            server.send_signal(signal.SIGTERM)
            assert server.wait(PATIENCE_S) == 0
        finally:
            leave(server)
    assert laurels("work", "--once", *state).returncode == 0
    assert "+3" in laurels("explain", "A1", *state).stdout


@LOST
def test_a_command_does_what_it_is_asked_for(tmp_path: Path, log: Callable[[], int]) -> None:
    """What goes wrong is in the exit code then."""
    (tmp_path / "orders.csv").write_text(ORDERS)
    number = log()
    try:
        for arguments, code in ((["import", "orders.csv"], 0), (["import", "none.csv"], 1), (["top", "-n", "x"], 2)):
            done = subprocess.run([LAURELS, *arguments], cwd=tmp_path, stderr=number, timeout=60, check=False)
            assert done.returncode == code
    finally:
        os.close(number)
