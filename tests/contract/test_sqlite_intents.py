"""The embedded ledger keeps the promises of a store of intents."""

from pathlib import Path

import pytest

from laurels.engines.sqlite import SqliteLedger
from laurels.testing.intents_contract import IntentsContract, LedgerAndIntents, OpenPair


class TestSqliteIntents(IntentsContract):
    @pytest.fixture
    def open_pair(self, tmp_path: Path) -> OpenPair:
        async def open_file() -> LedgerAndIntents:
            ledger = SqliteLedger.open(tmp_path / "laurels.db")
            return LedgerAndIntents(ledger, ledger.intents)

        return open_file
