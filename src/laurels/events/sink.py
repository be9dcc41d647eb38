"""The port of a target of events."""

from collections.abc import Sequence
from typing import Protocol

from laurels.errors import LaurelsError
from laurels.events.public import Event


class SinkUnavailable(LaurelsError):
    """The target does not take events now."""

    def __init__(self, message: str | None = None, sent: int = 0, wait_s: float = 0) -> None:
        self.sent = sent
        """How many it has taken before."""
        self.wait_s = wait_s
        """How long it asked to be left alone for."""
        super().__init__(message)


class SinkClosed(LaurelsError):
    """The target wants no events any more (410 Gone). Begin it anew with --from."""

    def __init__(self, message: str | None = None, sent: int = 0) -> None:
        self.sent = sent
        super().__init__(message)


class Sink(Protocol):
    """Takes events, in order. May get the same ones again."""

    target: str
    """What the position is kept under: its address without secrets."""

    at_once: int
    """Events that it is given at once; it has to take them within half a minute, as long as nothing is wrong."""

    async def look(self) -> None:
        """See that the target is there and takes who signs in, and send nothing. Raises `SettingsError` where it
        refuses, so that its address or its rights have to be set right, `SinkUnavailable` where it is away.
        """
        ...

    async def send(self, events: Sequence[Event]) -> None:
        """Hand events over; when this returns, the target has them. Raises `SinkUnavailable`, `SinkClosed`, with the
        number that it has: the first ones.
        """
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
