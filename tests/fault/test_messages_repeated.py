"""Messages come again: three times, in any order, after a restart, after a year. And what was refused stays out."""

from pathlib import Path
from random import Random

import pytest
from tests.fault.following import Board
from tests.ledgers import open_ledger

from laurels.clock import DAY
from laurels.errors import InsufficientPoints, PointsOutOfRange
from laurels.model import Document, DocumentKind
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import Shop, TurnedClock, adjustment, order, redemption, refund

pytestmark = pytest.mark.anyio

MEMBERS, ORDERS = 7, 60
GIFT = 1_000
"""Points that each member begins with, so that every redemption is covered whenever it comes."""

THIRTEEN_MONTHS = 396 * DAY


def _documents() -> list[Document]:
    """Orders, and for each a refund, one without order, a redemption and a correction."""
    documents: list[Document] = []
    for n in range(ORDERS):
        member = f"m{n % MEMBERS}"
        documents += [
            order(f"A{n}", member, f"{n}.00").document(),
            refund(f"R{n}", member, f"{n // 2}.00", f"A{n}").document(),
            refund(f"U{n}", member, "10.00").document(),
            redemption(f"S{n}", member, n + 1),
            adjustment(f"J{n}", member, n - 30 or 1),
        ]
    return documents


async def _hand_in(shop: Shop, document: Document) -> bool:
    """Whether it was taken as new."""
    if document.kind in {DocumentKind.ADJUSTMENT, DocumentKind.REDEMPTION}:
        receipt = await shop.awarder.settle(document)
    else:
        [receipt] = await shop.accept(document)
    assert not receipt.conflict
    return not receipt.repeated


async def test_never_twice_every_message_three_times_and_again_after_13_months(tmp_path: Path, rng: Random) -> None:
    now = TurnedClock()
    documents = _documents()
    thrice = documents * 3
    rng.shuffle(thrice)
    new = 0
    shop = await _open(tmp_path, now)
    for n in range(MEMBERS):
        await shop.awarder.settle(adjustment(f"G{n}", f"m{n}", GIFT))
    for document in thrice:
        new += await _hand_in(shop, document)
        if rng.random() < 0.1:
            await shop.award(rng.randint(1, 20))
        if rng.random() < 0.01:
            await shop.ledger.close()
            shop = await _open(tmp_path, now)
    await shop.award()
    assert new == len(documents)
    await _check(shop)
    feed = await shop.feed()
    now.at += THIRTEEN_MONTHS
    rng.shuffle(documents)
    assert not any([await _hand_in(shop, document) for document in documents])
    assert await shop.award() == 0
    assert await shop.feed() == feed
    await _check(shop)
    await shop.ledger.close()


async def _check(shop: Shop) -> None:
    for n in range(MEMBERS):
        mine = range(n, ORDERS, MEMBERS)
        earned = sum(_points(k) - (_points(k) - _points(k - k // 2)) - 1 for k in mine)
        settled = sum((k - 30 or 1) - (k + 1) for k in mine)
        balance = await shop.balance(f"m{n}")
        assert (balance.earned, balance.balance) == (earned, GIFT + earned + settled)
    board = Board(shop.ledger, shop.now)
    await board.catch_up()
    await board.check()
    assert await shop.findings() == []


def _points(pounds: int) -> int:
    return (pounds + 5) // 10


async def _open(folder: Path, now: TurnedClock) -> Shop:
    shop = Shop(await open_ledger(folder / "laurels.db", now), now)
    await shop.adopt(DEFAULT_PROGRAM)
    return shop


async def test_never_applies_what_it_refused(shop: Shop, tmp_path: Path, rng: Random) -> None:
    """Not an entry, not a member, not a byte in the files: what was refused bears a mark that is looked for."""
    await shop.sell(*(order(f"A{n}", f"m{n}", "50.00") for n in range(20)))
    for n in range(20):
        await shop.awarder.settle(redemption(f"S{n}", f"m{n}", 1))
    feed = await shop.feed()
    refused = 0
    for n in range(200):
        taken = rng.randrange(20)
        match rng.randrange(4):
            case 0:  # a used id with other content
                other = order(f"A{taken}", f"refused-{n}", "70.00", email=f"refused-{n}@example.com")
                [receipt] = await shop.ledger.accept([other.document(raw=b"refused bytes")])
                refused += receipt.conflict
            case 1:
                receipt = await shop.awarder.settle(redemption(f"S{taken}", f"refused-{n}", 1))
                refused += receipt.conflict
            case 2:  # more than there is
                with pytest.raises(InsufficientPoints):
                    await shop.awarder.settle(redemption(f"refused-{n}", f"m{taken}", 5))
                refused += 1
            case 3:  # more than a member may have
                with pytest.raises(PointsOutOfRange):
                    await shop.awarder.settle(adjustment(f"refused-{n}", f"m{taken}", 2**31, "refused"))
                refused += 1
        if rng.random() < 0.2:
            await shop.award()
    assert refused == 200
    await shop.award()
    assert await shop.feed() == feed
    assert not _files_with(tmp_path, b"refused")


def _files_with(folder: Path, mark: bytes) -> list[Path]:
    return [path for path in folder.glob("laurels.db*") if mark in path.read_bytes()]
