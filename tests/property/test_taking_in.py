"""An import's way in leads to what accepting and awarding lead to, whatever comes in whatever order: the same answers,
entries, hashes, totals, and the same waiting and in quarantine.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.ledgers import open_ledger

from laurels.awarding import Awarder, Programs
from laurels.clock import DAY
from laurels.engines.sqlite.connection import Database
from laurels.ledger import Ledger, NameNumbers, Receipt
from laurels.model import Amendment, Cancellation, Document, MemberEvent, Order, Refund
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.verifying import findings_of

NOW = 1_790_000_000_000_000
CHUNK = 7
MANY = 20
"""Documents that are looked up together."""
NAMES = NameNumbers(bytes(32))
"""Two ledgers give a member the same name number under one key alone; without one each has its own."""

TABLES = {
    "entry": "place, kind, member, points, currency, amount, source, order_id, refund_id, program_version, "
    "occurred_at, board_at, recorded_at, format, details",
    "accepted": "sequence, kind, source, id, member, status, place, accepted_at",
    "inbox": "sequence, state, kind, source, id, order_id, reason, content, raw, shard, order_source, stranger IS NULL",
    "member": "number, member_id, shard, place, merged_into",
    "contact": "*",
    "balance": "*",
    "award": "*",
    "content": "*",
    "closed_month": "*",
    "milestone": "*",
    "shard": "shard, position, recorded_at",
    "ledger": "next_member, next_name",
}

members = st.sampled_from(["ann", "bob", "cid"])
numbers = st.integers(0, 5)
amounts = st.sampled_from([0, 499, 2500, 9999, 200_000])
sources = st.sampled_from(["shop", "till", "checkout"])
instants = st.integers(0, 70).map(lambda days: NOW - days * DAY)
currencies = st.sampled_from(["GBP", "GBP", "GBP", "EUR", "USD"])
orders = st.builds(
    lambda source, number, member, currency, total, at, email: Order(
        source=source,
        order_id=f"o{number}",
        member_id=member,
        currency=currency,
        total=total,
        occurred_at=at,
        email=email,
    ),
    sources,
    numbers,
    members,
    currencies,
    amounts,
    instants,
    st.sampled_from([None, "ann@example.com"]),
)
refunds = st.builds(
    lambda source, number, of, member, currency, amount, at: Refund(
        source=source,
        refund_id=f"r{number}",
        order_id=None if of is None else f"o{of}",
        member_id=member,
        currency=currency,
        amount=amount,
        occurred_at=at,
    ),
    sources,
    numbers,
    st.none() | numbers,
    members,
    currencies,
    amounts.filter(bool),
    instants,
)
cancellations = st.builds(
    lambda source, number, of: Cancellation(
        source=source, refund_id=f"r{number}", order_source=source, order_id=f"o{of}"
    ),
    sources,
    numbers,
    numbers,
)
documents = st.lists(st.one_of(orders, orders, refunds, cancellations), max_size=30)


@settings(max_examples=40, deadline=None)
@given(documents, st.integers(0, 10))
def test_taking_in_is_accepting_and_awarding(given_documents: list[Order | Refund | Cancellation], before: int) -> None:
    """`before` documents lie in the inbox already, and all come once more at the end."""
    taken = [each.document() for each in given_documents]

    async def fast(ledger: Ledger, awarder: Awarder, some: list[Document]) -> list[Receipt]:
        return await awarder.take_in(some)

    async def slow(ledger: Ledger, awarder: Awarder, some: list[Document]) -> list[Receipt]:
        receipts = await ledger.accept(some)
        await awarder.drain()
        return receipts

    assert asyncio.run(_after(taken, before, fast)) == asyncio.run(_after(taken, before, slow))


def test_what_went_to_quarantine_is_told_whichever_part_it_was_in() -> None:
    """An import's way in judges in parts: a refund ends one."""
    told: list[str] = []

    async def take(ledger: Ledger, awarder: Awarder, some: list[Document]) -> list[Receipt]:
        awarder.on_quarantined = lambda quarantined: told.extend(each.item.id for each in quarantined)
        return await awarder.take_in(some)

    refused = replace(OTHER, currency="USD")
    asyncio.run(_after([each.document() for each in (ORDER, refused, REFUND)], 0, take))
    assert told == [refused.order_id]


further = st.builds(
    lambda order, number: replace(order, source="shop", order_id=f"p{number}"), orders, st.integers(0, 200)
)
amendments = st.builds(lambda order, revision: Amendment(revision=revision, order=order), orders, st.integers(1, 2))
unnamed = st.builds(
    lambda source, number, of: Refund(
        source=source, refund_id=f"r{number}", order_id=f"o{of}", currency="GBP", amount=499
    ),
    sources,
    numbers,
    numbers,
)


