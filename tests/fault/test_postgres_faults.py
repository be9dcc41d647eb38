"""What a PostgreSQL server and those who use it can do to each other, and what has to hold all the same."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from random import Random
from typing import TypeVar

import asyncpg
import pytest
from tests.postgres_server import Databases, PostgresServer, binaries, running

from laurels.awarding import Awarder, publish
from laurels.clock import Clock, now
from laurels.engines.postgres import PostgresLedger, connections, leases, reaching
from laurels.errors import LedgerUnavailable, LedgerUncertain, NotOwned
from laurels.ledger import Act, Claim, Outcome
from laurels.model import Amendment, DocumentKind, EntryKind, MemberEvent, Status
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock, adjustment, order, redemption, soon

pytestmark = pytest.mark.anyio

T = TypeVar("T")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server to be cruel to."""
    with running(binaries()) as server:
        server.sql("CREATE DATABASE shop")
        yield server


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that says nothing is waited for less long."""
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.5))
    monkeypatch.setattr(leases, "RENEW_S", 0.1)


@asynccontextmanager
async def opened(url: str, clock: Clock = now) -> AsyncIterator[Shop]:
    """A shop as one process has it."""
    ledger = await PostgresLedger.open(url, clock)
    try:
        shop = Shop(ledger, TurnedClock())
        shop.programs = await publish(ledger, parse_program(DEFAULT_PROGRAM))
        shop.awarder = Awarder(ledger, shop.programs, clock)
        yield shop
    finally:
        await ledger.close()


async def until(ask: Callable[[], Awaitable[T]], is_so: Callable[[T], bool]) -> T:
    """Ask until it is so; gives the last answer."""
    async with asyncio.timeout(60):
        while not is_so(answer := await ask()):  # noqa: ASYNC110 - it is another process that makes it so
            await asyncio.sleep(0.05)
    return answer


NEVER = [
    "UPDATE entry SET points = 9",
    "DELETE FROM entry",
    "TRUNCATE entry",
    "UPDATE entry_{shard}_0 SET points = 9",
    "TRUNCATE entry_{shard}_0",
    "DELETE FROM document",
    "UPDATE document SET fingerprint = ''",
    "UPDATE document SET id = 'B'",
    "TRUNCATE document_{shard}",
    "DELETE FROM member",
    "UPDATE program SET text = ''",
    "TRUNCATE program",
    "UPDATE audit SET outcome = ''",
    "DELETE FROM audit",
    "TRUNCATE audit",
]


async def test_what_never_changes_cannot_be_changed(database: str) -> None:
    """Neither through the parent nor on a partition, whoever owns it."""
    async with opened(database) as shop:
        await shop.sell(order("A1", "ann", "25.00"))
        await shop.ledger.record(Act(sub="niamh", name="Niamh", roles="support", action="look"))
        shard = (await shop.feed())[0].shard
        connection = await asyncpg.connect(database)
        try:
            for statement in NEVER:
                with pytest.raises(asyncpg.RestrictViolationError):
                    await connection.execute(statement.format(shard=shard))
        finally:
            await connection.close()


DAMAGES = [
    ("UPDATE entry SET points = points + 1 WHERE kind = 'e'", "entry was changed"),
    ("UPDATE entry SET previous = 7 WHERE kind = 'e'", "follows its member's entry"),
    ("DELETE FROM entry WHERE position = 1", "missing"),
    ("UPDATE balance SET balance = balance + 1", "sum to"),
    ("UPDATE award SET left_amount = 0", "do not fit its entries"),
    ("DELETE FROM award", "lie in one place"),
    ("UPDATE member SET hidden = true", "hidden"),
    ("ALTER TABLE entry DISABLE TRIGGER never_changes", "triggers"),
    ("UPDATE balance SET month_score = month_score + 1", "as kept, 4 by its entries"),
    ("INSERT INTO closed_month SELECT shard, 202501, member, 5 FROM balance", "in 202501 it scored 5 as kept"),
    ("UPDATE award SET points = points + 1", "do not fit its entries"),
    ("UPDATE audit SET outcome = 'refused' WHERE position = 1", "the row was changed"),
    ("DELETE FROM audit WHERE position = 1", "the rows up to 1 are missing"),
    ("ALTER TABLE audit DISABLE TRIGGER never_deleted", "triggers"),
    ("INSERT INTO program (version, text, published_at) SELECT 9, text, 0 FROM program", "nobody published it"),
    ("DELETE FROM name WHERE name_number NOT IN (SELECT name_number FROM member)", "former name number"),
    ("UPDATE name SET member = 99 WHERE name_number NOT IN (SELECT name_number FROM member)", "former name number"),
]


@pytest.mark.parametrize(
    ("damage", "where"),
    [pytest.param(*each, marks=[pytest.mark.long] if number % 5 else []) for number, each in enumerate(DAMAGES)],
)
async def test_what_was_changed_all_the_same_is_found(database: str, damage: str, where: str) -> None:
    async with opened(database) as shop:
        await shop.sell(order("A1", "ann", "25.00"), order("A2", "ann", "14.00"))
        await shop.ledger.change_member("ann", MemberEvent.RENAME, actor="clerk")
        for number in range(2):
            await shop.ledger.record(Act(sub="niamh", name="Niamh", roles="support", action="look", member=number))
        connection = await asyncpg.connect(database)
        try:
            await connection.execute("SET session_replication_role = replica")  # as a superuser can
            await connection.execute(damage)
        finally:
            await connection.close()
        assert any(where in finding.what for finding in await shop.findings())


@pytest.mark.long
async def test_an_order_that_is_changed_while_it_goes_to_quarantine_is_judged_again(database: str) -> None:
    """Whichever of two processes comes first: none is left in quarantine, and none earns by what it was."""
    async with opened(database) as shop, opened(database) as other:
        await shop.award()  # from here on it has the shards
        for number in range(30):
            member = f"m{number}"
            await other.accept(order(f"A{number}", member, "2500", currency="JPY"))
            change = Amendment(revision=2, order=order(f"A{number}", member, "40.00")).document()
            await asyncio.gather(shop.award(), other.accept(change))
            await shop.award()
            assert (await shop.balance(member)).balance == 4
        counts = await shop.ledger.counts()
        assert (counts.quarantined, counts.waiting) == (0, 0)
        assert await shop.findings() == []


async def test_a_wait_for_a_standby_that_was_cancelled_is_not_acknowledged(server: PostgresServer) -> None:
    """The server answers it as done, with a warning alone: it may be on no other machine."""
    async with opened(server.url("shop")) as shop:
        server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        server.sql("SELECT pg_reload_conf()")
        try:
            writing = asyncio.create_task(shop.accept(order("A1", "ann", "25.00")))
            cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            await until(lambda: asyncio.to_thread(server.sql, cancel), lambda found: found != "0")
            with pytest.raises(LedgerUncertain):
                await soon(writing)
        finally:
            server.sql("ALTER SYSTEM RESET synchronous_standby_names")
            server.sql("SELECT pg_reload_conf()")
        [receipt] = await shop.accept(order("A1", "ann", "25.00"))
        assert (receipt.repeated, receipt.conflict) == (True, False)


async def test_a_server_that_says_nothing_is_waited_for_so_long_and_no_longer(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped server's kernel goes on answering. Who waits is told, and all is well once it goes on."""
    monkeypatch.setattr(reaching, "COMMAND_TIMEOUT_S", 1.0)
    monkeypatch.setattr(reaching, "CONNECT_TIMEOUT_S", 1.0)
    async with opened(server.url("shop")) as shop:
        await shop.accept(order("B1", "ann", "25.00"))
        server.signal_all(signal.SIGSTOP)
        try:
            with pytest.raises(LedgerUnavailable):
                await soon(shop.ledger.heads())
            with pytest.raises(LedgerUnavailable):
                await soon(shop.accept(order("B2", "ann", "25.00")))
        finally:
            server.signal_all(signal.SIGCONT)
        [receipt] = await soon(shop.accept(order("B2", "ann", "25.00")))
        assert not receipt.conflict


