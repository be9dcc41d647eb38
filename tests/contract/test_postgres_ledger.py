"""The ledger on a PostgreSQL server keeps the port's promises."""

from collections.abc import Iterator

import pytest
from tests.postgres_server import Databases

from laurels.clock import Clock
from laurels.engines.postgres import PostgresLedger
from laurels.ledger import Ledger
from laurels.testing.ledger_contract import LedgerContract, OpenLedger


class TestPostgresLedger(LedgerContract):
    @pytest.fixture
    def database(self, postgres: Databases) -> Iterator[str]:
        with postgres.new() as url:
            yield url

    @pytest.fixture
    def open_ledger(self, database: str) -> OpenLedger:
        async def open_database(now: Clock) -> Ledger:
            return await PostgresLedger.open(database, now)

        return open_database
