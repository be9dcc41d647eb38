"""A month's board on which few are ranked: ten of the top, the own place, no neighbours, whichever way it is asked for.

Beside it stands what the same board shows to those who may see everything.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.acceptance.command_line import laurels
from tests.integration.http_shop import Shop, open_shop

from laurels import clock
from laurels.model.times import month_of
from laurels.program import DEFAULT_PROGRAM, parse_program

pytestmark = pytest.mark.anyio

MEMBERS, SMALLEST = 30, 31
ASKED = "top=100&around=5"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """Thirty customers bought something this month, for which the board is one too few."""
    async with open_shop(tmp_path, boards_smallest=SMALLEST, leaderboard_stale_after_ms=3_600_000) as shop:
        for n in range(MEMBERS):
            await shop.order(f"A{n}", f"m{n}", f"{10 * (n + 1)}.00")
        await shop.settle()
        yield shop


async def one_more(shop: Shop) -> None:
    await shop.order("B1", "one-more", "5.00")
    await shop.settle()


async def asked(shop: Shop, path: str, **who: Any) -> Any:
    """The answer, asked for twice: the second time the token is known, and the answer comes from the connection."""
    token = shop.token(**who)
    answers = [(await shop.ask("GET", path, token=token)).json() for _ in range(2)]
    assert answers[0] == answers[1]
    return answers[1]


async def streamed(shop: Shop, path: str, **who: Any) -> Any:
    headers = {"Authorization": f"Bearer {shop.token(**who)}"}
    async with shop.client.stream("GET", path, headers=headers) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                return msgspec.json.decode(line.removeprefix("data: "))
    raise AssertionError(answer)


WAYS = [asked, streamed]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("board", ["month", None])
async def test_a_member_sees_ten_of_the_top_and_itself(shop: Shop, way: Any, board: str | None) -> None:
    board = board or f"month:{month()}"
    path = "/loyalty/m14" + ("/live" if way is streamed else "")
    young = await way(shop, f"{path}?board={board}&{ASKED}", member="m14")
    assert (len(young["top"]), young["around"], young["ranked"]) == (10, [], MEMBERS)
    assert young["me"]["rank"] == 16
    assert len((await way(shop, f"{path}?board={board}&top=3", member="m14"))["top"]) == 3
    await one_more(shop)
    grown = await way(shop, f"{path}?board={board}&{ASKED}", member="m14")
    assert (len(grown["top"]), len(grown["around"]), grown["ranked"]) == (MEMBERS + 1, 11, MEMBERS + 1)


def month() -> str:
    return month_of(clock.now(), parse_program(DEFAULT_PROGRAM).zone)


@pytest.mark.parametrize("way", WAYS)
async def test_so_it_is_on_the_board_that_everyone_sees(shop: Shop, way: Any) -> None:
    path = "/leaderboard/month" + ("/live" if way is streamed else "")
    for who in ({"member": "m14"}, {"scope": ""}, {"scope": "orders:write points:adjust"}):
        assert len((await way(shop, f"{path}?top=100", **who))["top"]) == 10
    await one_more(shop)
    assert len((await way(shop, f"{path}?top=100", member="m14"))["top"]) == MEMBERS + 1


@pytest.mark.parametrize("way", WAYS)
async def test_all_time_is_never_young(shop: Shop, way: Any) -> None:
    live = "/live" if way is streamed else ""
    shown = await way(shop, f"/loyalty/m14{live}?{ASKED}", member="m14")
    assert (len(shown["top"]), len(shown["around"])) == (MEMBERS, 11)
    assert len((await way(shop, f"/leaderboard/all-time{live}?top=100", member="m14"))["top"]) == MEMBERS


@pytest.mark.parametrize("way", WAYS)
async def test_who_may_read_every_member_sees_it_whole(shop: Shop, way: Any) -> None:
    live = "/live" if way is streamed else ""
    shown = await way(shop, f"/loyalty/m14{live}?board=month&{ASKED}", scope="members:read")
    assert (len(shown["top"]), len(shown["around"])) == (MEMBERS, 11)
    assert len((await way(shop, f"/leaderboard/month{live}?top=100", scope="members:read"))["top"]) == MEMBERS


async def test_a_month_on_which_nobody_is_ranked_is_young(shop: Shop) -> None:
    shown = await asked(shop, f"/loyalty/m14?board=month:2020-01&{ASKED}", member="m14")
    assert (shown["top"], shown["around"], shown["me"]["points"]) == ([], [], 0)


async def test_the_command_line_shows_it_whole(tmp_path: Path) -> None:
    async with open_shop(tmp_path / "state") as shop:
        for n in range(12):
            await shop.order(f"A{n}", f"m{n}", f"{10 * (n + 1)}.00")
        await shop.settle()
    done = await asyncio.to_thread(
        laurels, "top", "-n", "12", "--board", "month", "--json", "--state", tmp_path / "state"
    )
    assert len(msgspec.json.decode(done.stdout)["top"]) == 12
    done = await asyncio.to_thread(
        laurels, "dashboard", "m5", "--board", "month", "--json", "--state", tmp_path / "state"
    )
    assert len(msgspec.json.decode(done.stdout)["around"]) == 5
    assert not re.search("m5", done.stdout)
