"""What tests of the console share: the ledger under them, in a file or on a server."""

from collections.abc import Iterator

import pytest
from tests.postgres_server import Databases

ENGINES = ("sqlite", pytest.param("postgres", marks=pytest.mark.long))


@pytest.fixture(params=ENGINES)
def ledger(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of a fresh ledger on a server; None: a file in the state directory."""
    yield from _ledger(request)


@pytest.fixture(params=ENGINES, scope="module")
def shared_ledger(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The same for all tests of a module."""
    yield from _ledger(request)


@pytest.fixture(autouse=True)
def patient_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are not made by another clock than the shop's because the machine is busy."""
    monkeypatch.setattr("laurels.console.shop_zone.WITHIN_S", 60.0)


def _ledger(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "sqlite":
        yield None
        return
    databases: Databases = request.getfixturevalue("postgres")
    with databases.new() as url:
        yield url
