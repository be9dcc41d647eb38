"""Batches that the native core judged, hashed and put into rows beside batches that Python did: the same ledger to the
last byte, whatever the programs and the documents; and the same in quarantine.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledgers import open_ledger

from laurels.awarding import Awarder, Programs, published_programs
from laurels.clock import DAY
from laurels.engines.sqlite import awarding, plain_orders
from laurels.engines.sqlite.connection import Database
from laurels.errors import LaurelsError
from laurels.ledger import Ledger, NameNumbers
from laurels.model import Adjustment, Line, MemberEvent, Order, Refund
from laurels.model.entries import MAX_POINTS
from laurels.testing.verifying import findings_of

pytest.importorskip("laurels_core", reason="it is about the native core, which is built where there is a cargo")

NOW = 1_790_000_000_000_000
NAMES = NameNumbers(bytes(32))
MOST = 2**63 - 1

TABLES = {
    "entry": "place, kind, member, points, currency, amount, source, order_id, refund_id, reason, program_version, "
    "name_number, actor, occurred_at, board_at, recorded_at, hash, format, details",
    "accepted": "sequence, kind, source, member, status, place, accepted_at",
    "inbox": "sequence, state, kind, source, order_id, reason, changed_at, content, raw, shard, order_source",
    "member": "number, member_id, shard, place",
    "balance": "*",
    "award": "*",
    "content": "*",
    "closed_month": "*",
    "milestone": "*",
    "message": "member, milestone, points, state, created_at, due_at",
    "shard": "shard, position, hash, recorded_at",
}

program_texts = st.builds(
    "earn = {{ points = {}, per = {{ {} }}, rounding = '{}' }}\n{}".format,
    st.sampled_from([1, 3, 1000]),
    st.sampled_from(['GBP = "10.00"', 'GBP = "0.07", JPY = "100"', 'GBP = "3.00", EUR = "0.01"']),
    st.sampled_from(["half-up", "floor"]),
    st.sampled_from(
        [
            "",
            '[[milestones]]\nname = "first"\nabove = 0\n',
            '[[milestones]]\nname = "a"\nabove = 100\n[[milestones]]\nname = "b"\nabove = 3000\n',
        ]
    ),
)
starts = st.sampled_from([NOW - 400 * DAY, NOW - 40 * DAY, NOW - 1, NOW])
instants = st.none() | st.sampled_from([0, 1, 5, 9, 25, 31, 62, 400, 9000]).map(lambda days: NOW - days * DAY)
totals = st.sampled_from([*[0, 1, 499, 500, 2500, 9999, 200_000] * 5, 10**12, MOST])
words = st.sampled_from(["a", "o'k", 'quo"te', "back\\slash", "Zoë", "日本", "x" * 128, "/%3A", "\x7f"])
members = st.integers(0, 12).map(lambda number: f"m{number}")
orders = st.builds(
    lambda number, word, **said: Order(order_id=f"{word}-{number}", **said),
    st.integers(0, 25),
    words,
    source=st.sampled_from(["shop", "till"]),
    member_id=members,
    currency=st.sampled_from(["GBP"] * 20 + ["EUR", "JPY"]),
    total=totals,
    occurred_at=instants,
    quiet=st.booleans(),
    lines=st.sampled_from([(), (), (Line("SKU", 1_000_000, 10_000),)]),
)
refunds = st.builds(
    lambda number, of, word, **said: Refund(refund_id=f"r{number}", order_id=f"{word}-{of}", **said),
    st.integers(0, 9),
    st.integers(0, 25),
    words,
    source=st.sampled_from(["shop", "till"]),
    member_id=members,
    currency=st.just("GBP"),
    amount=st.integers(1, 9999),
)
adjustments = st.builds(
    Adjustment,
    id=st.integers(0, 99).map(str),
    points=st.sampled_from([-50, 20, 99, MAX_POINTS]),
    actor=st.just("desk"),
    member_id=members,
    expires_at=st.sampled_from([None, None, NOW + 30 * DAY]),
)
Sent = Order | Refund | Adjustment
Versions = list[tuple[int | None, str]]
crowds = st.lists(st.one_of(*[orders] * 12, refunds, adjustments), min_size=5, max_size=90)
plain_crowds = st.lists(
    orders.filter(lambda order: order.currency == "GBP" and order.total < 10**6), min_size=20, max_size=90
)


def _programs(texts: Sequence[str], later_from: Sequence[int]) -> Versions:
    """Versions of one time zone, each in force from a later instant."""
    begins = [None, *sorted(set(later_from))]
    return [(at, f"version = {n}\n{text}") for n, (at, text) in enumerate(zip(begins, texts, strict=False), 1)]


programs = st.builds(
    _programs, st.lists(program_texts, min_size=1, max_size=3), st.lists(starts, min_size=2, max_size=2)
)


@settings(max_examples=20, deadline=None)
@given(
    programs,
    st.one_of(plain_crowds, crowds),
    st.sampled_from([1, 3, 16]),
    st.sampled_from([5, 40, 200]),
    st.sets(st.sampled_from(["erase", "merge"])),
)
def test_the_core_writes_what_python_writes(
    versions: Versions, sent: list[Sent], fewest: int, limit: int, changes: set[str]
) -> None:
    _, by_core = asyncio.run(_awarded(versions, sent, limit, changes, fewest=fewest))
    of_python, by_python = asyncio.run(_awarded(versions, sent, limit, changes, fewest=None))
    assert not of_python
    assert by_core == by_python


def test_the_core_takes_plain_orders() -> None:
    """Also of members who have no points yet, and while something waits for another order."""
    waits = Refund(source="shop", refund_id="r", order_id="never", member_id="m1", currency="GBP", amount=1)
    sent = [
        Order(source="shop", order_id=f"o{n}", member_id=f"m{n % 9}", currency="GBP", total=n * 100) for n in range(60)
    ]
    versions: Versions = [(None, 'version = 1\nearn = { points = 1, per = { GBP = "10.00" } }\n')]
    runs, _ = asyncio.run(_awarded(versions, [waits, *sent], 200, set(), fewest=16))
    assert runs == [True, True]


async def _awarded(
    versions: Versions, sent: Sequence[Sent], limit: int, changes: set[str], *, fewest: int | None
) -> tuple[list[bool], tuple[dict[str, list[tuple[Any, ...]]], list[tuple[int, str]]]]:
    """Which runs of so many orders and more the core took, none where it is left out; what the ledger holds then; and
    what was told to be in quarantine.
    """
    taken: list[bool] = []
    told: list[tuple[int, str]] = []

    def award_run(*given: Any) -> list[int] | None:
        awarded = plain_orders.award_run(*given)
        taken.append(awarded is not None)
        return awarded

    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        if fewest is None:
            patch.setattr(Programs, "plain_orders", None)
        else:
            patch.setattr(plain_orders, "FEWEST_ORDERS", fewest)
            patch.setattr(awarding, "award_run", award_run)
        path = Path(directory, "laurels.db")
        now = NOW - 500 * DAY
        ledger = await open_ledger(path, lambda: now, names=NAMES)
        try:
            for number, (from_at, text) in enumerate(versions, 1):
                now = from_at or now
                await ledger.publish(number, text, from_at, actor="test")
            now = NOW
            awarder = Awarder(ledger, await published_programs(ledger), lambda: NOW)
            awarder.on_quarantined = lambda some: told.extend((each.item.sequence, each.reason) for each in some)
            half = len(sent) // 2
            for some in (sent[:half], sent[half:]):
                await ledger.accept([each.document() for each in some if not isinstance(each, Adjustment)])
                await awarder.settle_all([each.document() for each in some if isinstance(each, Adjustment)])
                await _change(ledger, awarder, changes)
                await awarder.drain(limit)
            assert fewest is None or await findings_of(ledger) == []
        finally:
            await ledger.close()
        db = Database(path, read_only=True)
        held = {
            table: db.connection.execute(f"SELECT {columns} FROM {table}").fetchall()  # noqa: S608 - our own names
            for table, columns in TABLES.items()
        }
        db.close()
    return taken, (held, told)


async def _change(ledger: Ledger, awarder: Awarder, changes: set[str]) -> None:
    """Erase and merge members while their orders lie in the inbox, where that can be done."""
    there = [id for id in ("m0", "m1", "m2") if await ledger.member(id) is not None]
    if "merge" in changes and len(there) > 1:
        with suppress(LaurelsError):
            await awarder.merge(there[-1], there[-2], actor="test")
    if "erase" in changes and there:
        await ledger.change_member(there[0], MemberEvent.ERASE, actor="test")
