"""The mail server of the simulated shop: it takes mails, says "not now", and takes mails and loses its answer."""

import asyncio
import random
from collections.abc import Sequence
from email.message import EmailMessage

from tests.simulation.machine import Trace

from laurels.notify import ChannelRefused, ChannelUnavailable

NOWHERE = "nowhere@example.com"
"""The server refuses this address for good."""


class MailServer:
    """A channel. `taken` are the mails that it took, as (Message-ID, address); `doubts` counts those whose sender heard
    otherwise.
    """

    name = "simulated"

    def __init__(self, rng: random.Random, trace: Trace) -> None:
        self.is_troubled = True
        self.taken: list[tuple[str, str]] = []
        self.doubts = 0
        self._dice = rng
        self._trace = trace

    async def forget(self, ids: Sequence[str]) -> None:
        """What was delivered is out of reach."""

    async def send(self, message: EmailMessage) -> None:
        id, address = str(message["Message-ID"]), str(message["To"])
        trouble = self._dice.random() if self.is_troubled else 1.0
        await asyncio.sleep(self._dice.uniform(0.0, 0.003))
        if address == NOWHERE:
            raise ChannelRefused("550 no such user")
        if trouble < 0.2:
            self._trace("mail", "451 not now", address)
            raise ChannelUnavailable("451 try later")
        self.taken.append((id, address))
        self._trace("mail", "takes", address)
        if trouble < 0.4:
            self.doubts += 1
            await asyncio.sleep(self._dice.uniform(0.0, 0.02))
            raise ChannelUnavailable("the server did not answer in time")
        await asyncio.sleep(self._dice.uniform(0.0, 0.003))

    async def close(self) -> None:
        """Nothing is open."""
