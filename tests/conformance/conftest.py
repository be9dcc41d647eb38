"""Ledgers for the tests that run on every engine."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.conformance.ledgers import LEDGERS, Fresh
from tests.conformance.ledgers import postgres as on_server
from tests.postgres_server import Databases


@pytest.fixture
def fresh(engine: str, request: pytest.FixtureRequest) -> Iterator[Fresh]:
    """Gives what opens a ledger of the test's engine, another one each time."""
    if engine in LEDGERS:
        yield lambda: LEDGERS[engine]
        return
    databases: Databases = request.getfixturevalue("postgres")
    with ExitStack() as stack:
        yield lambda: on_server(stack.enter_context(databases.new()))
