"""The same history on a ledger in a file and on a PostgreSQL server: the same answers, entries, totals and findings.

Numbers may differ, since gaps are allowed in them; so members are compared by their order. Where nothing is refused
there are no gaps, and then every hash is the same.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.ledger_account import IDS, MEMBERS, all_of
from tests.postgres_server import Databases

from laurels.clock import DAY
from laurels.engines.postgres import PostgresLedger, awarding
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import LaurelsError, LedgerUnavailable
from laurels.ledger import Ledger, NameNumbers
from laurels.model import (
    Amendment,
    Cancellation,
    Document,
    Mark,
    MemberEvent,
    Order,
    Refund,
    Restoration,
    Version,
)
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import Shop, TurnedClock, adjustment, order, redemption, refund

SHARDS = 16
NAMES = NameNumbers(b"the same on both")
EXAMPLES = int(os.environ.get("LAURELS_TEST_EXAMPLES", "8"))


@dataclass(frozen=True, repr=False)
class Step:
    """Something that is done to a ledger, and how a failing history shows it."""

    what: str
    do: Callable[[Shop], Awaitable[Any]]

    def __repr__(self) -> str:
        """In one line."""
        return self.what


members, ids = st.sampled_from(MEMBERS), st.sampled_from(IDS)
amounts = st.sampled_from(("0.00", "4.99", "25.00", "1010.00"))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Something that is accepted and awarded later."""
    member, id, amount = draw(members), draw(ids), draw(amounts)
    of = draw(ids)
    made: Order | Refund | Cancellation | Amendment
    match draw(
        st.sampled_from(("order", "order", "order", "refund", "refund", "unlinked", "cancel", "amend", "poison"))
    ):
        case "order":
            made = order(id, member, amount, email=draw(st.sampled_from((None, f"{member}@example.com"))))
        case "refund":
            made = refund(id, member, amount, of)
        case "unlinked":
            made = refund(f"U{id}", member, amount)
        case "cancel":
            made = Cancellation(source="shop", refund_id=id, order_id=of, member_id=member)
        case "amend":
            made = Amendment(revision=draw(st.integers(1, 3)), order=order(of, member, amount))
        case _:
            made = order(f"P{id}", member, "2500", currency="JPY")
    return made.document()


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """One thing that is done to a ledger."""
    match draw(st.sampled_from(("accept", "accept", "accept", "award", "settle", "event", "quarantine", "time"))):
        case "accept":
            return accepting(draw(st.lists(documents(), min_size=1, max_size=6)))
        case "award":
            limit = draw(st.integers(1, 9))
            return Step(f"award {limit}", lambda shop: shop.award(limit))
        case "settle":
            return settling(draw(settled()))
        case "event":
            return changing(draw(events()))
        case "quarantine":
            return deciding(retry=draw(st.booleans()))
    span = draw(st.sampled_from((1, DAY, 31 * DAY)))
    return passing(span)


@st.composite
def settled(draw: st.DrawFn) -> Document:
    """Something that is answered with its result."""
    member, id = draw(members), draw(ids)
    match draw(st.sampled_from(("adjust", "redeem", "restore"))):
        case "adjust":
            return adjustment(id, member, draw(st.integers(-5, 150)) or 1)
        case "redeem":
            return redemption(id, member, draw(st.integers(1, 20)))
    return Restoration(source="shop", cancel_id=draw(ids), redemption_id=id, member_id=member).document()


def events() -> st.SearchStrategy[tuple[str, str, str]]:
    """(what happens, to whom, and another member)."""
    kinds = [*(event.value for event in MemberEvent), "enrol", "contact", "merge"]
    return st.tuples(st.sampled_from(kinds), members, members)


def accepting(many: Sequence[Document]) -> Step:
    async def step(shop: Shop) -> list[tuple[str, bool, bool]]:
        return [(each.status, each.repeated, each.conflict) for each in await shop.accept(*many)]

    return Step(f"accept {[_shown(each) for each in many]}", step)


def _shown(document: Document) -> str:
    return f"{document.kind.value} {document.id} of {document.member_id}: {document.content.decode()}"


def settling(document: Document) -> Step:
    async def step(shop: Shop) -> Any:
        receipt = await shop.awarder.settle(document)
        points = None if receipt.entry is None else receipt.entry.points
        return receipt.status, receipt.repeated, receipt.conflict, receipt.balance, points

    return Step(f"settle {_shown(document)}", step)


