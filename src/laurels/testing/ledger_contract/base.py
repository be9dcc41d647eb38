"""What every part of the contract stands on: a ledger with a clock that can be turned, and short words to drive it."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random, SystemRandom
from typing import Any

import msgspec
import pytest

from laurels.awarding import Awarder, publish, published_programs, published_recount, verify_again, verify_in_depth
from laurels.clock import SECOND, Clock
from laurels.ledger import DocumentKey, DocumentState, Finding, Ledger, QuarantinedDocument, Receipt
from laurels.model import (
    Adjustment,
    Balance,
    BoardEntry,
    Document,
    DocumentKind,
    Entry,
    EntryKind,
    Mark,
    Order,
    Redemption,
    Refund,
)
from laurels.model.money import parse_amount
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.left_open import what_is_open

SOON_S = 60
"""What should happen at once fails the test after this long; a busy machine needs some of it."""

HANDOVER_LOOK_S = 0.01
"""How often it is looked whether a shard is free; for ledgers whose server has the clock."""

OpenLedger = Callable[[Clock], Awaitable[Ledger]]
"""Opens the test's ledger, fresh at first; called again, the same one once more, as a second process would."""

MEMBER_EVENTS = frozenset(
    {EntryKind.ENROL, EntryKind.HIDE, EntryKind.SHOW, EntryKind.RENAME, EntryKind.ERASE, EntryKind.CONTACT}
)


def board_entry_of(entry: Entry) -> BoardEntry:
    """What `Ledger.board_entries` gives for an entry."""
    member_id = entry.member_id if entry.kind is EntryKind.ENROL else None
    return (
        entry.position,
        entry.kind,
        entry.member,
        entry.points,
        entry.name_number,
        entry.board_at,
        entry.recorded_at,
        member_id,
        entry.details if entry.kind in {EntryKind.ADJUST, EntryKind.MERGE} else None,
    )


class TurnedClock:
    """A clock that stands until it is turned."""

    def __init__(self, at: int = 1_793_530_800_000_000) -> None:
        """It stands at 2026-11-01T11:00:00Z where nothing else is said."""
        self.at = at

    def __call__(self) -> int:
        """Give the instant at which it stands."""
        return self.at


class Shop:
    """A ledger with the default program in force, and the steps that tests are told in."""

    def __init__(self, ledger: Ledger, now: TurnedClock) -> None:
        self.ledger = ledger
        self.now = now

    async def adopt(self, text: str) -> None:
        """Publish a program; it is in force from the next instant on."""
        self.now.at += 1
        program = parse_program(text)
        await self.ledger.publish(program.version, text, None, actor="test")
        self.programs = await publish(self.ledger, program)
        self.awarder = Awarder(self.ledger, self.programs, self.now)

    async def accept(self, *documents: Order | Refund | Document) -> list[Receipt]:
        """Hand in documents in one call."""
        return await self.ledger.accept([_document(each) for each in documents])

    async def award(self, limit: int = 500) -> int:
        """Award until the inbox of every shard is empty; gives how many documents were taken. Shards of a process that
        does not go on become free while the clock is turned.
        """
        taken = 0
        while True:
            while step := await self.awarder.step(limit):
                taken += step
            if not await self.ledger.inbox_depth():
                return taken
            self.now.at += SECOND
            await asyncio.sleep(HANDOVER_LOOK_S)

    async def sell(self, *documents: Order | Refund | Document) -> None:
        """Accept and award, one after another: each is awarded before the next comes."""
        for document in documents:
            await self.accept(document)
            await self.award()

    async def balance(self, member_id: str) -> Balance:
        """Give the totals of a member who is known."""
        found = await self.ledger.balance(member_id)
        assert found is not None, f"{member_id} is not known"
        return found[0]

    async def state(self, document: Order | Refund | Document) -> DocumentState:
        """Give the state of a document that was taken."""
        taken = _document(document)
        state = await self.ledger.document(taken.kind, taken.source, taken.id)
        assert state is not None, f"{taken.kind} {taken.id} is not known"
        return state

    async def number(self, member_id: str) -> int:
        """Give the number of a member who is known."""
        member = await self.ledger.member(member_id)
        assert member is not None, f"{member_id} is not known"
        return member.number

    async def feed(self, chunk: int = 1000) -> list[Entry]:
        """Read all entries, shard by shard, each from its first on."""
        entries = []
        for shard in (await self.ledger.heads()).marks:
            mark = Mark()
            while read := await self.ledger.feed(shard, mark, chunk):
                entries += read
                mark = Mark(read[-1].position, read[-1].hash)
        return entries

    async def points_entries(self) -> list[tuple[EntryKind, str | None, int]]:
        """Give kind, member and points of each entry that is not a member event, shard by shard."""
        return [(e.kind, e.member_id, e.points) for e in await self.feed() if e.kind not in MEMBER_EVENTS]

    async def explained(self, entry: Entry) -> str:
        """Give an entry's reason in words."""
        [worded] = await self.programs.worded([entry], self.ledger)
        return worded.reason

    async def findings(self) -> list[Finding]:
        """What is wrong with the ledger; a verification that did not look at every entry fails at once."""
        findings: list[Finding] = []
        checked = total = 0
        async for step in self.ledger.verify(await published_recount(self.ledger)):
            assert step.checked >= checked, "a verification does not go back"
            findings += step.findings
            checked, total = step.checked, step.total
        assert checked == total
        if await self.ledger.programs():
            programs = await published_programs(self.ledger)
            findings += [finding async for finding in verify_in_depth(self.ledger, programs)]
            findings += [finding async for finding in verify_again(self.ledger, programs, self.now())]
        return findings


