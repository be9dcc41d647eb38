"""Random programs, orders, refunds and lives: the same steps to the reference model and to a book around the pure
functions; all that both keep is compared after every step.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conformance import oracle
from tests.conformance.book import Book

from laurels.errors import ProgramError
from laurels.model.times import from_datetime
from laurels.program import ProgramState, tier_at
from laurels.program.caps import KEPT_DAYS
from laurels.program.local_time import NEVER

START = datetime(2026, 11, 3, 10, tzinfo=UTC)

LATE = {"late", "adjust", "transfer", "cancel", "merge"}


def model_of(programs: list[dict[str, Any]]) -> Any:
    """The model of these versions. What a hold has set aside is pinned until the hold is let go: then what is owed is
    paid first, as where somebody lets go of it. Left alone, the model has it lapse first where the clock lets go.
    """
    model = oracle.load("model")
    ledger = model.Ledger(programs)
    ledger._pinned = lambda member, _until=None: model.Ledger._pinned(member)
    return ledger


class Twins:
    """The model and the book, given the same steps."""

    def __init__(self, program: dict[str, Any]) -> None:
        self.model: Any = oracle.load("model")
        self.ledger = model_of([program])
        self.program = program
        self.book = Book.of([program])
        self.history: list[tuple[int, dict[str, Any], dict[str, Any]]] = []
        self.let_go: set[str] = set()
        self.moved(START)

    def moved(self, now: datetime) -> None:
        self.ledger.now = now
        self.book.now = from_datetime(now)

    def step(self, step: dict[str, Any]) -> dict[str, Any]:
        """Both do it, and agree."""
        if "expires" in step:  # the model knows no such correction: for this step its fresh points lapse then
            moment = datetime.fromisoformat(step["expires"])
            self.ledger._fresh = lambda: (moment, moment)
        try:
            theirs = self.model._step(self.ledger, step)
        except self.model.Refused as error:
            theirs = {"refused": str(error)}
        finally:
            vars(self.ledger).pop("_fresh", None)
        ours = self.book.step(step)
        if "refused" in ours and step["do"] == "order":  # the model lets the clock go on before it refuses one
            self.book.touched(step["member"])
        assert ("refused" in theirs) == ("refused" in ours), (step, theirs, ours)
        for key in ("points", "parts", "carried", "tier", "net", "beyond", "keeps", "available", "balance"):
            if "refused" not in theirs and key in theirs:
                assert theirs[key] == ours[key], (step, key, theirs, ours)
        self.agree(step)
        self.history.append((self.book.now, step, ours))
        return ours

    def agree(self, step: Any) -> None:
        forever = self.model.FOREVER

        def at(moment: datetime) -> int:
            return NEVER if moment == forever else from_datetime(moment)

        for id, theirs in self.ledger.members.items():
            if theirs.into:
                continue
            state = ProgramState.decode(self.book.members.get(id, b""))
            lots = {(lot.expires, lot.origin): [lot.active, lot.expired, lot.compensated] for lot in state.lots}
            want = {
                (at(lot.key[0]), at(lot.key[1])): [lot.active, lot.expired, lot.compensated]
                for lot in theirs.lots.values()
            }
            assert lots == {key: lot for key, lot in want.items() if lot[0] or lot[1]}, (step, id)
            pending = [(each.active_at, each.expires, each.points, each.order) for each in state.pending]
            assert sorted(pending) == sorted((at(p[0]), at(p[1]), p[2], p[3]) for p in theirs.pending), (step, id)
            assert state.owed == theirs.debt, (step, id)
            assert dict(state.carried) == {c: n for c, n in theirs.rem.items() if n}, (step, id)
            assert state.orders == theirs.orders, (step, id)
            assert dict(state.counted) == {month: n for month, n in theirs.q.items() if n}, (step, id)
            assert state.last_active == (None if theirs.last_active is None else at(theirs.last_active)), (step, id)
            used = {(bonus, period): n for bonus, period, n in state.used if not self.forgotten(period)}
            assert all(theirs.used.get(key, 0) == n for key, n in used.items()), (step, id, used, theirs.used)
            held = {hold.id: hold.points for hold in state.holds}
            assert held == {hold.id: hold.points for hold in theirs.holds.values() if hold.open}, (step, id)
            program = self.book.at(self.book.now)
            assert tier_at(program, state, self.book.now) == self.ledger.tier(theirs, self.ledger.now), (step, id)
        assert self.sums() == self.sums_of_model(), step
        assert {k: n for k, n in self.book.budgets.items() if n} == {k: n for k, n in self.ledger.budget.items() if n}

    def forgotten(self, period: str) -> bool:
        """Whether it is so long ago that the use of a day or a month is not kept any more."""
        oldest = (self.ledger.now - timedelta(days=KEPT_DAYS - 2)).strftime("%Y-%m-%d")
        return len(period) > len("2026") and period < oldest[: len(period)]

    def sums(self) -> dict[tuple[str, str], int]:
        return _added((kind, who, points) for kind, who, points, _ in self.book.entries)

    def sums_of_model(self) -> dict[tuple[str, str], int]:
        return _added((kind, who, points) for kind, who, points, _, _ in self.ledger.entries)

    def expiries(self) -> None:
        """The same expires at the same instants. Where a hold was open beyond an expiry, and nobody looked meanwhile,
        the model writes in one entry what we write in two, as whoever had looked would.
        """
        ours = _added((who, str(at), points) for kind, who, points, at in self.book.entries if kind == "expire")
        theirs = _added(
            (who, str(from_datetime(at)), points)
            for kind, who, points, _, at in self.ledger.entries
            if kind == "expire"
        )
        assert ours == theirs


def _added(entries: Any) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = {}
    for kind, who, points in entries:
        sums[kind, who] = sums.get((kind, who), 0) + points
    return {key: points for key, points in sums.items() if points}


def some_twins(
    r: random.Random, alter: Callable[[random.Random, dict[str, Any]], None] | None = None, **how: Any
) -> Twins:
    """Twins of a random program that both read; `alter` says more in it."""
    fuzz, model = oracle.load("fuzz"), oracle.load("model")
    while True:
        program = fuzz.some_program(r, **how)
        if alter is not None:
            alter(r, program)
        if program.get("expiry", {}).get("kind") == "inactivity" and program["pending"]["days"] == 30:
            program["pending"]["days"] = 14
        program["groups"] = [
            g for g in program["groups"] if any(c.get("group") == g["name"] for c in program["campaigns"])
        ]
        while any(not _condition(rate) for rate in program["rates"][:-1]):
            program["rates"].pop(0)
        try:
            model.parse(program)
        except model.Refused:
            with pytest.raises(ProgramError):
                Book.of([program])
            continue
        return Twins(program)


def _condition(rate: dict[str, Any]) -> bool:
    return bool(rate.get("match"))


def some_order(
    r: random.Random,
    twins: Twins,
    id: str,
    member: str,
    at: datetime | None = None,
    *,
    more: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A random order of a member to both; `more` is what else it says."""
    fuzz = oracle.load("fuzz")
    step = fuzz.some_order(r, id)
    try:
        fuzz.with_payments(r, step, twins.model.order_of(step, START).total)
    except twins.model.Refused:
        return {}
    step |= {"do": "order", "member": member} | (more or {})
    if at is not None:
        step["occurred"] = at.isoformat()
    return twins.step(step)