def changing(event: tuple[str, str, str]) -> Step:
    what, member, other = event

    async def step(shop: Shop) -> Any:
        answer: Any = None
        match what:
            case "enrol":
                both = [(member, None), (other, f"{other}@example.com"), (member, f"{member}@example.com")]
                answer, version = await shop.ledger.enrol(both, actor="clerk")
            case "contact":
                version = await shop.ledger.set_contact(member, f"{other}@example.com", actor="clerk")
            case "merge":
                version = await shop.awarder.merge(member, other, actor="clerk")
            case _:
                version = await shop.ledger.change_member(member, MemberEvent(what), actor="clerk")
        assert version == (await shop.ledger.heads()).version
        return answer, version

    return Step(f"{what} {member} {other}", step)


def deciding(*, retry: bool) -> Step:
    async def step(shop: Shop) -> Any:
        lying = await shop.ledger.quarantine()
        for each in lying[:1]:
            if retry:
                await shop.ledger.retry(each.kind, each.source, each.id)
            else:
                await shop.ledger.drop(each.kind, each.source, each.id, actor="clerk")
        return [(each.kind, each.id, each.reason) for each in lying]

    return Step("retry" if retry else "drop", step)


def passing(span: int) -> Step:
    async def step(shop: Shop) -> None:
        shop.now.at += span

    return Step(f"wait {span / DAY} days", step)


async def done(step: Step, shop: Shop) -> Any:
    """What a step gives, or why it is refused."""
    try:
        return await step.do(shop)
    except LedgerUnavailable:  # no server is away here: what it was is in the cause
        raise
    except LaurelsError as error:
        return type(error), error.message


async def opened(stack: AsyncExitStack, postgres: Databases) -> list[Shop]:
    """A shop on each engine, with clocks that go alike."""
    folder = stack.enter_context(TemporaryDirectory())
    url = stack.enter_context(postgres.new())
    shops = []
    clocks = TurnedClock(), TurnedClock()
    ledgers: list[Ledger] = [
        SqliteLedger.open(Path(folder) / "laurels.db", clocks[0], SHARDS, NAMES),
        await PostgresLedger.open(url, clocks[1], NAMES),
    ]
    for ledger, now in zip(ledgers, clocks, strict=True):
        stack.push_async_callback(ledger.close)
        shop = Shop(ledger, now)
        await shop.adopt(DEFAULT_PROGRAM)
        shops.append(shop)
    return shops


@pytest.mark.long
@given(history=st.lists(steps(), min_size=5, max_size=40))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[*HealthCheck])
def test_a_history_leads_to_the_same_on_either(postgres: Databases, history: list[Step]) -> None:
    note("\n".join(map(repr, history)))

    async def both() -> None:
        async with AsyncExitStack() as stack:
            shops = await opened(stack, postgres)
            for step in history:
                answers = [await done(step, shop) for shop in shops]
                assert answers[0] == answers[1]
            in_file, on_server = [await all_of(shop) for shop in shops]
            different = {
                key: (in_file[key], on_server.get(key)) for key in in_file if in_file[key] != on_server.get(key)
            }
            assert not different, different
            assert in_file.keys() == on_server.keys()
            assert [await shop.findings() for shop in shops] == [[], []]

    # As on a slow machine, where it is long ago that the inbox was taken up to there.
    with mock.patch.object(awarding, "LAG_S", 0.0):
        asyncio.run(both())


@pytest.mark.long
def test_where_nothing_is_refused_every_hash_is_the_same(postgres: Databases, rng: Random) -> None:
    async def both() -> list[Version]:
        async with AsyncExitStack() as stack:
            shops = await opened(stack, postgres)
            day = [order(f"A{n}", f"m{n % 160}", f"{rng.randrange(200)}.00") for n in range(200)]
            spent = [rng.randrange(160) for _ in range(30)]
            for shop in shops:
                for start in range(0, 200, 25):
                    await shop.accept(*day[start : start + 25])
                    await shop.award(limit=7)
                for n, member in enumerate(spent):
                    await shop.awarder.settle(adjustment(f"J{n}", f"m{member}", 5))
                    await shop.accept(refund(f"R{n}", day[n].member_id, "3.00", day[n].order_id))
                    await shop.ledger.change_member(day[n].member_id, MemberEvent.RENAME, actor="clerk")
                await shop.award()
            heads = [await shop.ledger.heads() for shop in shops]
            assert sum(head.position for head in heads[0].marks.values()) > 200
            assert all(mark != Mark() for mark in heads[0].marks.values())
            assert heads[0].marks == heads[1].marks
            return [each.version for each in heads]

    versions = asyncio.run(both())
    assert versions[0] == versions[1]


pytestmark = pytest.mark.timeout(900)