class LedgerSuite:
    """Opens the ledger, and ends each test by verifying it and by looking for what was left open."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def open_ledger(self) -> OpenLedger:
        """Give what opens this test's ledger. To be overridden."""
        raise NotImplementedError

    @pytest.fixture
    def rng(self) -> Random:
        """Give the test's randomness; its seed is shown where the test fails."""
        seed = int(os.environ.get("LAURELS_TEST_SEED") or SystemRandom().getrandbits(32))
        print(f"LAURELS_TEST_SEED={seed} repeats this")  # noqa: T201
        return Random(seed)  # noqa: S311

    @pytest.fixture
    def now(self) -> TurnedClock:
        """Give the ledger's clock."""
        return TurnedClock()

    @pytest.fixture
    async def shop(self, open_ledger: OpenLedger, now: TurnedClock) -> AsyncIterator[Shop]:
        """Give the ledger under test, with the default program in force."""
        before = what_is_open()
        ledger = await open_ledger(now)
        shop = Shop(ledger, now)
        await shop.adopt(DEFAULT_PROGRAM)
        yield shop
        findings = await shop.findings()
        await ledger.close()
        assert findings == []
        assert sorted(what_is_open() - before) == []


@asynccontextmanager
async def opened_again(open_ledger: OpenLedger, shop: Shop) -> AsyncIterator[Shop]:
    """Open the shop's ledger once more, as a second process would, under the same program."""
    other = Shop(await open_ledger(shop.now), shop.now)
    try:
        other.programs = await publish(other.ledger, shop.programs.current)
        other.awarder = Awarder(other.ledger, other.programs, other.now)
        yield other
    finally:
        await other.ledger.close()


def order(order_id: str, member_id: str, total: str, **more: Any) -> Order:
    """An order of the source `shop` in GBP."""
    currency = more.pop("currency", "GBP")
    return Order(
        **{"source": "shop", **more},
        order_id=order_id,
        member_id=member_id,
        currency=currency,
        total=parse_amount(total, currency, "total"),
    )


def refund(refund_id: str, member_id: str, amount: str, order_id: str | None = None, **more: Any) -> Refund:
    """A refund of the source `shop` in GBP, of an order or of none."""
    currency = more.pop("currency", "GBP")
    return Refund(
        **{"source": "shop", **more},
        refund_id=refund_id,
        order_id=order_id,
        member_id=member_id,
        currency=currency,
        amount=parse_amount(amount, currency, "amount"),
    )


def adjustment(id: str, member_id: str, points: int, reason: str = "goodwill") -> Document:
    """A correction made by `clerk`."""
    return Adjustment(id=id, member_id=member_id, points=points, actor="clerk", reason=reason).document()


def redemption(redemption_id: str, member_id: str, points: int) -> Document:
    """Points spent, by way of the source `shop`."""
    return Redemption(source="shop", redemption_id=redemption_id, member_id=member_id, points=points).document()


def in_conflict(receipt: Receipt) -> Receipt:
    """The receipt of a conflict without what it tells of the two contents, once that was looked at."""
    assert receipt.fingerprints is not None
    kept, sent = receipt.fingerprints
    assert kept != sent
    return msgspec.structs.replace(receipt, fingerprints=None)


def key_of(document: QuarantinedDocument) -> DocumentKey:
    """What a document in quarantine is known by."""
    return document.kind, document.source, document.id


def unreadable(id: str, member_id: str, content: bytes, raw: bytes = b"") -> Document:
    """An order that was damaged on its way, so that its content is not what an order is."""
    return Document(
        kind=DocumentKind.ORDER,
        source="shop",
        id=id,
        member_id=member_id,
        fingerprint=b"\x00" * 16,
        content=content,
        raw=raw,
        order_id=id,
    )


async def soon(awaitable: Awaitable[Any]) -> Any:
    """Wait for what should happen at once."""
    return await asyncio.wait_for(awaitable, SOON_S)


def _document(each: Order | Refund | Document) -> Document:
    return each if isinstance(each, Document) else each.document()
