"""Room for bodies: who waits comes in turn, who gives up keeps nobody out, and all of it is given back."""

import asyncio
from random import Random

import pytest

from laurels.errors import TooManyRequests
from laurels.http.admission.body_room import MEMBER_BYTES, MEMBERS_BYTES, SERVICES_BYTES, SMALL_BYTES, BodyRoom

pytestmark = pytest.mark.anyio


async def turn() -> None:
    """Let everybody who can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_services_wait_their_turn_and_small_bodies_do_not() -> None:
    room, came = BodyRoom(), []

    async def one(name: str, size: int) -> None:
        await room.take(None, size)
        came.append(name)

    half = SERVICES_BYTES // 2
    tasks = [
        asyncio.create_task(one(name, size)) for name, size in (("a", half), ("b", half), ("c", half), ("d", 70_000))
    ]
    await turn()
    assert came == ["a", "b"], "the small one does not overtake, or a large one would wait for ever"
    await asyncio.wait_for(room.take(None, SMALL_BYTES), 60)
    room.give_back(None, SMALL_BYTES)
    tasks[2].cancel()
    await turn()
    assert came == ["a", "b"], "there is no room for any yet"
    room.give_back(None, half)
    await turn()
    assert came == ["a", "b", "d"]


async def test_members_are_refused_each_and_all_together() -> None:
    room = BodyRoom()
    for member in range(MEMBERS_BYTES // MEMBER_BYTES):
        await room.take(f"m{member}", MEMBER_BYTES)
        with pytest.raises(TooManyRequests):
            await room.take(f"m{member}", 1)
    with pytest.raises(TooManyRequests):
        await room.take("another", 1)
    await asyncio.wait_for(room.take(None, SERVICES_BYTES), 60)
    room.give_back("m0", MEMBER_BYTES)
    await room.take("another", 1)


async def test_whatever_happens_all_room_comes_back(rng: Random) -> None:
    room = BodyRoom()

    async def one() -> None:
        member = rng.choice([None, "a", "b"])
        size = rng.randrange(SERVICES_BYTES if member is None else MEMBER_BYTES)
        try:
            await room.take(member, size)
        except TooManyRequests:
            return
        try:
            await asyncio.sleep(0)
        finally:
            room.give_back(member, size)

    tasks = [asyncio.create_task(one()) for _ in range(300)]
    for task in tasks:
        if rng.random() < 0.3:
            task.cancel()
        if rng.random() < 0.3:
            await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)
    await asyncio.wait_for(room.take(None, SERVICES_BYTES), 60)
    for member in ("a", "b", "c", "d"):
        await room.take(member, MEMBER_BYTES)
