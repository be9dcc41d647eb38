"""Hears that another version is served, whichever process brought it: one subscription for all who wait."""

import asyncio
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

_LOOK_UP_S = 5.0  # a listener that hears nothing looks up so often


class ServerChangeSignal:
    """Notifies when a message comes on a channel. Subscribes when somebody first waits, in a task of its own."""

    def __init__(self, client: Redis, channel: str) -> None:
        self._client = client
        self._channel = channel
        self._changed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._subscribed: asyncio.Future[None] | None = None

    async def armed(self) -> asyncio.Event:
        """An event that is set by every message from now on, and where the subscription ends.

        Raises `RedisError`, `OSError`.
        """
        if self._listening is None or self._subscribed is None or self._listening.done():
            self._subscribed = asyncio.get_running_loop().create_future()
            self._listening = asyncio.create_task(self._listen(self._subscribed), name="laurels-valkey-changes")
        await asyncio.shield(self._subscribed)
        return self._changed

    def notify(self) -> None:
        """Wake all who wait."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def close(self) -> None:
        """Stop listening, and wake all who wait."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        self.notify()

    async def _listen(self, subscribed: asyncio.Future[None]) -> None:
        try:
            async with self._client.pubsub() as channel:
                await channel.subscribe(self._channel)
                while True:
                    # The first message says that the subscription stands; so does one after a lost connection, and
                    # then there may have been changes that were not heard.
                    if await channel.get_message(timeout=_LOOK_UP_S) is not None:
                        if not subscribed.done():
                            subscribed.set_result(None)
                        self.notify()
        except (RedisError, OSError) as error:
            _fail(subscribed, error)
        finally:
            _fail(subscribed, ConnectionError("closed"))
            self.notify()


def _fail(subscribed: asyncio.Future[None], error: Exception) -> None:
    if not subscribed.done():
        subscribed.set_exception(error)
        subscribed.exception()  # seen: whoever waited for it may have left
