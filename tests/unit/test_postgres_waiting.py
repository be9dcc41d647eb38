"""Who waits for what is done together with others waits no longer than for a call of one's own, and hears the truth."""

import asyncio

import pytest

from laurels.engines.postgres import reaching
from laurels.engines.postgres.waiting import answers_of
from laurels.errors import LedgerUnavailable, LedgerUncertain
from laurels.testing.ledger_contract.base import soon

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("all_withdrawn", "error"), [(True, LedgerUnavailable), (False, LedgerUncertain)])
async def test_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch, all_withdrawn: bool, error: type[LedgerUnavailable]
) -> None:
    """What was never begun is not in; of what was begun nobody knows."""
    monkeypatch.setattr(reaching, "COMMAND_TIMEOUT_S", 0.01)
    never: list[asyncio.Future[int]] = [asyncio.get_running_loop().create_future() for _ in range(2)]
    with pytest.raises(LedgerUnavailable) as refused:
        await soon(answers_of(never, lambda: all_withdrawn))
    assert type(refused.value) is error


async def test_what_comes_in_time_is_given() -> None:
    loop = asyncio.get_running_loop()
    futures: list[asyncio.Future[int]] = [loop.create_future() for _ in range(3)]
    for number, future in enumerate(futures):
        loop.call_soon(future.set_result, number)
    assert await soon(answers_of(futures, lambda: False)) == [0, 1, 2]
