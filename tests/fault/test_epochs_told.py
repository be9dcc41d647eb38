"""NEVER answers less under the same token: over HTTP, before and after a failover that lost nothing, or something."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.engines import EMBEDDED, needs_native
from tests.integration.http_shop import Shop, check_problem, open_shop
from tests.ledgers import open_ledger

pytestmark = pytest.mark.anyio

MEMBERS = 12


@asynccontextmanager
async def opened(state: Path, engine: str, shards: int) -> AsyncIterator[Shop]:
    async with open_shop(state, projected=False, leaderboard_engine=engine, ledger_shards=shards) as shop:
        await shop.services.projector.catch_up()
        yield shop


async def sell(shop: Shop, name: str, count: int = MEMBERS) -> None:
    for n in range(count):
        await shop.order(f"{name}{n}", f"m{n % MEMBERS}", "20.00")
    await shop.settle()
    async with asyncio.timeout(60):  # what another process had a lease on is awarded when that ends
        for n in range(count):
            while (await shop.ask("GET", f"/order/{name}{n}")).json()["status"] == "accepted":
                await asyncio.sleep(0.05)
                await shop.settle()


async def tokens(shop: Shop) -> list[tuple[dict[str, Any], str]]:
    """What a member and a service are told: each with the question's arguments, and the token."""
    callers: list[dict[str, Any]] = [{"member": "m1"}, {"scope": "members:read"}]
    told = [(who, (await shop.ask("GET", "/loyalty/m1", **who)).json()["as_of"]) for who in callers]
    assert told[0][1] != told[1][1]
    return told


async def status_of(shop: Shop, who: dict[str, Any], token: str) -> int:
    answer = await shop.ask("GET", "/loyalty/m1", params={"min_version": token}, **who)
    if answer.status_code == 409:
        problem = check_problem(answer, 409, "version-not-reached")
        assert (problem["requested"], problem["current"]) == (
            token,
            (await shop.ask("GET", "/loyalty/m1", **who)).json()["as_of"],
        )
    return answer.status_code


@pytest.mark.parametrize("engine", EMBEDDED)
@pytest.mark.parametrize("shards", [1, 16])
async def test_a_failover_that_lost_nothing_rebuilds_nothing_and_keeps_tokens_good(
    tmp_path: Path, engine: str, shards: int
) -> None:
    async with opened(tmp_path, engine, shards) as shop:
        await sell(shop, "A")
        old = await tokens(shop)
        earlier = (await shop.services.ledger.heads()).epoch
        for failover in (1, 2):
            with capture_logs() as logs:
                epoch = (await shop.services.ledger.begin_epoch()).epoch
                assert epoch > earlier
                await shop.services.projector.catch_up()
            assert [log for log in logs if log["event"] == "leaderboard.rebuild"] == []
            assert (await shop.services.leaderboard.followed()).epoch == epoch
            for who, token in old:
                assert await status_of(shop, who, token) == 200
            now = await tokens(shop)
            assert not {token for _, token in now} & {token for _, token in old}
            old += now
            await sell(shop, f"B{failover}-")
            earlier = epoch
        for who, token in old:
            assert await status_of(shop, who, token) == 200


@pytest.mark.parametrize(("engine", "shards"), [("memory", 1), pytest.param("native", 16, marks=needs_native)])
async def test_a_failover_that_lost_something_is_told_to_who_saw_it(tmp_path: Path, engine: str, shards: int) -> None:
    ledger, copy = tmp_path / "laurels.db", tmp_path / "copy.db"
    async with opened(tmp_path, engine, shards) as shop:
        await sell(shop, "A")
        kept = await tokens(shop)
    shutil.copy(ledger, copy)
    async with opened(tmp_path, engine, shards) as shop:
        await sell(shop, "L")
        lost = await tokens(shop)
        points = (await shop.ask("GET", "/loyalty/m1", member="m1")).json()["me"]["points"]
    shutil.copy(copy, ledger)
    standby = await open_ledger(ledger)
    await standby.begin_epoch()
    await standby.close()
    with capture_logs() as logs:
        async with opened(tmp_path, engine, shards) as shop:
            assert (await shop.ask("GET", "/loyalty/m1", member="m1")).json()["me"]["points"] == points // 2
            for again in (0, 3 * MEMBERS):
                await sell(shop, "N", again)
                for who, token in kept:
                    assert await status_of(shop, who, token) == 200
                for who, token in lost:
                    assert await status_of(shop, who, token) == 409, "also where the new history is longer by now"
    rebuilt = [log for log in logs if log["event"] == "leaderboard.rebuild"]
    assert len(rebuilt) == (engine == "native"), "a board in memory begins empty"
