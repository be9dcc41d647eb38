"""A board built from a checkpoint is the board that the whole feed makes, on every engine, over random histories."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

import pytest
from tests import valkey_server
from tests.engines import needs_native, new_leaderboard
from tests.ledgers import open_ledger

from laurels.clock import DAY
from laurels.errors import LaurelsError
from laurels.leaderboard import ALL_TIME, Leaderboard, Projector
from laurels.model import Adjustment, Amendment, Mark, MemberEvent, Restoration
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order, redemption, refund

pytestmark = pytest.mark.anyio

ENGINES = ["memory", pytest.param("native", marks=needs_native), "valkey"]
PEOPLE = [f"m{n}" for n in range(24)]
STEPS = 160
HISTORIES = 2
PROGRAM = parse_program(DEFAULT_PROGRAM)


class History:
    """A shop to which things happen by chance, over three months."""

    def __init__(self, shop: Shop, rng: Random) -> None:
        self._shop = shop
        self._dice = rng
        self._orders: list[tuple[str, str]] = []
        self._number = 0

    async def play(self) -> None:
        """All of it. What is refused leaves nothing."""
        doing: list[Callable[[str, str], Awaitable[object]]] = [
            *([self._buy] * 6),
            self._give_back,
            self._change,
            self._correct,
            self._spend,
            self._turn,
            self._merge,
            self._begin_epoch,
        ]
        for _ in range(STEPS):
            self._number += 1
            self._shop.now.at += self._dice.randrange(DAY)
            with suppress(LaurelsError):
                await self._dice.choice(doing)(self._dice.choice(PEOPLE), f"{self._number}")
            if self._dice.random() < 0.3:
                await self._shop.award(self._dice.randint(1, 9))
        await self._shop.award()

    async def _buy(self, member: str, number: str) -> None:
        when = self._shop.now.at - self._dice.choice((0, 0, DAY, 20 * DAY, 50 * DAY))
        self._orders.append((f"A{number}", member))
        await self._shop.accept(order(f"A{number}", member, f"{self._dice.randrange(900)}.00", occurred_at=when))

    async def _give_back(self, _: str, number: str) -> None:
        if self._orders:
            order_id, member = self._dice.choice(self._orders)
            await self._shop.accept(refund(f"R{number}", member, f"{self._dice.randrange(1, 400)}.00", order_id))

    async def _change(self, _: str, number: str) -> None:
        if self._orders:
            order_id, member = self._dice.choice(self._orders)
            changed = order(order_id, member, f"{self._dice.randrange(900)}.00")
            await self._shop.accept(Amendment(revision=int(number), order=changed).document())

    async def _correct(self, member: str, number: str) -> None:
        points, on_board = self._dice.randint(-60, 60) or 1, self._dice.random() < 0.5
        adjustment = Adjustment(id=f"J{number}", member_id=member, points=points, actor="clerk", board=on_board)
        await self._shop.awarder.settle(adjustment.document())

    async def _spend(self, member: str, number: str) -> None:
        await self._shop.awarder.settle(redemption(f"S{number}", member, self._dice.randint(1, 20)))
        if self._dice.random() < 0.5:
            back = Restoration(source="shop", cancel_id=f"C{number}", redemption_id=f"S{number}", member_id=member)
            await self._shop.awarder.settle(back.document())

    async def _turn(self, member: str, _: str) -> None:
        await self._shop.ledger.change_member(member, self._dice.choice(list(MemberEvent)), actor="clerk")

    async def _merge(self, member: str, _: str) -> None:
        await self._shop.awarder.merge(member, self._dice.choice(PEOPLE), actor="clerk")

    async def _begin_epoch(self, *_: str) -> None:
        await self._shop.ledger.begin_epoch()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shards", [1, 16])
async def test_a_rebuild_by_checkpoint_is_a_replay(
    tmp_path: Path, request: pytest.FixtureRequest, rng: Random, engine: str, shards: int
) -> None:
    url = request.getfixturevalue("valkey_url") if engine == "valkey" else ""
    for history in range(HISTORIES):
        now = TurnedClock()
        ledger = await open_ledger(tmp_path / f"{history}.db", now, shards)
        shop = Shop(ledger, now)
        await shop.adopt(DEFAULT_PROGRAM)
        await History(shop, rng).play()
        assert await shop.findings() == []
        async with _opened(engine, url) as built, _opened(engine, url) as replayed:
            boards = shop.programs.boards
            heads = await Projector(ledger, built, boards, PROGRAM.time_zone, now).rebuild()
            assert await Projector(ledger, replayed, boards, PROGRAM.time_zone, now).replay() == heads
            one, other = await _all_of(built), await _all_of(replayed)
            assert one == other
            assert one[ALL_TIME], "somebody is on the board"
            assert await _marks(built) == await _marks(replayed) == {s: m for s, m in heads.marks.items() if m.position}
        await ledger.close()


async def _all_of(leaderboard: Leaderboard) -> dict[str, object]:
    """Every board with every place, and what each member is shown of it."""
    boards = [ALL_TIME, *(f"month:2026-{month:02d}" for month in range(8, 13)), "month:2027-01", "month:2027-02"]
    shown: dict[str, object] = {}
    for board in boards:
        shown[board] = [row async for chunk in leaderboard.standings(board) for row in chunk]
        for member in PEOPLE:
            view = await leaderboard.read(board, member, top=3, around=2)
            shown[f"{board} {member}"] = (view.ranked, view.me, view.top, view.around)
    return shown


async def _marks(leaderboard: Leaderboard) -> dict[int, Mark]:
    """Without shards that have no entry: whether a board names them depends on how it was built."""
    return {shard: mark for shard, mark in (await leaderboard.followed()).marks.items() if mark.position}


@asynccontextmanager
async def _opened(engine: str, url: str) -> AsyncIterator[Leaderboard]:
    if engine == "valkey":
        async with valkey_server.leaderboard(url) as leaderboard:
            yield leaderboard
    else:
        with new_leaderboard(engine) as embedded:
            yield embedded
            await embedded.close()
