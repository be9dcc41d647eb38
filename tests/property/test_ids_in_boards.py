"""Any id is one member to every engine of boards: found under its own bytes, and under no others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests import valkey_server
from tests.engines import needs_native, new_leaderboard

from laurels.errors import InvalidInput
from laurels.leaderboard import ALL_TIME, Change, Followed, Joined, Leaderboard, Scored
from laurels.model import Mark
from laurels.model.ids import MAX_ID_BYTES, check_id

pytestmark = pytest.mark.anyio


def is_id(text: str) -> bool:
    try:
        return check_id(text, "id") == text
    except InvalidInput:
        return False


LIKE_NUMBERS = st.from_regex(r"[+-]?0{0,3}[0-9]{1,3}(\.0*)?(e[+-]?[0-9]{1,2})?", fullmatch=True)
"""Strings that a script might take for numbers: each is another id."""

IDS = st.lists(
    st.one_of(
        LIKE_NUMBERS,
        st.sampled_from(
            ["nan", "inf", "nil", "true", "0x10", "-0", "#1001", "gid://shopify/Order/1", "auth0|5f7c", "{}"]
        ),
        st.text(st.sampled_from("aA:/%|'\\\"* é\u0301日😀{}[]"), min_size=1, max_size=12),
        st.text(min_size=1, max_size=128),
        st.text(st.sampled_from("日\u00e9"), min_size=80, max_size=128),
    ).filter(is_id),
    unique=True,
    min_size=1,
    max_size=12,
)


@asynccontextmanager
async def board(engine: str, valkey_url: str) -> AsyncIterator[Leaderboard]:
    if engine == "valkey":
        async with valkey_server.leaderboard(valkey_url) as leaderboard:
            yield leaderboard
            await valkey_server.check(leaderboard)
        return
    with new_leaderboard(engine) as leaderboard:
        yield leaderboard
        await leaderboard.close()


@pytest.mark.parametrize("engine", ["memory", pytest.param("native", marks=needs_native), "valkey"])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(ids=IDS)
@example(ids=["7", "007", "7.0", "7e0", "+7"])
@example(ids=["a" * 128, "日" * 85, "\u00e9" * 127, "😀" * 63])
@example(ids=["Zo\u00eb", "Zoe\u0308", "zo\u00eb", "ZO\u00cb"])
async def test_an_id_is_found_as_it_was_given(engine: str, valkey_url: str, ids: list[str]) -> None:
    async with board(engine, valkey_url) as leaderboard:
        await leaderboard.reset(Followed(identity="feed", epoch=1, rules="r"))
        changes: list[tuple[int, Change]] = []
        for n, id_ in enumerate(ids):
            changes += [(2 * n + 1, Joined(n, id_, n)), (2 * n + 2, Scored(n, ALL_TIME, len(ids) - n))]
        await leaderboard.apply(0, changes, Mark(2 * len(ids), b"h" * 32))
        await leaderboard.confirm(1)
        for n, id_ in enumerate(ids):
            view = await leaderboard.read(ALL_TIME, id_, top=0, around=0)
            assert view.me is not None, id_
            assert (view.me.points, view.me.rank) == (len(ids) - n, n + 1), id_
        for id_ in ids:
            for other in (id_ + "x", id_[:-1], id_.swapcase(), id_.strip("0"), f" {id_}"):
                if other not in ids and other:
                    assert (await leaderboard.read(ALL_TIME, other, top=0, around=0)).me is None, (id_, other)
        rows = [row async for chunk in leaderboard.standings(ALL_TIME) for row in chunk]
        assert [row[0] for row in rows] == ids


def test_the_longest_ids_are_as_long_as_they_may_be() -> None:
    assert is_id("日" * (MAX_ID_BYTES // 3))
    assert not is_id("日" * (MAX_ID_BYTES // 3) + "a")
