"""No member learns how many transactions the shop had, by no answer and by no question."""

import json
import re
from pathlib import Path

import pytest
from tests.engines import EMBEDDED
from tests.integration.http_shop import Shop, fields_at_fault, open_shop

from laurels.model import Version

pytestmark = pytest.mark.anyio

SEALED = re.compile(r"s[A-Za-z0-9_-]{139}\Z")


def versions_in(value: object) -> list[str]:
    """Every `as_of` in an answer."""
    if isinstance(value, dict):
        return [each for key, one in value.items() for each in ([one] if key == "as_of" else versions_in(one))]
    return []


@pytest.mark.parametrize("engine", EMBEDDED)
@pytest.mark.parametrize("shards", [1, 16])
async def test_all_that_a_member_is_told_of_versions_is_sealed(tmp_path: Path, engine: str, shards: int) -> None:
    async with open_shop(
        tmp_path, leaderboard_engine=engine, leaderboard_stale_after_ms=3_600_000, ledger_shards=shards
    ) as shop:
        for n in range(40):
            await shop.order(f"A{n}", f"m{n}", "50.00")
        await shop.settle()
        for target, method in (
            ("/loyalty/m1", "GET"),
            ("/loyalty/m1?top=1", "GET"),
            ("/loyalty/m1/balance", "GET"),
            ("/leaderboard/all-time", "GET"),
            ("/order/A1", "GET"),
            ("/members/m1/hide", "POST"),
            ("/members/m1/rename", "POST"),
        ):
            for _ in range(3):  # the full pipeline first, then the fast path
                answer = await shop.ask(method, target, member="m1")
                assert answer.status_code == 200, answer.text
                (token,) = versions_in(answer.json())
                assert SEALED.match(token), (target, token)
                said = json.dumps(dict(answer.headers)) + answer.text.replace(token, "")
                assert "1.0-" not in said.replace(token, ""), target
        plain = (await shop.ask("GET", "/loyalty/m1", scope="members:read")).json()["as_of"]
        now = (await shop.services.leaderboard.followed()).version
        assert plain == str(now)
        assert len(plain) <= 110
        answer = await shop.ask("GET", "/loyalty/m1", member="m1")
        assert answer.json()["as_of"] == shop.services.dashboards.versions.seal.token(now)
        assert answer.headers["etag"].startswith(f'"{answer.json()["as_of"]}-')


@pytest.mark.long
async def test_no_number_that_a_member_tries_tells_how_long_the_feed_is(tmp_path: Path) -> None:
    async with open_shop(tmp_path, leaderboard_stale_after_ms=3_600_000) as shop:
        for n in range(9):
            await shop.order(f"A{n}", "m1", "50.00")
        await shop.settle()
        told = {await tried(shop, f"1.0-{n}") for n in (1, 5, 8, 9, 10, 11, 500, 10**15)}
        assert told == {409}, "nobody confirms the board here"
        seal = shop.services.dashboards.versions.seal
        assert [await tried(shop, seal.token(Version(1, {0: n}))) for n in (1, 10, 11, 500)] == [200, 200, 409, 409]
        for changed in ("s" + "A" * 139, seal.token(Version(1, {0: 1}))[:-1] + "~"):
            answer = await shop.ask("GET", "/loyalty/m1", member="m1", params={"min_version": changed})
            assert (answer.status_code, fields_at_fault(answer)) == (422, ["min_version"])


async def tried(shop: Shop, token: str) -> int:
    return (await shop.ask("GET", "/loyalty/m1", member="m1", params={"min_version": token})).status_code
