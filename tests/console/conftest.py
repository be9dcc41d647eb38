"""What tests of the console share: the ledger under them, in a file or on a server."""

from collections.abc import Iterator

import pytest
from tests.postgres_server import Databases


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.long)])
def ledger(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of a fresh ledger on a server; None: a file in the state directory."""
    if request.param == "sqlite":
        yield None
        return
    databases: Databases = request.getfixturevalue("postgres")
    with databases.new() as url:
        yield url
