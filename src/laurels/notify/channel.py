"""The channel's port: something that takes a mail."""

from email.message import EmailMessage
from typing import Protocol

from laurels.errors import LaurelsError


class ChannelUnavailable(LaurelsError):
    """The channel cannot take the message now."""


class ChannelRefused(LaurelsError):
    """The channel will never take this message."""


class Channel(Protocol):
    """Takes mails. `send` may be called for the same Message-ID again, and must not mind."""

    name: str

    async def send(self, message: EmailMessage) -> None:
        """Hand a mail over; when this returns, the channel has it. Raises `ChannelUnavailable`, `ChannelRefused`."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
