"""NEVER shows a point the ledger lacks: an older ledger file is put back under a running board."""

import shutil
from pathlib import Path
from random import Random
from typing import cast

import pytest
from tests.fault.following import Board
from tests.ledgers import open_ledger

from laurels.leaderboard import projector
from laurels.ledger import Ledger
from laurels.model import MemberEvent
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order

pytestmark = pytest.mark.anyio


async def _open(path: Path, now: TurnedClock) -> Shop:
    shop = Shop(await open_ledger(path, now), now)
    await shop.adopt(DEFAULT_PROGRAM)
    return shop


@pytest.mark.parametrize("since", ["nothing", "less", "as much", "more"])
async def test_never_shows_a_point_that_a_restored_ledger_lacks(tmp_path: Path, rng: Random, since: str) -> None:
    """Whatever the old ledger took after it came back: nothing, or as many entries as the board had seen, or more."""
    now = TurnedClock()
    shop = await _open(tmp_path / "laurels.db", now)
    await shop.sell(*(order(f"A{n}", f"m{rng.randrange(5)}", f"{rng.randrange(500)}.00") for n in range(20)))
    board = Board(shop.ledger, now)
    await board.catch_up()
    await shop.ledger.close()
    backup = Path(shutil.copy(tmp_path / "laurels.db", tmp_path / "backup.db"))

    shop = await _open(tmp_path / "laurels.db", now)
    board.follow(shop.ledger)
    lost = [order(f"L{n}", f"m{n % 5}", "700.00") for n in range(10)]
    await shop.sell(*lost)
    await board.catch_up()
    await board.check()
    seen = await board.standings()
    await shop.ledger.close()

    restored = await _open(backup, now)
    board.follow(restored.ledger)
    now.at += 1_000_000
    again = {"nothing": 0, "less": 4, "as much": 10, "more": 17}[since]
    await restored.sell(*(order(f"N{n}", f"m{n % 5}", "20.00") for n in range(again)))
    await board.catch_up()
    await board.check()
    assert await board.standings() != seen
    assert sum(points for _, points, _, _ in await board.standings()) == sum(
        [entry.points for entry in await restored.feed()]
    )
    await restored.sell(*lost)
    await board.catch_up()
    await board.check()
    assert await restored.findings() == []
    await restored.ledger.close()


async def test_a_rebuild_under_way_begins_again_where_an_older_ledger_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed says of a member what is known today: in the newer ledger one is erased further on, in the older not."""
    monkeypatch.setattr(projector, "CHUNK", 3)
    monkeypatch.setattr(projector, "BUILDING_CHUNK", 3)
    now = TurnedClock()
    shop = await _open(tmp_path / "laurels.db", now)
    await shop.sell(*(order(f"A{n}", f"m{n}", "50.00") for n in range(5)))
    await shop.ledger.close()
    backup = Path(shutil.copy(tmp_path / "laurels.db", tmp_path / "backup.db"))

    shop = await _open(tmp_path / "laurels.db", now)
    await shop.ledger.change_member("m1", MemberEvent.ERASE, actor="clerk")
    board = Board(shop.ledger, now)
    await board.begin()
    await shop.ledger.close()

    restored = await _open(backup, now)
    board.follow(restored.ledger)
    await board.catch_up()
    await board.check()
    assert "m1" in {member_id for member_id, *_ in await board.standings()}
    await restored.ledger.close()


class Switched:
    """A ledger that can be exchanged for another under whoever uses it, as a server's is that fails over."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def __getattr__(self, name: str) -> object:
        return getattr(self.ledger, name)


@pytest.mark.parametrize("by", ["the same projector", "its successor"])
async def test_a_replay_under_way_begins_again_where_an_older_ledger_takes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """What it took so far was read with a later erasure in mind, which the older ledger never had."""
    monkeypatch.setattr(projector, "CHUNK", 3)
    monkeypatch.setattr(projector, "BUILDING_CHUNK", 3)
    now = TurnedClock()
    shop = await _open(tmp_path / "laurels.db", now)
    await shop.sell(*(order(f"A{n}", f"m{n}", "50.00") for n in range(5)))
    await shop.ledger.close()
    backup = Path(shutil.copy(tmp_path / "laurels.db", tmp_path / "backup.db"))
    shop = await _open(tmp_path / "laurels.db", now)
    await shop.ledger.change_member("m1", MemberEvent.ERASE, actor="clerk")
    ledger = Switched(shop.ledger)
    board = Board(cast(Ledger, ledger), now)
    await board.begin(replaying=True)
    position = (await board.leaderboard.followed()).version.positions[0]
    assert 0 < position < 10, "it broke off in the middle"
    await shop.ledger.close()

    restored = await _open(backup, now)
    ledger.ledger = restored.ledger
    if by == "its successor":
        board.follow(restored.ledger)
    await board.catch_up()
    await board.check()
    assert "m1" in {member_id for member_id, *_ in await board.standings()}
    await restored.ledger.close()


async def test_never_shows_a_point_of_another_ledger(shop: Shop, now: TurnedClock, tmp_path: Path) -> None:
    """A fresh ledger in the old one's place has another identity."""
    await shop.sell(order("A1", "ann", "250.00"))
    board = Board(shop.ledger, now)
    await board.catch_up()
    assert len(await board.standings()) == 1
    fresh = await _open(tmp_path / "fresh.db", now)
    await fresh.sell(order("A1", "bob", "250.00"))
    board.follow(fresh.ledger)
    await board.catch_up()
    await board.check()
    assert await board.standings() == [("bob", 25, 1, 1)]
    await fresh.ledger.close()