def some_refund(r: random.Random, twins: Twins, id: str) -> dict[str, Any]:
    amount, lines = oracle.load("fuzz").some_refund(r, twins.ledger.awards[id])
    step: dict[str, Any] = {"do": "refund", "order": id}
    if amount is not None:
        step["amount"] = pounds(amount)
    if lines:
        step["lines"] = [
            {"line": number, **({"amount": pounds(pence)} if quantity is None else {"quantity": str(quantity)})}
            for number, pence, quantity in lines
        ]
    if amount is None and not lines:
        return {}
    return twins.step(step)


def pounds(pence: int) -> str:
    return f"{pence // 100}.{pence % 100:02d}"


WHAT = {
    "order": 3, "refund": 2, "redeem": 2, "time": 2, "cancel": 1, "hold": 1, "capture": 1, "void": 1, "adjust": 1,
    "sweep": 1, "transfer": 1, "merge": 1, "late": 1,
}  # fmt: skip


def live(r: random.Random, twins: Twins, members: list[str], number: int, what: str | None = None) -> None:
    """Something happens to somebody: `what`, or one of all. Where points lapse by inactivity, nothing brings points in
    after the deadline: the model lets them lapse before they came in, and we do not (tests/unit/test_program_seen.py).
    """
    who = r.choice(members)
    program = twins.book.programs[0]
    weights = [0 if program.expiry.kind == "inactivity" and what in LATE else n for what, n in WHAT.items()]
    what = what or r.choices(list(WHAT), weights)[0]
    step: dict[str, Any] = {"do": what, "member": who}
    match what:
        case "order" | "late":
            ago = timedelta(days=r.choice([1, 40, 400]) if what == "late" else 0)
            some_order(r, twins, f"o{number}", who, twins.ledger.now - ago)
        case "refund" if twins.book.awards:
            some_refund(r, twins, r.choice(sorted(twins.book.awards)))
        case "time":
            twins.moved(twins.ledger.now + timedelta(days=r.choice([0, 1, 15, 31, 100]), minutes=20))
        case "merge" | "transfer" if len(members) > 1:
            _two(r, twins, members, step)
        case "cancel":
            _undo(r, twins, step)
        case "capture" | "void":
            _till(r, twins, step)
        case "sweep" | "adjust":
            twins.step(step if what == "sweep" else _adjustment(r, twins, step))
        case "hold":
            minutes = r.choice([15, 60 * 24 * 3])
            twins.step(step | {"id": f"h{number}", "points": r.randint(1, 20), "minutes": minutes})
        case "redeem":
            _spend(r, twins, step | {"id": f"r{number}"})


