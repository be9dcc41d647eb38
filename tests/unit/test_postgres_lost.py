"""Whatever the driver says of a connection that is gone, the ledger is away, and a write that was sent is unknown."""

import asyncpg
import pytest

from laurels.engines.postgres.connections import wrapped
from laurels.errors import LedgerUnavailable, LedgerUncertain

SAID = [
    ConnectionResetError(),
    TimeoutError(),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
]


@pytest.mark.parametrize("said", SAID, ids=lambda error: type(error).__name__)
def test_a_connection_that_is_gone(said: Exception) -> None:
    with pytest.raises(LedgerUnavailable) as refused, wrapped():
        raise said
    assert refused.value.__cause__ is said
    assert not isinstance(refused.value, LedgerUncertain)
    with pytest.raises(LedgerUncertain), wrapped(written=True):
        raise said
