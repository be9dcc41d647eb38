"""What hostile clients cost a running `laurels serve`: memory, descriptors, log bytes, processor time, and how long
`/healthz` takes meanwhile. Each attack goes on for `--seconds`; afterwards the server has to be what it was.

    .venv/bin/python bench/attacks.py
    .venv/bin/python bench/attacks.py --seconds 60 --only pipelines
"""

import argparse
import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.security.attacks import AttackedServer, flood, hang_ups, pouring, request, served

MOST_MB = 50
HEALTHY_MS = 100
LOOK_EVERY_S = 0.2

Attack = Callable[[AttackedServer, float], None]


class Watch(threading.Thread):
    """Looks at the server while it is attacked."""

    def __init__(self, server: AttackedServer) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.memory_mb: list[float] = []
        self.descriptors: list[int] = []
        self.health_ms: list[float] = []
        self._over = threading.Event()

    def run(self) -> None:
        """Look until `end`."""
        while not self._over.wait(LOOK_EVERY_S):
            self.memory_mb.append(self.server.memory_mb())
            self.descriptors.append(self.server.descriptors())
            with contextlib.suppress(OSError):
                self.health_ms.append(1000 * self.server.health_s())

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()


def pipelines(target: str) -> Attack:
    """50 sockets that send 8,000 requests each and read nothing, again and again."""

    def attack(server: AttackedServer, seconds: float) -> None:
        one = request(target, f"Authorization: Bearer {server.token('ann')}")
        for _ in until(seconds):
            with pouring(server, 50, one * 8000):
                time.sleep(min(5.0, seconds))

    return attack


def trailers(server: AttackedServer, seconds: float) -> None:
    """Bodies in chunks whose trailers have no end."""
    begun = request("/order/A1", "Transfer-Encoding: chunked", method="POST", body="2\r\n{}\r\n0\r\n")
    for _ in until(seconds):
        with pouring(server, 50, begun + (b"X-A: " + b"y" * 1000 + b"\r\n") * 5000):
            pass


def unread(server: AttackedServer, seconds: float) -> None:
    """200 connections whose answers nobody reads."""
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(server.connect(little_room=True)).sendall(request("/openapi.json"))
        time.sleep(seconds)


def idle(server: AttackedServer, seconds: float) -> None:
    """Connections that say nothing, as many as there may be."""
    with ExitStack() as stack:
        for _ in until(seconds):
            with contextlib.suppress(OSError):
                stack.enter_context(server.connect())
            time.sleep(0.01)


def noise(one: bytes) -> Attack:
    """The same on a new connection each time."""

    def attack(server: AttackedServer, seconds: float) -> None:
        for _ in until(seconds):
            flood(server, [one] * 100)

    return attack


def forged(server: AttackedServer, seconds: float) -> None:
    """Tokens of 8 kB that nobody signed."""
    head, _, signature = server.token("dan").split(".")
    for n in until(seconds):
        token = f"{head}.{'e' * 7900}{n:06}.{signature}"
        flood(server, [request("/loyalty/dan", f"Authorization: Bearer {token}", "Connection: close")])


def going_away(server: AttackedServer, seconds: float) -> None:
    """Clients that hang up at every point."""
    token = server.token("cyd")
    for _ in until(seconds):
        hang_ups(server, token)


def until(seconds: float) -> Iterator[int]:
    """0, 1, 2 … for so long."""
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        yield n
        n += 1


ATTACKS: dict[str, Attack] = {
    "pipelines, open": pipelines("/healthz"),
    "pipelines, hot read": pipelines("/loyalty/ann"),
    "pipelines, longest": pipelines("/openapi.json"),
    "pipelines, stream": pipelines("/leaderboard/all-time/live"),
    "endless trailers": trailers,
    "unread answers": unread,
    "idle connections": idle,
    "not HTTP": noise(b"\x16\x03\x01\x02"),
    "upgrades": noise(request("/healthz", "Connection: upgrade, close", "Upgrade: websocket")),
    "hang-ups": going_away,
    "forged tokens": forged,
}


def main() -> None:
    """Try the attacks, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--only", default="", help="attacks whose name has this in it")
    chosen = parser.parse_args()
    print(f"{'attack':<22}{'idle MB':>8}{'most MB':>8}{'after':>7}{'fds':>6}{'after':>6}", end="")
    print(f"{'log kB':>8}{'cpu s':>7}{'healthz p50':>12}{'p99':>7}{'most ms':>9}")
    attacks = {name: attack for name, attack in ATTACKS.items() if chosen.only in name}
    failed = [name for name, attack in attacks.items() if not tried(name, attack, chosen.seconds)]
    bad = ", ".join(failed) or "none"
    print(f"{MOST_MB} MB over idle, descriptors held, or p99 of /healthz over {HEALTHY_MS} ms: {bad}")
    sys.exit(bool(failed))


def tried(name: str, attack: Attack, seconds: float) -> bool:
    """Try one; whether the server took it well."""
    with fresh() as server:
        memory, descriptors = server.memory_mb(), server.descriptors()
        logged, processor = len(server.logged()), server.processor_s()
        watch = Watch(server)
        watch.start()
        attack(server, seconds)
        watch.end()
        used = server.processor_s() - processor
        end = time.monotonic() + 60
        while server.descriptors() > descriptors + 10 and time.monotonic() < end:
            time.sleep(0.2)
        health = sorted(watch.health_ms) or [float("inf")]
        p99 = health[int(0.99 * (len(health) - 1))]
        print(
            f"{name:<22}{memory:>8.0f}{max(watch.memory_mb):>8.0f}{server.memory_mb():>7.0f}"
            f"{max(watch.descriptors):>6}{server.descriptors():>6}"
            f"{(len(server.logged()) - logged) / 1000:>8.1f}{used:>7.1f}"
            f"{health[len(health) // 2]:>12.1f}{p99:>7.1f}{health[-1]:>9.1f}",
            flush=True,
        )
        well = max(watch.memory_mb) < memory + MOST_MB and server.descriptors() <= descriptors + 10
        return well and p99 < HEALTHY_MS


@contextmanager
def fresh() -> Iterator[AttackedServer]:
    """A server with the limits that it has in a shop, which has answered before."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as server:
        for target in ("/healthz", "/openapi.json", "/loyalty/ann", "/metrics"):
            flood(server, [request(target, f"Authorization: Bearer {server.token('ann')}", "Connection: close")] * 50)
        time.sleep(1)  # the processes beside it have started by then
        yield server


if __name__ == "__main__":
    main()
