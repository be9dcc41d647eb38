"""The channel's port: something that takes a mail. `laurels.testing.channel_contract` tells whether one keeps the
promises.
"""

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Protocol

from laurels.errors import LaurelsError


class ChannelUnavailable(LaurelsError):
    """The channel cannot take the message now."""


class ChannelRefused(LaurelsError):
    """The channel will never take a message to this address."""


class MessageChannel(Protocol):
    """Takes mails. `send` may be called for the same Message-ID again, and must not mind; it may be cancelled when it
    takes too long.
    """

    name: str

    async def send(self, message: EmailMessage) -> None:
        """Hand a mail over; when this returns, the channel has it, and a crash does not lose it.

        Raises `ChannelUnavailable`: try again. `ChannelRefused`: never try again, so it is for what is wrong with the
        address alone; whatever the shop may still fix, a wrong password or a full disk, is unavailable. Their
        messages are logged and kept for ever: they hold no address and no secret.
        """
        ...

    async def forget(self, ids: Sequence[str]) -> None:
        """Remove what this channel itself keeps of messages, by the part of their Message-ID before the `@`: their
        member was erased. What a mail server has delivered is out of reach.
        """
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
