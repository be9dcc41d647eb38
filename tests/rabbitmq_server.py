"""A real RabbitMQ for tests: a node of its own on loopback, in a directory of its own, as Debian packages it."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.ending import end
from tests.ports import free_ports, wait_until_answering

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
NO_RABBITMQ = "no RabbitMQ in /usr/lib/rabbitmq: install it (Debian and Ubuntu: apt-get install rabbitmq-server)"
STARTED_WITHIN_S = 100.0
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"

_CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{port}
loopback_users = none
log.file.level = warning
disk_free_limit.absolute = 50MB
"""


_MANAGEMENT = """\
management.tcp.ip = 127.0.0.1
management.tcp.port = {port}
"""


class RabbitServer:
    """A node that comes back at the same loopback port, with what was on its disk."""

    def __init__(self, folder: Path, *plugins: str) -> None:
        self._folder = folder
        self.port, self.management_port, distribution, mapper = free_ports(4)
        config = folder / "rabbitmq.conf"
        config.write_text(_CONFIG.format(port=self.port))
        if "rabbitmq_management" in plugins:
            with config.open("a") as more:
                more.write(_MANAGEMENT.format(port=self.management_port))
        (folder / "plugins").write_text(f"[{','.join(plugins)}].\n")
        (folder / "log").mkdir(exist_ok=True)
        self._environment = os.environ | {
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(mapper),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": str(folder / "log" / "node.log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
        }
        # The port mapper that the node would start stays when the node has gone; this one is ours to end.
        self._mapper = subprocess.Popen(["epmd", "-port", str(mapper), "-address", "127.0.0.1"])
        self._process: subprocess.Popen[bytes] | None = None
        self._started = False

    def url(self, queue: str = "", *, password: str = "guest") -> str:  # noqa: S107 - its own
        """The address of the server, or of a queue there as `laurels consume` takes it."""
        base = f"amqp://guest:{password}@127.0.0.1:{self.port}/"
        return f"{base}?queue={quote(queue)}" if queue else base

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self._started = False
        with (self._folder / "log" / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [PROGRAMS / "rabbitmq-server"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        # It listens before it takes a protocol header: then it still reads its queues.
        wait_until_answering(self._process, self.port, STARTED_WITHIN_S, self._said, PROTOCOL_HEADER)

    def stop(self) -> None:
        """Let it finish and leave. A queue that was made a moment before a SIGKILL is lost, confirmed messages and all:
        Ra writes the names of new queues to its disk by and by (RabbitMQ 3.10).
        """
        if self._process is not None:
            end(self._process)
            self.kill()

    def kill(self) -> None:
        """SIGKILL, to the node and all that it started."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it, and the port mapper."""
        self.kill()
        self._mapper.kill()
        self._mapper.wait()

    def control(self, *words: str) -> str:
        """What `rabbitmqctl` answers. A node that takes messages may still start what its commands need."""
        if not self._started:
            self._control("await_startup")
            self._started = True
        return self._control(*words)

    def _control(self, *words: str) -> str:
        command: Sequence[str | Path] = [PROGRAMS / "rabbitmqctl", "--quiet", *words]
        done = subprocess.run(command, env=self._environment, capture_output=True, check=False, text=True)
        assert done.returncode == 0, f"rabbitmqctl {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def _said(self) -> str:
        files = [self._folder / "log" / "output", self._folder / "log" / "node.log"]
        return "".join(file.read_text(errors="replace")[-4000:] for file in files if file.exists())


@contextmanager
def running(folder: Path, *plugins: str) -> Iterator[RabbitServer]:
    """A server until the end of the block. Skips where there is none."""
    if not (PROGRAMS / "rabbitmq-server").exists():
        pytest.skip(NO_RABBITMQ)
    server = RabbitServer(folder, *plugins)
    try:
        server.start()
        yield server
    finally:
        server.close()
