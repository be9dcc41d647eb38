"""The feed as a standby of the ledger's server has it: for boards, which then ask the primary for nothing.

A standby may be behind, and may have been left behind for good. It is believed while it hears from its primary and has
replayed what it heard; whoever follows it goes to the primary for whatever it contradicts.
"""

import asyncio

from laurels.clock import Clock
from laurels.engines.postgres.addresses import Address
from laurels.engines.postgres.connections import cut_off, wrapped
from laurels.engines.postgres.feeding import PostgresFeed
from laurels.engines.postgres.opening import Facts, facts_of
from laurels.engines.postgres.reaching import connect, is_pooled
from laurels.engines.postgres.schema import LATEST, version_of
from laurels.engines.postgres.session_settings import pin_settings
from laurels.engines.postgres.statements import Statements
from laurels.errors import LedgerUnavailable, SettingsError
from laurels.ledger import Heads

MOST_LAG_S = 5.0
"""A standby that is this far behind what it has heard is not followed until it is there."""

ANOTHER = "ledger.feed_url: that server has another ledger. Name a standby of the ledger's own server."


class FeedCopy(PostgresFeed):
    """The feed of a ledger, read from one of the servers that a URL names. Make it with `FeedCopy.open`."""

    @classmethod
    async def open(cls, url: str, facts: Facts, now: Clock) -> "FeedCopy":
        """The copy of the ledger that these facts are of. A server that is away, or has not got as far as the ledger's
        first row, is not an error: it is asked again with each call. Raises `SettingsError` for a URL that cannot be
        used, and for another ledger.
        """
        address = Address(url, "ledger.feed_url")
        copy = cls(lambda: _connected(address, facts), facts, now)
        try:
            async with copy._connections.read():
                pass
        except LedgerUnavailable as error:
            if isinstance(error.__cause__, SettingsError):
                raise error.__cause__ from error
        return copy

    async def heads(self) -> Heads:
        """Where the feed ends there. Raises `LedgerUnavailable` where that may be long ago."""
        async with self._connections.read() as db:
            if not await db.value("is_copy_fresh", MOST_LAG_S):
                raise LedgerUnavailable("The server of ledger.feed_url does not hear from the ledger's, or is behind.")
            return await self._heads(db)

    async def close(self) -> None:
        """Cut off every connection."""
        self._closed = True
        await self._connections.close()
        await asyncio.sleep(0)


async def _connected(address: Address, facts: Facts) -> Statements:
    try:
        db = await connect(address, kind="any")
    except SettingsError as error:
        raise LedgerUnavailable(error.message) from error
    try:
        with wrapped():
            await _check(db, facts)
    except BaseException:
        cut_off(db)
        raise
    return db


async def _check(db: Statements, facts: Facts) -> None:
    if not await is_pooled(db):
        await pin_settings(db)
    server = await db.only("server")
    if not server["made"]:
        raise LedgerUnavailable("The server of ledger.feed_url has no ledger yet.")
    if await version_of(db) != LATEST:
        raise LedgerUnavailable("The server of ledger.feed_url has another schema than the ledger's.")
    if (await facts_of(db)).identity != facts.identity:
        raise LedgerUnavailable(ANOTHER) from SettingsError(ANOTHER)
