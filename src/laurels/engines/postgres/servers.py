"""The server that a ledger is on may be another one tomorrow: a standby that was promoted, or one made from a backup.

Each new connection looks where it leads to. On another timeline, another server, or in a dump that was loaded, another
epoch begins where
the feed ends there: views that have all of that go on, those that followed a tail which was lost notice it. A server on
an older timeline than was seen before is the one that was replaced, and what it would take is lost. It may live on,
cut off from those who replaced it: so whoever sees a new one cuts off its connections to the one before.
"""

from weakref import WeakSet

from laurels.clock import Clock
from laurels.engines.postgres.addresses import Address
from laurels.engines.postgres.codes import SHARDS
from laurels.engines.postgres.connections import begin_on, cut_off, wrapped
from laurels.engines.postgres.opening import Facts, check_durable, facts_of, place_of
from laurels.engines.postgres.reaching import STANDBY, connect, is_pooled
from laurels.engines.postgres.session_settings import settle_session
from laurels.engines.postgres.statements import Statements
from laurels.errors import LedgerUnavailable, SettingsError
from laurels.ledger.epochs import lowest_epoch


class Connector:
    """Opens connections to whichever server has the ledger now."""

    def __init__(self, address: Address, facts: Facts, now: Clock, *, direct: bool) -> None:
        """`direct`: there is no pooler in between, which would give another server's process for each transaction."""
        self._address = address
        self._direct = direct
        self._identity = facts.identity
        self._newest = facts.place
        self._now = now
        self._given: WeakSet[Statements] = WeakSet()

    async def connection(self) -> Statements:
        """A connection to the server that has this ledger and can be written. Raises `LedgerUnavailable`."""
        try:
            db = await connect(self._address, direct=self._direct)
        except SettingsError as error:  # it was right when we began: what was changed since is for people to fix
            raise LedgerUnavailable(error.message) from error
        try:
            with wrapped():
                await self._check(db)
        except SettingsError as error:
            cut_off(db)
            raise LedgerUnavailable(error.message) from error
        except BaseException:
            cut_off(db)
            raise
        self._given.add(db)
        return db

    async def _check(self, db: Statements) -> None:
        if self._direct and await is_pooled(db):
            self._direct = False
            raise LedgerUnavailable("There is a pooler in front of the ledger's server now. Try again.")
        await settle_session(db, pooled=not self._direct)
        server = await db.only("server")
        if server["standby"]:
            raise LedgerUnavailable(STANDBY)
        check_durable(server)
        facts = await facts_of(db)
        if facts.identity != self._identity:
            raise LedgerUnavailable("The server has another ledger now. Start Laurels anew.")
        await adopt(db, facts, self._now)
        found = await place_of(db)
        if found.system_identifier == self._newest.system_identifier and found.timeline < self._newest.timeline:
            raise LedgerUnavailable("The ledger's server was replaced by another one, and does not know it. Stop it.")
        if found != self._newest:
            for each in self._given:
                cut_off(each)
            self._given.clear()
        self._newest = found


async def adopt(db: Statements, facts: Facts, now: Clock) -> None:
    """Begin another epoch where the ledger's present one began on another server, on another timeline of its, or in
    another table: then a dump was loaded.
    """
    if await place_of(db) == facts.place:
        return
    try:
        await db.connection.execute(begin_on(range(SHARDS)))
        await db.all("lock_ledger")
        here = await place_of(db)
        if here != (await facts_of(db)).place:  # else another process has begun it
            await db.run("begin_epoch", now(), *here, lowest_epoch(now()))
    except BaseException:
        cut_off(db)
        raise
    await db.connection.execute("COMMIT")
