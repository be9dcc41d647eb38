"""Which addresses a webhook may go to: none inside a network, whatever its name says, unless the shop names it.

A name may resolve to another address the next time. So it is resolved here, every address is looked at, and the
connection goes to one that was looked at.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

from laurels.events import SinkUnavailable

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class HostNotPublic(SinkUnavailable):
    """The host is inside a network. events.private_hosts would allow it."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


async def public_address(host: str, port: int, how: Resolve) -> str:
    """One address of a host. Raises `SinkUnavailable` where it has none, `HostNotPublic` where it has one that is
    not public.
    """
    try:
        addresses = await how(host, port)
    except OSError as error:
        raise SinkUnavailable(f"The host {host} is not found.") from error
    if not addresses:
        raise SinkUnavailable(f"The host {host} is not found.")
    for address in addresses:
        if not is_public(address):
            raise HostNotPublic(f"The host {host} is inside a network. events.private_hosts would allow it.")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an address is one of the Internet's, and not this machine's, a network's or a cloud's own."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast


_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
