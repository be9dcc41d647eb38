"""The ledger keeps the port's promises behind PgBouncer too, where each transaction may have another of the server's
processes: nothing that outlives a transaction stays on a connection.
"""

from collections.abc import Iterator

import pytest
from tests.contract.test_postgres_ledger import OnServer
from tests.pgbouncer_server import Pooler, pooler
from tests.postgres_server import Databases

from laurels.engines.postgres import PostgresLedger
from laurels.errors import SettingsError
from laurels.testing.ledger_contract.accepting import AcceptingTests
from laurels.testing.ledger_contract.awarding import AwardingTests
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order
from laurels.testing.ledger_contract.settling import SettlingTests
from laurels.testing.ledger_contract.sharing import SharingTests

pytestmark = [pytest.mark.long, pytest.mark.anyio]


@pytest.fixture(scope="module")
def by_transaction(postgres: Databases) -> Iterator[Pooler]:
    with pooler(postgres.server, "transaction") as pooler_:
        yield pooler_


class TestBehindPooler(OnServer, AcceptingTests, AwardingTests, SettlingTests, SharingTests):
    @pytest.fixture
    def database(self, postgres: Databases, by_transaction: Pooler) -> Iterator[str]:
        with postgres.new() as url:
            yield by_transaction.url(url)


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_nothing_stays_on_the_servers_connections(postgres: Databases, mode: str) -> None:
    """Neither a prepared statement nor a setting: what others would meet there."""
    with pooler(postgres.server, mode) as pooler_, postgres.new() as url:
        ledger = await PostgresLedger.open(pooler_.url(url))
        try:
            shop = Shop(ledger, TurnedClock())
            await shop.adopt("version = 1\n[earn]\npoints = 1\nper = { GBP = '1.00' }\nrounding = 'floor'\n")
            await shop.sell(order("A1", "ann", "25.00"))
            assert await shop.findings() == []
        finally:
            await ledger.close()
        if mode == "transaction":
            for _ in range(8):
                left = await pooler_.ask(url, "SELECT count(*) FROM pg_prepared_statements WHERE name <> ''")
                assert left == 0
                assert await pooler_.ask(url, "SELECT current_setting('lock_timeout')") == "0"


async def test_a_pooler_by_statements_is_refused(postgres: Databases) -> None:
    with pooler(postgres.server, "statement") as pooler_, postgres.new() as url:
        with pytest.raises(SettingsError, match="pool_mode = transaction") as refused:
            await PostgresLedger.open(pooler_.url(url))
        assert "\n" not in refused.value.message


async def test_what_a_pooler_does_not_know_is_named(postgres: Databases) -> None:
    with pooler(postgres.server, "transaction", auth_type="plain") as pooler_, postgres.new() as url:
        stranger = pooler_.url(url).replace("//laurels@", "//stranger:secret@")
        with pytest.raises(SettingsError, match="pooler") as refused:
            await PostgresLedger.open(stranger)
        assert "\n" not in refused.value.message
        assert "secret" not in refused.value.message
