"""What the fault tests share: a shop over one SQLite file, which must verify when a test is done with it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.ledgers import open_ledger

from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import Shop, TurnedClock


@pytest.fixture
def now() -> TurnedClock:
    """The clock of the shop."""
    return TurnedClock()


@pytest.fixture
async def shop(tmp_path: Path, now: TurnedClock) -> AsyncIterator[Shop]:
    """The ledger in `tmp_path/laurels.db`, under the default program."""
    shop = Shop(await open_ledger(tmp_path / "laurels.db", now), now)
    await shop.adopt(DEFAULT_PROGRAM)
    yield shop
    assert await shop.findings() == []
    await shop.ledger.close()
