"""Two hosts on one machine, with a wire between them that can be pulled: network namespaces, which root may make. What
runs on one of them has its own loopback, and reaches the other by the wire alone.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)
_made = count()


class Wired:
    """Two hosts and the wire between them, for the length of a block. The first has the address `address`."""

    address = "10.213.7.1"
    _other_address = "10.213.7.2"

    def __init__(self) -> None:
        tag = f"{os.getpid()}-{next(_made)}"
        self.hosts = (f"laurels-a-{tag}", f"laurels-b-{tag}")

    def __enter__(self) -> "Wired":
        """Raises `OSError` where this user may not, or there is no `ip`."""
        first, other = self.hosts
        for host in self.hosts:
            _ip("netns", "add", host)
            _ip("-n", host, "link", "set", "lo", "up")
        _ip("-n", first, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", other)
        for host, address in ((first, self.address), (other, self._other_address)):
            _ip("-n", host, "addr", "add", f"{address}/30", "dev", "wire")
        self.plug_in()
        return self

    def __exit__(self, *_: object) -> None:
        for host in self.hosts:
            _ip("netns", "delete", host)

    def pull(self) -> None:
        """Nothing passes any more, and neither host is told."""
        _ip("-n", self.hosts[0], "link", "set", "wire", "down")

    def plug_in(self) -> None:
        """All passes again."""
        for host in self.hosts:
            _ip("-n", host, "link", "set", "wire", "up")


def may_be_wired() -> bool:
    """Whether this user may make such hosts here."""
    try:
        with Wired():
            return True
    except OSError:
        return False


@contextmanager
def on(host: str) -> Iterator[None]:
    """This thread is on a host for the length of a block, and so are the threads and processes that it starts."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(Path("/run/netns") / host, os.O_RDONLY)
    try:
        _enter(there)
        try:
            yield
        finally:
            _enter(own)
    finally:
        os.close(own)
        os.close(there)


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())