def _adjustment(r: random.Random, twins: Twins, step: dict[str, Any]) -> dict[str, Any]:
    points = r.randint(-30, 30)
    step |= {"points": points}
    if points > 0 and r.random() < 0.4:
        step |= {"expires": (twins.ledger.now + timedelta(days=r.choice([1, 20, 90, 500]))).isoformat()}
    return step


def _spend(r: random.Random, twins: Twins, step: dict[str, Any]) -> None:
    twins.step({"do": "balance", "member": step["member"]})
    free = twins.book.state(step["member"]).available
    points = r.choice([free, r.randint(1, 50), max(1, free // 2)])
    if points > 0:
        twins.step(step | {"points": points})


def _two(r: random.Random, twins: Twins, members: list[str], step: dict[str, Any]) -> None:
    if step["do"] == "transfer":
        twins.step({"do": "sweep"})
        twins.step(step | {"to": "w" if step["member"] == "m" else "m", "points": r.randint(1, 20)})
    elif r.random() < 0.15 and "refused" not in twins.step({"do": "merge", "member": "w", "into": "m"}):
        members.remove("w")


def _undo(r: random.Random, twins: Twins, step: dict[str, Any]) -> None:
    redemptions = twins.ledger.member(step["member"]).redemptions
    if redemptions:
        id = r.choice(sorted(redemptions))
        rest = sum(part[1] for part in redemptions[id])
        twins.step(step | {"id": id} | r.choice([{}, {"points": r.randint(0, rest + 1)}]))


def _till(r: random.Random, twins: Twins, step: dict[str, Any]) -> None:
    """A hold is captured, perhaps after it lapsed, or let go: before the clock does, in the model too. One that was let
    go is over for a ledger, which the model does not know.
    """
    twins.step({"do": "sweep"})
    theirs = twins.ledger.member(step["member"])
    open_ = sorted(hold.id for hold in theirs.holds.values() if hold.open)
    late = sorted(id for id, hold in theirs.holds.items() if not hold.open and f"hold:{id}" not in theirs.redemptions)
    if step["do"] == "capture":
        open_ += [id for id in late if id not in twins.let_go]
    if open_:
        id = r.choice(open_)
        points = {"points": r.randint(1, theirs.holds[id].points)} if step["do"] == "capture" else {}
        if step["do"] == "void":
            twins.let_go.add(id)
        twins.step(step | {"id": id} | points)
