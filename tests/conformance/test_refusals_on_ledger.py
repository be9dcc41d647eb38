"""Whatever orders, changes and refunds say, the awarder of a real ledger takes them all: what it cannot award is in
quarantine with its reason, the rest goes on, and the books stay right. LAURELS_TEST_SEED repeats a run.
"""

import random
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.ledgers import ENGINES, Fresh
from tests.property.test_program_evaluation import CROWDED, DEEP, FLOORED

from laurels.awarding import Awarder, publish, verify_in_depth
from laurels.clock import DAY
from laurels.ledger import Ledger
from laurels.model import Amendment, Cancellation, Document, Line, LineKind, Order, Refund, ReturnLine, Status, Traits
from laurels.model.lines import Payment
from laurels.model.times import parse_instant
from laurels.program import DEFAULT_PROGRAM, Program, parse_program
from laurels.testing.verifying import findings_of

pytestmark = pytest.mark.anyio

NOW = parse_instant("2026-11-03T10:00:00Z", "now")
MILLION = 1_000_000
DOCUMENTS = 120
TAXED = parse_program(
    'version = 6\nbasis = { tax = "excluded" }\nearn = { points = 1, per = { GBP = "1.00", JPY = "9" } }\n'
)
PROGRAMS = (parse_program(DEFAULT_PROGRAM), DEEP, FLOORED, CROWDED, TAXED)
MOST = 2**53 - 1


class Drafts:
    """Documents by chance about a few orders, most of them near sense, many beyond it."""

    def __init__(self, r: random.Random) -> None:
        self._r = r
        self._number = 0

    def some(self) -> Document:
        self._number += 1
        return self._r.choice([self._bought, self._bought, self._refunded, self._cancelled, self._changed])()

    def _order(self, id: str, member: str) -> Order:
        r = self._r
        count = r.randint(0, 4)
        lines = tuple(self._line() for _ in range(count))
        traits = tuple(self._traits() for _ in range(count)) if r.random() < 0.8 else ()
        total = r.choice([r.randint(0, 30_000), r.randint(0, 30_000), 0, MOST])
        return Order(
            source="till",
            order_id=id,
            member_id=member,
            currency=r.choice(["GBP", "GBP", "GBP", "JPY", "KWD"]),
            total=total,
            occurred_at=r.choice([None, NOW - r.randint(0, 800) * DAY, NOW + 40 * DAY]),
            lines=lines,
            traits=traits,
            payments=r.choice([(), (), (Payment("points", total),), (Payment("points", 5), Payment("card", 7))]),
        )

    def _line(self) -> Line:
        r = self._r
        quantity = r.choice([MILLION, r.randint(0, 3 * MILLION), 10**18])
        return Line(r.choice(["a", ""]), quantity, r.choice([r.randint(-MILLION, 30 * MILLION), 10**15]))

    def _traits(self) -> Traits:
        r = self._r
        return Traits(
            category=r.choice(["tobacco", "fuel/diesel", "home", None]),
            brand=r.choice(["own", None]),
            kind=r.choice(list(LineKind)),
            tags=r.choice([(), ("x",)]),
            discount=r.choice([0, 0, r.randint(0, 40 * MILLION)]),
            tax=r.choice([None, 0, r.randint(0, 20 * MILLION), 10**15]),
        )

    def _bought(self) -> Document:
        return self._order(f"o{self._number}", self._r.choice(["m", "w"])).document()

    def _changed(self) -> Document:
        order = self._order(self._one_order(), self._r.choice(["m", "w"]))
        return Amendment(revision=self._number, order=order).document()

    def _cancelled(self) -> Document:
        refund = f"r{self._r.randint(1, self._number)}"
        return Cancellation(source="till", refund_id=refund, order_id=self._one_order(), member_id="m").document()

    def _refunded(self) -> Document:
        r = self._r
        asked = [
            ReturnLine(
                r.randint(1, 6), r.choice([None, r.randint(0, 9000), MOST]), r.choice([None, 0, MILLION, 10**18])
            )
            for _ in range(r.randint(0, 2))
        ]
        return Refund(
            source="till",
            refund_id=f"r{self._number}",
            currency=r.choice(["GBP", "GBP", "GBP", "JPY"]),
            amount=r.choice([0, r.randint(0, 9000), MOST]),
            member_id=r.choice(["m", "w"]),
            order_id=r.choice([None, self._one_order(), self._one_order(), self._one_order()]),
            lines=tuple(asked),
        ).document()

    def _one_order(self) -> str:
        return f"o{self._r.randint(1, self._number + 2)}"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("program", PROGRAMS, ids=["plain", "deep", "floored", "crowded", "taxed"])
async def test_what_cannot_be_awarded_is_in_quarantine_and_stops_nothing(
    program: Program, engine: str, fresh: Fresh, seed: int, tmp_path: Path
) -> None:
    r, now = random.Random(f"{seed}/{program.version}"), NOW
    ledger = await fresh()(tmp_path, lambda: now)
    programs = await publish(ledger, program, at_start=True)
    awarder = Awarder(ledger, programs, lambda: now)
    drafts, sent = Drafts(r), list[Document]()
    while len(sent) < DOCUMENTS:
        some = [drafts.some() for _ in range(r.randint(1, 9))]
        receipts = await ledger.accept(some)
        sent += [each for each, receipt in zip(some, receipts, strict=True) if not receipt.conflict]
        await awarder.drain(r.randint(1, 9))
    now += 31 * DAY
    await awarder.drain()
    found = await _statuses(ledger, sent)
    assert set(found) <= {Status.AWARDED, Status.QUARANTINED}, found
    assert len(found) == 2, "some of them make sense, some do not"
    assert await findings_of(ledger) == []
    assert [finding async for finding in verify_in_depth(ledger, programs)] == []
    await ledger.close()


async def _statuses(ledger: Ledger, sent: list[Document]) -> dict[Status, int]:
    found: dict[Status, int] = {}
    for each in sent:
        state: Any = await ledger.document(each.kind, each.source, each.id)
        found[state.status] = found.get(state.status, 0) + 1
        assert (state.status is Status.QUARANTINED) == bool(state.reason), (each, state)
    return found
