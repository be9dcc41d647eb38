"""The embedded ledger keeps the promises of a store of intents."""

from pathlib import Path

import pytest

from laurels.engines.sqlite import SqliteLedger
from laurels.testing.intents_contract import IntentsContract, LedgerAndIntents, OpenBooks


class TestSqliteIntents(IntentsContract):
    @pytest.fixture
    def open_books(self, tmp_path: Path) -> OpenBooks:
        async def open_file() -> LedgerAndIntents:
            ledger = SqliteLedger.open(tmp_path / "laurels.db")
            return LedgerAndIntents(ledger, ledger.intents)

        return open_file