async def test_after_a_crash_of_the_server_it_is_found_again(server: PostgresServer) -> None:
    async with opened(server.url("shop")) as shop:
        await shop.accept(order("C1", "ann", "25.00"))
        server.stop(signal.SIGQUIT)
        with pytest.raises(LedgerUnavailable):
            await shop.accept(order("C2", "ann", "25.00"))
        server.start()
        [again, new] = await shop.accept(order("C1", "ann", "25.00"), order("C2", "ann", "25.00"))
        assert (again.repeated, new.repeated) == (True, False)


async def test_the_same_orders_shuffled_through_many_processes_never_deadlock(
    database: str, postgres: Databases, rng: Random
) -> None:
    documents = [order(f"A{n}", f"m{n % 60}", "10.00").document() for n in range(300)]
    name = database.split("@/")[1].split("?", maxsplit=1)[0]

    async def bring(shop: Shop) -> None:
        shuffled = rng.sample(documents, len(documents))
        for start in range(0, len(shuffled), 50):
            await shop.ledger.accept(shuffled[start : start + 50])
            await shop.award()

    async with opened(database) as one, opened(database) as two, opened(database) as three, opened(database) as four:
        await asyncio.gather(*(bring(shop) for shop in (one, two, three, four)))
        await one.award()
        earned = [entry.order_id for entry in await one.feed() if entry.kind is EntryKind.EARN]
        assert sorted(earned, key=str) == sorted((each.id for each in documents), key=str)
        assert await one.findings() == []
    deadlocks = postgres.server.sql("SELECT datname, deadlocks FROM pg_stat_database").splitlines()
    assert f"{name}|0" in deadlocks


