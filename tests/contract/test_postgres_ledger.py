"""The ledger on a PostgreSQL server keeps the port's promises."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.postgres_server import Databases

from laurels.clock import Clock
from laurels.engines.postgres import PostgresLedger, leases, reaching
from laurels.ledger import Ledger
from laurels.testing.ledger_contract import LedgerContract, OpenLedger
from laurels.testing.ledger_contract.amending import AmendingTests
from laurels.testing.ledger_contract.auditing import AuditingTests, CaseworkTests
from laurels.testing.ledger_contract.awarding import PoisonTests
from laurels.testing.ledger_contract.base import Shop
from laurels.testing.ledger_contract.counting import CountingTests
from laurels.testing.ledger_contract.people import MailsTests, PeopleTests
from laurels.testing.ledger_contract.refunds import CancellationsTests, RefundsOfOrdersTests, RefundsWithoutOrderTests
from laurels.testing.ledger_contract.walking import WalkingTests

LATER = (
    PoisonTests,
    RefundsOfOrdersTests,
    RefundsWithoutOrderTests,
    CancellationsTests,
    AmendingTests,
    PeopleTests,
    MailsTests,
    CountingTests,
    WalkingTests,
    AuditingTests,
    CaseworkTests,
)
"""What is about the rules, or about a single row, more than about what many do to each other: `make test` leaves it to
the ledger on SQLite.
"""

SOONER = tuple(promises for promises in LedgerContract.__bases__ if promises not in LATER)


class OnServer:
    """Opens ledgers in a database of the test's own."""

    @pytest.fixture(autouse=True)
    def short_leases(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The server has the clock, and a process that does not go on is waited for. A call may take its time: it is
        the machine's pace that would be tried.
        """
        monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.3))
        monkeypatch.setattr(leases, "RENEW_S", 0.1)
        monkeypatch.setattr(leases, "LOOK_S", 0.01)
        monkeypatch.setattr(reaching, "COMMAND_TIMEOUT_S", 60.0)

    @pytest.fixture
    def database(self, postgres: Databases) -> Iterator[str]:
        with postgres.new() as url:
            yield url

    @pytest.fixture
    def open_ledger(self, database: str) -> OpenLedger:
        async def open_database(now: Clock) -> Ledger:
            return await PostgresLedger.open(database, now)

        return open_database

    async def let_leases_end(self, shop: Shop) -> None:
        """The server's clock cannot be turned."""
        assert isinstance(shop.ledger, PostgresLedger)
        async with shop.ledger._connections.transaction() as db:
            await db.connection.execute("UPDATE job SET until = '-infinity'")


class TestPostgresLedger(OnServer, *SOONER):  # type: ignore[misc] # whatever the contract consists of
    pass


@pytest.mark.long
class TestPostgresLedgerByTheRules(OnServer, *LATER):  # type: ignore[misc] # as above
    pass
