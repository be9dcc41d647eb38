"""A real Kafka for tests: one node in KRaft mode, on loopback, from the jars that scripts/kafka fetches."""

import os
import shutil
import signal
import subprocess
import sys
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.ports import free_ports, wait_until_answering

JARS = Path(sys.prefix) / "kafka"
NO_KAFKA = "no Kafka in .venv/kafka: install Java 17 and Maven, then scripts/kafka .venv (make test-all runs it)"
STARTED_WITHIN_S = 100.0

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},RELAYED://127.0.0.1:{relayed},SIGNED://127.0.0.1:{signed},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},RELAYED://127.0.0.1:{relay},SIGNED://127.0.0.1:{signed}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,RELAYED:PLAINTEXT,SIGNED:SASL_PLAINTEXT
listener.name.signed.sasl.enabled.mechanisms=PLAIN
listener.name.signed.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule \\
  required user_laurels="secret";
log.dirs={folder}/logs
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true
log.segment.bytes=16777216
"""


class KafkaServer:
    """A node that comes back at the same loopback port, with what was on its disk.

    It listens at three ports. Whoever comes by `relayed_port` is told to go on at the port `relay`: a Kafka tells its
    clients itself where to find it. At `signed_port` the user is `laurels`, with the password `secret`.
    """

    def __init__(self, folder: Path, relay: int | None = None) -> None:
        self._folder = folder
        self.port, self.relayed_port, self.signed_port, controller = free_ports(4)
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._properties = folder / "server.properties"
        self._properties.write_text(
            _PROPERTIES.format(
                port=self.port,
                relayed=self.relayed_port,
                relay=relay or self.relayed_port,
                signed=self.signed_port,
                controller=controller,
                folder=folder,
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, topic: str, group: str = "laurels") -> str:
        """The address of a topic as `laurels consume` takes it."""
        return f"kafka://{self.bootstrap}/{topic}?group={group}"

    def format(self) -> None:
        """Make the directory that a new node starts from."""
        # Its first letter is no hyphen, which the tool would take for an option.
        identity = urlsafe_b64encode(b"k" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        command = ["kafka.tools.StorageTool", "format", "-t", identity, "-c", str(self._properties)]
        subprocess.run(self.java(*command), check=True, capture_output=True)

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with (self._folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                self.java("kafka.Kafka", str(self._properties)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_until_answering(self._process, self.port, STARTED_WITHIN_S, self._said)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def keep_from_users(self, *resource: str) -> None:
        """Give a `--topic` or a `--group` to those alone who do not sign in."""
        granted = ["--add", "--allow-principal", "User:ANONYMOUS", "--operation", "All", *resource]
        command = self.java("org.apache.kafka.tools.AclCommand", "--bootstrap-server", self.bootstrap, *granted)
        subprocess.run(command, check=True, capture_output=True)

    def java(self, main: str, *arguments: str) -> list[str]:
        """The command that runs a program of the jars."""
        options = ["-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        return ["java", *options, "-cp", f"{JARS}/*", main, *arguments]

    def _said(self) -> str:
        return (self._folder / "output").read_text()[-4000:]


@contextmanager
def running(folder: Path, relay: int | None = None) -> Iterator[KafkaServer]:
    """A server until the end of the block. Skips where there is none."""
    if not (JARS / ".complete").exists() or shutil.which("java") is None:
        pytest.skip(NO_KAFKA)
    server = KafkaServer(folder, relay)
    server.format()
    try:
        server.start()
        yield server
    finally:
        server.kill()
