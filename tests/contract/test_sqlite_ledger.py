"""The embedded ledger keeps the port's promises, with one shard and with many."""

from pathlib import Path

import pytest

from laurels.clock import Clock
from laurels.engines.sqlite import SqliteLedger
from laurels.ledger import Ledger
from laurels.testing.ledger_contract import LedgerContract, OpenLedger


class TestSqliteLedger(LedgerContract):
    shards = 1

    @pytest.fixture
    def open_ledger(self, tmp_path: Path) -> OpenLedger:
        async def open_file(now: Clock) -> Ledger:
            return SqliteLedger.open(tmp_path / "laurels.db", now, self.shards)

        return open_file


class TestSqliteLedgerOfManyShards(TestSqliteLedger):
    shards = 16
