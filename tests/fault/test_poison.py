"""One message in a hundred is bad. NEVER stops, or silently drops, for one bad message."""

from random import Random

import pytest
from tests.fault.following import Board

from laurels.awarding.awarder import BATCH
from laurels.ledger import QuarantinedDocument
from laurels.model import Document, DocumentKind, Status
from laurels.testing.ledger_contract.base import Shop, key_of, order, refund, unreadable

pytestmark = pytest.mark.anyio

DOCUMENTS = 4000
EVERY = 100
"""Of so many documents one is poison."""

BEYOND = "214748364800.00"
"""More points than a member may have."""


def _poison(n: int, member: str, rng: Random) -> Document:
    """A document that cannot be awarded, with bytes of its own that must come out as they went in."""
    raw = rng.randbytes(rng.choice((0, 1, 100, 70_000)))
    id = f"P{n}"
    kinds = (
        unreadable(id, member, b"", raw),
        unreadable(id, member, rng.randbytes(200), raw),
        unreadable(id, member, b"[" * 100_000, raw),
        unreadable(id, member, b'{"total": "\xff\xfe"}', raw),
        unreadable(id, member, b'{"source": 1e999}', raw),
        order(id, member, "100", currency="JPY").document(raw),
        refund(id, "another", "1.00", f"A{n - 1}").document(raw),
        order(id, member, BEYOND).document(raw),
    )
    return kinds[n // EVERY % len(kinds)]


async def _quarantined(shop: Shop) -> list[QuarantinedDocument]:
    """All of them, with their bytes."""
    listed = await shop.ledger.quarantine(limit=DOCUMENTS)
    return [await shop.ledger.quarantined(each.kind, each.source, each.id) for each in listed]


async def test_never_stops_and_never_drops_for_one_bad_message_in_a_hundred(shop: Shop, rng: Random) -> None:
    """Poison in is quarantined out, byte for byte; the rest needs not one transaction more than without it."""
    poison: list[Document] = []
    documents: list[Document] = []
    for n in range(DOCUMENTS):
        member = f"m{n % 37}"
        if n % EVERY == EVERY - 1:
            poison.append(_poison(n, member, rng))
            documents.append(poison[-1])
        else:
            documents.append(order(f"A{n}", member, "10.00").document())
    for start in range(0, DOCUMENTS, 500):
        await shop.accept(*documents[start : start + 500])
    transactions = 0
    while await shop.awarder.step():
        transactions += 1
    assert transactions == DOCUMENTS / BATCH, "the bad ones hold up the good ones"
    out = {(each.kind, each.id): each.raw for each in await _quarantined(shop)}
    assert out == {(each.kind, each.id): each.raw for each in poison}
    assert all(each.reason for each in await shop.ledger.quarantine(limit=DOCUMENTS))
    feed = await shop.feed()
    earned = [entry.order_id for entry in feed if entry.kind == "earn"]
    assert earned == [each.id for each in documents if each not in poison]
    board = Board(shop.ledger, shop.now)
    await board.catch_up()
    await board.check()
    assert sum(points for _, points, _, _ in await board.standings()) == DOCUMENTS - len(poison)


async def test_never_drops_what_is_tried_again_and_is_still_bad(shop: Shop, rng: Random) -> None:
    poison = [_poison(n, "ann", rng) for n in range(EVERY - 1, 8 * EVERY, EVERY)]
    await shop.accept(*poison)
    for _ in range(3):
        await shop.award()
        listed = await _quarantined(shop)
        # A refund of an order that is not there waits: it is not bad yet.
        waiting = [each for each in poison if (await shop.state(each)).status is Status.WAITING]
        assert [each.kind for each in waiting] == [DocumentKind.REFUND]
        assert [(each.id, each.raw) for each in listed] == [
            (each.id, each.raw) for each in poison if each not in waiting
        ]
        for each in listed:
            await shop.ledger.retry(*key_of(each))
    await shop.award()  # else it lies there as if it could be read, and `verify` names it
