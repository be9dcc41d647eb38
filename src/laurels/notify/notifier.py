"""Sends what is due: claims messages, hands each to the channel, and writes down what became of it."""

import structlog

from laurels import clock
from laurels.clock import DAY, MINUTE, Clock
from laurels.ledger import Ledger, Message
from laurels.notify.channel import Channel, ChannelRefused, ChannelUnavailable
from laurels.notify.composing import Composer

BATCH = 20
"""Messages claimed at once; they are sent one after the other."""

LEASE_S = 300.0
"""How long a claimed message is kept from other notifiers: longer than a slow channel takes for a batch."""

LONGEST_HOLD = 30 * DAY
"""How long a message waits for an address, or for its channel."""

FIRST_PAUSE = MINUTE
LONGEST_PAUSE = 6 * 60 * MINUTE

log = structlog.get_logger(__name__)


class Notifier:
    """Carries due messages from a ledger to a channel. Any number may run; a message is with one of them at a time."""

    def __init__(self, ledger: Ledger, channel: Channel, composer: Composer, now: Clock = clock.now) -> None:
        self._ledger = ledger
        self._channel = channel
        self._composer = composer
        self._now = now

    async def step(self) -> int:
        """Try the messages that are due, at most one batch. Returns how many were tried."""
        messages = await self._ledger.claim_messages(BATCH, lease_s=LEASE_S)
        for message in messages:
            await self._try(message)
        if not messages:
            await self._ledger.give_up_held(created_before=self._now() - LONGEST_HOLD)
        return len(messages)

    async def drain(self) -> int:
        """Try everything that is due. Returns how many messages were tried."""
        total = 0
        while tried := await self.step():
            total += tried
        return total

    async def _try(self, message: Message) -> None:
        if message.email is None:
            await self._ledger.message_undeliverable(message.id, note="no address")
            return
        try:
            await self._channel.send(self._composer.compose(message, message.email))
        except ChannelRefused as error:
            await self._ledger.message_undeliverable(message.id, note=error.message)
            log.warning("message.undeliverable", message=message.id)
        except ChannelUnavailable as error:
            await self._put_off(message, error.message)
        else:
            await self._ledger.message_sent(message.id)
            log.info("message.sent", message=message.id, milestone=message.milestone)

    async def _put_off(self, message: Message, why: str) -> None:
        now = self._now()
        if now - message.created_at > LONGEST_HOLD:
            await self._ledger.message_undeliverable(message.id, note=why)
            return
        pause = min(FIRST_PAUSE * 2 ** min(message.attempts - 1, 20), LONGEST_PAUSE)
        await self._ledger.message_postponed(message.id, until=now + pause, note=why)
        log.warning("message.postponed", message=message.id, attempts=message.attempts, again_in_s=pause // 1_000_000)
