"""Sends what is due: claims a message, hands it to the channel, and writes down what became of it.

One message at a time: a process that dies keeps one message waiting for its lease, and who is erased while another
message is on its way is not written to.
"""

import asyncio
import traceback
from collections.abc import Callable

import structlog

from laurels import clock
from laurels.clock import DAY, HOUR, MINUTE, Clock
from laurels.ledger import Ledger, Message
from laurels.notify.addresses import BadAddress
from laurels.notify.channel import ChannelRefused, ChannelUnavailable, MessageChannel
from laurels.notify.composing import Composer

LONGEST_SEND_S = 660.0
"""How long a channel may take for a message: as long as SMTP allows a server to think about one, and a minute."""

LEASE_S = 900.0
"""How long a claimed message is kept from other notifiers: longer than `LONGEST_SEND_S`, or two might send it."""

LONGEST_HOLD = 30 * DAY
"""How long a message waits for an address, or for its channel."""

FIRST_PAUSE = MINUTE
LONGEST_PAUSE = 6 * HOUR

HOLD_CHECKED_EVERY = MINUTE
"""Often enough for a shop that has nobody's address: a ledger gives up a limited number at a time."""

log = structlog.get_logger(__name__)


class Notifier:
    """Carries due messages from a ledger to a channel. Any number may run; a message is with one of them at a time."""

    def __init__(self, ledger: Ledger, channel: MessageChannel, composer: Composer, now: Clock = clock.now) -> None:
        self._ledger = ledger
        self._channel = channel
        self._composer = composer
        self._now = now
        self._unmarked: set[str] = set()
        self._hold_checked_at = 0
        self.on_try: Callable[[str], object] = str
        """Called with what became of a try: sent, postponed, undeliverable."""

    async def step(self) -> int:
        """Try one message that is due. Returns how many were tried: 0 means that none is due.

        Raises `LedgerUnavailable`; whatever else goes wrong is written down with the message.
        """
        await self._give_up_held()
        messages = await self._ledger.claim_messages(1, lease_s=LEASE_S)
        for message in messages:
            await self._try(message)
        return len(messages)

    async def drain(self) -> int:
        """Try everything that is due. Returns how many messages were tried."""
        total = 0
        while tried := await self.step():
            total += tried
        return total

    async def _give_up_held(self) -> None:
        now = self._now()
        if now - self._hold_checked_at >= HOLD_CHECKED_EVERY:
            await self._ledger.give_up_held(created_before=now - LONGEST_HOLD)
            self._hold_checked_at = now

    async def _try(self, message: Message) -> None:
        if message.id in self._unmarked:
            await self._mark_sent(message)
        elif message.email is None:
            await self._give_up(message, "no address")
        elif self._composer.is_over(message, self._now()):
            await self._give_up(message, "what it was about is over")
        else:
            await self._send(message, message.email)

    async def _send(self, message: Message, email: str) -> None:
        try:
            async with asyncio.timeout(LONGEST_SEND_S):
                await self._channel.send(self._composer.compose(message, email))
        except (BadAddress, ChannelRefused) as error:
            await self._give_up(message, error.message)
        except ChannelUnavailable as error:
            await self._put_off(message, error.message)
        except TimeoutError:
            await self._put_off(message, "The channel took too long.")
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one message, the others go on
            _report(message, error)
            await self._put_off(message, f"A fault in Laurels ({type(error).__name__}); its log says where.")
        else:
            await self._mark_sent(message)

    async def _mark_sent(self, message: Message) -> None:
        """Write down that it is sent. Should the ledger be away just now, this process remembers, and does not send
        the message again when its lease is over.
        """
        self._unmarked.add(message.id)
        await self._ledger.message_sent(message.id)
        self._unmarked.discard(message.id)
        if (await self._ledger.message(message.id)).member_id is None:  # erased while it was on its way
            await self._channel.forget([message.id])
        self.on_try("sent")
        log.info("message.sent", message=message.id, milestone=message.milestone)

    async def _put_off(self, message: Message, why: str) -> None:
        now = self._now()
        if now - message.created_at > LONGEST_HOLD:
            await self._give_up(message, why)
            return
        pause = min(FIRST_PAUSE * 2 ** min(message.attempts - 1, 20), LONGEST_PAUSE)
        await self._ledger.message_postponed(message.id, until=now + pause, note=why)
        self.on_try("postponed")
        again_in_s = pause // clock.SECOND
        log.warning("message.postponed", message=message.id, why=why, attempts=message.attempts, again_in_s=again_in_s)

    async def _give_up(self, message: Message, why: str) -> None:
        await self._ledger.message_undeliverable(message.id, note=why)
        self.on_try("undeliverable")
        log.warning("message.undeliverable", message=message.id, why=why, attempts=message.attempts)


def _report(message: Message, error: Exception) -> None:
    """Log a fault by its kind and the lines it went through. Its text and variables may hold an address or a password,
    so they are left out.
    """
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    log.error("message.failed", message=message.id, error=type(error).__name__, lines=lines)
