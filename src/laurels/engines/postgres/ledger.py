"""The ledger on a PostgreSQL server: the port over its tables. Any number of processes on any hosts may use one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from laurels import clock
from laurels.clock import Clock
from laurels.engines.postgres import leases
from laurels.engines.postgres.addresses import Address
from laurels.engines.postgres.advising import advice_of
from laurels.engines.postgres.auditing import PostgresAudit
from laurels.engines.postgres.books import PostgresBooks
from laurels.engines.postgres.casework import PostgresCasework
from laurels.engines.postgres.codes import SHARDS
from laurels.engines.postgres.connections import Open, cut_off
from laurels.engines.postgres.copies import FeedCopy
from laurels.engines.postgres.feeding import PostgresFeed
from laurels.engines.postgres.followers import PostgresFollowers
from laurels.engines.postgres.intents import PostgresIntents
from laurels.engines.postgres.jobs import PostgresJobs
from laurels.engines.postgres.keeping import PostgresKeeping
from laurels.engines.postgres.members import PostgresMembers
from laurels.engines.postgres.moving_in import move_in
from laurels.engines.postgres.names import know_key
from laurels.engines.postgres.opening import Facts, check_server, facts_of, looking, place_of, prepare_session
from laurels.engines.postgres.people import PostgresPeople
from laurels.engines.postgres.programs import PostgresPrograms
from laurels.engines.postgres.reaching import connect
from laurels.engines.postgres.registry import PostgresOutbox, PostgresQuarantine
from laurels.engines.postgres.rights import check_logged, check_rights
from laurels.engines.postgres.rollups import PostgresRollUps
from laurels.engines.postgres.schema import LATEST, migrate, version_of
from laurels.engines.postgres.servers import Connector, adopt
from laurels.engines.postgres.statements import Statements
from laurels.engines.postgres.verifying import verify
from laurels.errors import LedgerMissing, LedgerUnavailable, SchemaTooOld, SettingsError
from laurels.ledger import Heads, NameNumbers, Progress, Recount, Verification
from laurels.ledger.epochs import lowest_epoch
from laurels.ledger.moving import Leaving


class PostgresLedger(
    PostgresBooks,
    PostgresMembers,
    PostgresPeople,
    PostgresFeed,
    PostgresFollowers,
    PostgresQuarantine,
    PostgresOutbox,
    PostgresPrograms,
    PostgresAudit,
    PostgresCasework,
    PostgresKeeping,
    PostgresRollUps,
    PostgresJobs,
):
    """A ledger of 16 shards, with the checkout's `intents` in the same database. Make it with `PostgresLedger.open`;
    call it from one event loop.
    """

    name = "postgres"

    def __init__(self, open_one: Open, facts: Facts, now: Clock, names: NameNumbers | None = None) -> None:
        super().__init__(open_one, facts, now, names)
        self.intents = PostgresIntents(self._connections, self._names, now)

    @classmethod
    async def open(
        cls, url: str, now: Clock = clock.now, names: NameNumbers | None = None, *, must_exist: bool = False
    ) -> "PostgresLedger":
        """Open the ledger in a database, making a fresh one where there is none. `names` gives name numbers under the
        key of the proxy names, which the ledger knows again from then on; None: under a secret of its own.

        Raises `SettingsError`, `LedgerMissing`, `SchemaTooOld` (run `laurels migrate`), `SchemaTooNew`,
        `AnotherNamesKey`, `LedgerUnavailable`.
        """
        address = Address(url)
        db = await connect(address)
        try:
            with looking():
                pooled = await prepare_session(db)
                facts = await _prepared(db, now, must_exist=must_exist)
                if not must_exist:
                    await check_rights(db)
                    await check_logged(db)
                await know_key(db, names, now())
        finally:
            await _let_go(db)
        return cls(Connector(address, facts, now, direct=not pooled).connection, facts, now, names)

    @staticmethod
    async def has_members(url: str) -> bool | None:
        """Whether the ledger in a database holds members; None where there is no ledger. Raises as `open` does."""
        db = await connect(Address(url))
        try:
            with looking():
                await prepare_session(db)
                if not await check_server(db, clock.now):
                    return None
                await version_of(db)
                return bool(await db.value("has_members"))
        finally:
            await _let_go(db)

    @staticmethod
    async def change_names_key(url: str, names: NameNumbers, now: Clock = clock.now) -> None:
        """Let another key be the ledger's own: all members get other names. Raises as `open` does."""
        db = await connect(Address(url))
        try:
            with looking():
                await prepare_session(db)
                await _prepared(db, now, must_exist=True)
                await db.run("write_names_key", names.fingerprint, now())
        finally:
            await _let_go(db)

    @staticmethod
    async def migrate(url: str, now: Clock = clock.now) -> tuple[int, int]:
        """Bring the database to the latest schema, making a ledger where there is none; the versions before, after."""
        db = await connect(Address(url))
        try:
            with looking():
                await prepare_session(db)
                await check_server(db, now)
                return await migrate(db, now)
        finally:
            await _let_go(db)

    @staticmethod
    async def move_in(url: str, leaving: Leaving, now: Clock, progress: Progress) -> int:
        """Move a ledger to a database that has none yet, or go on with that; gives how many entries there are. Raises
        `FileRefused`, and what `migrate` raises.
        """
        await PostgresLedger.migrate(url, now)
        db = await connect(Address(url), application="laurels migrate")
        try:
            with looking():
                await prepare_session(db)
                return await move_in(db, leaving, now, progress)
        finally:
            await _let_go(db)

    async def feed_copy(self, url: str) -> FeedCopy:
        """This ledger's feed as a standby has it. Raises as `FeedCopy.open`."""
        return await FeedCopy.open(url, self._facts, self._now)

    async def verify(self, recount: Recount | None = None) -> AsyncIterator[Verification]:
        async for step in verify(self._connections, self._numbers, recount):
            yield step

    async def begin_epoch(self) -> Heads:
        async with self._connections.transaction(range(SHARDS)) as db:
            await db.all("lock_ledger")
            now = self._now()
            await db.run("begin_epoch", now, *await place_of(db), lowest_epoch(now))
            heads = await self._heads(db)
        self._committed(grown=True)
        return heads

    async def connections_to_warm(self, most: int) -> int:
        async with self._connections.read() as db:
            ready = min(most, await db.value("free_connections") // 4) if db.direct else 0
        self._connections.kept = max(1, ready)
        return ready

    async def advice(self) -> list[str]:
        async with self._connections.read() as db:
            return await advice_of(db)

    async def recorded_at(self) -> int:
        async with self._connections.read() as db:
            return int(await db.value("last_recorded"))

    async def forget_content(self, *, recorded_before: int, limit: int) -> int:
        forgotten = 0
        for shard in range(SHARDS):
            async with self._connections.transaction() as db:
                old = [
                    position for (position,) in await db.all("old_content", shard, limit - forgotten, recorded_before)
                ]
                if old:
                    forgotten += len(await db.all("forget_old_content", shard, old))
        return forgotten

    async def close(self) -> None:
        self._closed = True
        await self._acceptor.close()
        await self._settler.close()
        if self._leased_at is not None:
            self._leased_at = None
            with suppress(LedgerUnavailable):  # then the leases end by themselves
                async with self._connections.transaction() as db:
                    await leases.leave(db, self._owner)
        await self._connections.close()


async def _prepared(db: Statements, now: Clock, *, must_exist: bool) -> Facts:
    if not await check_server(db, now):
        if must_exist:
            raise LedgerMissing("There is no ledger in this database yet. Make one: `laurels serve`.")
        await migrate(db, now)
    if await version_of(db) < LATEST:
        raise SchemaTooOld
    if (await db.only("moving"))["moving_from"] is not None:
        raise SettingsError("A ledger is being moved to this database: run `laurels migrate --to` to its end first.")
    await adopt(db, await facts_of(db), now)
    return await facts_of(db)


async def _let_go(db: Statements) -> None:
    cut_off(db)
    await asyncio.sleep(0)  # the loop lets go of its socket in its next turn
    await asyncio.sleep(0)
