"""The ledger keeps the port's promises on every PostgreSQL that it says it runs on: the oldest is in
`test_postgres_ledger.py`, the newer ones are here.
"""

from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.contract.test_postgres_ledger import SOONER, OnServer
from tests.postgres_server import IN_WHEELS, Databases, binaries, reachable, running

pytestmark = pytest.mark.long


@pytest.fixture(scope="module", params=sorted(IN_WHEELS))
def newer(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """A server of each version, one after another."""
    with (
        reachable(binaries(request.param)) as programs,
        running(programs) as server,
        closing(Databases(server)) as databases,
    ):
        assert server.sql("SHOW server_version").startswith(request.param)
        yield databases


class TestNewerPostgres(OnServer, *SOONER):  # type: ignore[misc] # as there
    @pytest.fixture
    def database(self, newer: Databases) -> Iterator[str]:
        with newer.new() as url:
            yield url
