"""The ledger on a PostgreSQL server keeps the port's promises."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.postgres_server import Databases

from laurels.clock import Clock
from laurels.engines.postgres import PostgresLedger, leases
from laurels.ledger import Ledger
from laurels.testing.ledger_contract import LedgerContract, OpenLedger
from laurels.testing.ledger_contract.awarding import Poison
from laurels.testing.ledger_contract.refunds import RefundsOfOrders
from laurels.testing.ledger_contract.walking import Walking

LATER = (Poison, RefundsOfOrders, Walking)
"""What takes long over a server, and is about the rules more than about the engine."""

SOONER = tuple(promises for promises in LedgerContract.__bases__ if promises not in LATER)


class OnServer:
    """Opens ledgers in a database of the test's own."""

    @pytest.fixture(autouse=True)
    def short_leases(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The server has the clock, and a process that does not go on is waited for."""
        monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.3))
        monkeypatch.setattr(leases, "RENEW_S", 0.1)
        monkeypatch.setattr(leases, "LOOK_S", 0.01)

    @pytest.fixture
    def database(self, postgres: Databases) -> Iterator[str]:
        with postgres.new() as url:
            yield url

    @pytest.fixture
    def open_ledger(self, database: str) -> OpenLedger:
        async def open_database(now: Clock) -> Ledger:
            return await PostgresLedger.open(database, now)

        return open_database


class TestPostgresLedger(OnServer, *SOONER):  # type: ignore[misc] # whatever the contract consists of
    pass


@pytest.mark.long
class TestPostgresLedgerByTheRules(OnServer, *LATER):  # type: ignore[misc] # as above
    pass