ORDER = Order(source="shop", order_id="o0", member_id="ann", currency="GBP", total=2500)
OTHER = Order(source="shop", order_id="o1", member_id="ann", currency="GBP", total=2500)
REFUND = Refund(source="shop", refund_id="r0", order_id="o0", member_id="ann", currency="GBP", amount=499)


@example([REFUND, OTHER, ORDER], 0, set())  # a stranger's, who is enrolled by the next
@example(
    [ORDER, Amendment(revision=1, order=OTHER), Amendment(revision=1, order=ORDER)], 0, set()
)  # of what waits beside it
@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.one_of(orders, further, orders, further, refunds, unnamed, cancellations, amendments), max_size=45),
    st.integers(0, 10),
    st.sets(st.sampled_from(["erase", "merge"])),
)
def test_accepting_many_at_once_is_accepting_one_by_one(
    given_documents: list[Order | Refund | Cancellation | Amendment], before: int, changes: set[str]
) -> None:
    """What is handed in together is looked up and written together, and none of it can tell; also where members were
    erased or merged before.
    """
    sent = [each.document() for each in given_documents]

    async def together(ledger: Ledger, awarder: Awarder, some: list[Document]) -> list[Receipt]:
        await awarder.drain()
        return await ledger.accept(some)

    async def one_by_one(ledger: Ledger, awarder: Awarder, some: list[Document]) -> list[Receipt]:
        await awarder.drain()
        return [receipt for each in some for receipt in await ledger.accept([each])]

    for to_end in (True, False):
        at_once = asyncio.run(_after(sent, before, together, to_end=to_end, changes=changes, chunk=MANY))
        assert at_once == asyncio.run(_after(sent, before, one_by_one, to_end=to_end, changes=changes, chunk=MANY))


crowds = st.lists(
    st.one_of(
        st.builds(
            lambda number, member, total, at: Order(
                source="shop",
                order_id=f"o{number}",
                member_id=f"m{member}",
                currency="GBP",
                total=total,
                occurred_at=at,
            ),
            st.integers(0, 60),
            st.integers(0, 20),
            amounts,
            instants,
        ),
        refunds,
    ),
    min_size=20,
    max_size=60,
)


@settings(max_examples=25, deadline=None)
@given(crowds)
def test_awarding_many_at_once_is_awarding_one_by_one(sent: list[Order | Refund]) -> None:
    """Members' totals are looked up together, and rows of many documents are written together."""
    documents = [each.document() for each in sent]

    async def take(ledger: Ledger, awarder: Awarder, some: list[Document]) -> list[Receipt]:
        return await ledger.accept(some)

    one_by_one = asyncio.run(_after(documents, len(documents), take, limit=1))
    assert asyncio.run(_after(documents, len(documents), take, limit=200)) == one_by_one


async def _change(ledger: Ledger, awarder: Awarder, changes: Collection[str]) -> None:
    """Erase and merge members who are there."""
    if not changes:
        return
    await awarder.drain()
    there = [id for id in ("ann", "bob", "cid") if await ledger.member(id) is not None]
    if "merge" in changes and len(there) > 1:
        await awarder.merge(there[-1], there[-2], actor="test")
    if "erase" in changes and there:
        await ledger.change_member(there[0], MemberEvent.ERASE, actor="test")


async def _after(
    documents: list[Document],
    before: int,
    take: Callable[[Ledger, Awarder, list[Document]], Awaitable[list[Receipt]]],
    *,
    to_end: bool = True,
    changes: Collection[str] = (),
    limit: int = 200,
    chunk: int = CHUNK,
) -> tuple[list[list[tuple[bool, bool]]], dict[str, list[tuple[Any, ...]]]]:
    """What was answered, and what the ledger holds then; without `to_end`, while the last ones wait to be awarded, else
    so many of them awarded in a transaction.
    """
    program = parse_program(DEFAULT_PROGRAM)
    with TemporaryDirectory() as directory:
        path = Path(directory, "laurels.db")
        ledger = await open_ledger(path, lambda: NOW, names=NAMES)
        try:
            await ledger.publish(program.version, program.text, None, actor="test")
            awarder = Awarder(ledger, Programs.of(program), lambda: NOW)
            answers = [await ledger.accept(documents[:before])]
            await _change(ledger, awarder, changes)
            chunks = [documents[first : first + chunk] for first in range(before, len(documents), chunk)]
            answers += [await take(ledger, awarder, chunk) for chunk in chunks]
            if to_end:
                await awarder.drain(limit)
                answers.append(await take(ledger, awarder, documents))
            findings = await findings_of(ledger)
            assert findings == []
        finally:
            await ledger.close()
        db = Database(path, read_only=True)
        held = {
            table: db.connection.execute(f"SELECT {columns} FROM {table}").fetchall()  # noqa: S608 - our own names
            for table, columns in TABLES.items()
        }
        db.close()
    return [[(each.repeated, each.conflict) for each in some] for some in answers], held
