"""An SQS for tests: moto's server in a process of its own, at a loopback port. It forgets everything at its end."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.ports import free_port, wait_until_answering

STARTED_WITHIN_S = 60.0
ACCOUNT = "123456789012"


class SqsServer:
    """A server, and how to reach it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, queue: str) -> str:
        """The address of a queue."""
        return f"{self.endpoint}/{ACCOUNT}/{queue}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until_answering(self._process, self.port, STARTED_WITHIN_S, lambda: "moto")

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It answers nobody, and forgets nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It answers again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def running(patch: pytest.MonkeyPatch) -> Iterator[SqsServer]:
    """A server until the end of the block, and credentials in the environment that it takes."""
    patch.setenv("AWS_ACCESS_KEY_ID", "test")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    patch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    server = SqsServer()
    server.start()
    try:
        yield server
    finally:
        server.kill()
