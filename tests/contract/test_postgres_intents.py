"""The ledger on a PostgreSQL server keeps the promises of a store of intents."""

from collections.abc import Iterator

import pytest
from tests.postgres_server import Databases

from laurels.engines.postgres import PostgresLedger
from laurels.testing.intents_contract import IntentsContract, LedgerAndIntents, OpenPair


class TestPostgresIntents(IntentsContract):
    @pytest.fixture
    def database(self, postgres: Databases) -> Iterator[str]:
        with postgres.new() as url:
            yield url

    @pytest.fixture
    def open_pair(self, database: str) -> OpenPair:
        async def open_database() -> LedgerAndIntents:
            ledger = await PostgresLedger.open(database)
            return LedgerAndIntents(ledger, ledger.intents)

        return open_database