async def test_an_owner_that_slept_is_told_that_it_is_anothers_turn(database: str, short_leases: None) -> None:
    """Its shards are taken over when its leases end; what it would write on waking is refused, and nothing is lost."""

    def asleep(_: Claim) -> Outcome:
        raise AssertionError("who lost its shard judges nothing")

    async with opened(database) as first, opened(database) as second:
        assert await first.ledger.own() == frozenset(range(16))
        assert await second.ledger.own() == frozenset()
        await first.accept(order("A1", "ann", "25.00"))
        shard = next(iter((await first.ledger.heads()).marks))
        await until(second.ledger.own, lambda owned: shard in owned)
        with pytest.raises(NotOwned):
            await first.ledger.award(shard, 10, asleep, waiting_before=0)
        await second.award()
        state = await second.ledger.document(DocumentKind.ORDER, "shop", "A1")
        assert state is not None
        assert state.status is Status.AWARDED


async def test_owners_share_evenly(database: str, short_leases: None) -> None:
    async with opened(database) as first, opened(database) as second:
        await first.ledger.own()
        await until(second.ledger.own, lambda owned: not owned)

        async def both() -> tuple[frozenset[int], frozenset[int]]:
            return await first.ledger.own(), await second.ledger.own()

        one, two = await until(both, lambda owned: [len(each) for each in owned] == [8, 8])
        assert one | two == frozenset(range(16))


async def test_owners_that_all_slept_do_not_deadlock(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each finds the others lapsed, and says that it is there itself."""
    monkeypatch.setattr(leases, "LEASE", timedelta(milliseconds=1))
    monkeypatch.setattr(leases, "RENEW_S", 0.0)
    async with AsyncExitStack() as stack:
        shops = [await stack.enter_async_context(opened(database)) for _ in range(4)]
        for _ in range(40):
            await asyncio.gather(*(shop.ledger.own() for shop in shops))
        connection = await asyncpg.connect(database)
        try:
            query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            assert await connection.fetchval(query) == 0
        finally:
            await connection.close()


@pytest.mark.long
async def test_who_sleeps_inside_a_transaction_holds_nobody_up(database: str) -> None:
    """The server ends a transaction that says nothing, and with it the lock."""
    async with opened(database) as shop:
        sleeper = await asyncpg.connect(database)
        try:
            await sleeper.execute(connections.BEGIN)
            await sleeper.execute("SELECT shard FROM shard FOR UPDATE")
            await soon(shop.awarder.settle(adjustment("J1", "ann", 5)))
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
                await sleeper.execute("COMMIT")
        finally:
            sleeper.terminate()
        assert (await shop.balance("ann")).balance == 5


async def test_nobody_queues_up_behind_a_table_that_somebody_locked(database: str) -> None:
    """As VACUUM FULL does, for an hour. The server does not hear that who asked has gone, and would go on waiting."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with opened(database) as shop:
        somebody = await asyncpg.connect(database)
        try:
            await somebody.execute("BEGIN; LOCK TABLE inbox, entry")
            asked = shop.accept(order("A1", "ann", "25.00")), shop.ledger.heads(), shop.ledger.heads()
            refused = await asyncio.gather(*asked, return_exceptions=True)
            assert [type(error) for error in refused] == [LedgerUnavailable] * 3, "and nobody's write is uncertain"
            assert await somebody.fetchval(waiting) == 0
            await somebody.execute("ROLLBACK")
        finally:
            somebody.terminate()
        await shop.sell(order("A1", "ann", "25.00"))
        assert (await shop.balance("ann")).balance == 3


async def test_a_call_that_was_given_up_is_not_worked_on(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent again and again, a statement that takes longer than its call may would keep ever more of the server."""
    monkeypatch.setattr(reaching, "COMMAND_TIMEOUT_S", 1.0)
    working = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'"
    )
    async with opened(database) as shop:
        assert isinstance(shop.ledger, PostgresLedger)
        with pytest.raises(LedgerUnavailable):
            async with shop.ledger._connections.read() as db:
                await db.connection.fetchval("SELECT pg_sleep(3600)")
        somebody = await asyncpg.connect(database)
        try:
            await until(lambda: somebody.fetchval(working), lambda count: count == 0)
        finally:
            somebody.terminate()


async def test_what_no_row_can_hold_takes_nobody_with_it(database: str) -> None:
    """A NUL in an id: PostgreSQL has no such text."""
    async with opened(database) as shop:
        answers = await asyncio.gather(
            shop.accept(order("A1", "ann", "25.00")),
            shop.accept(order("A\0", "ann", "25.00")),
            shop.awarder.settle(adjustment("J1", "bob", 1)),
            shop.awarder.settle(redemption("S\0", "bob", 1)),
            return_exceptions=True,
        )
        assert [isinstance(answer, LedgerUnavailable) for answer in answers] == [False, True, False, True]
        assert not any(isinstance(answer, LedgerUncertain) for answer in answers)
        await shop.award()
        assert (await shop.balance("ann")).balance == 3
