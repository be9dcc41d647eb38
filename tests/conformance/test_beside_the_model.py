"""Random programs, orders, refunds and lives, the same documents to the reference model and to the pure functions; all
that both keep is compared after every step. The seed is printed: LAURELS_TEST_SEED repeats a run, LAURELS_TEST_LIVES
says how many.
"""

import os
import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from tests.conformance import oracle
from tests.conformance.book import Book

from laurels.errors import ProgramError
from laurels.model.times import format_instant, from_datetime, to_datetime
from laurels.program import Frame, MemberState, Refunded, tier_at, worth
from laurels.program.local_time import NEVER

LIVES = int(os.environ.get("LAURELS_TEST_LIVES") or 400)
START = datetime(2026, 11, 3, 10, tzinfo=UTC)


@pytest.fixture
def seed() -> int:
    seed = int(os.environ.get("LAURELS_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"LAURELS_TEST_SEED={seed}")
    return seed


LATE = {"late", "adjust", "transfer", "cancel", "merge"}


class Twins:
    """The model and the book, given the same steps."""

    def __init__(self, program: dict[str, Any]) -> None:
        self.model: Any = oracle.load("model")
        self.ledger = self.model.Ledger([program])
        self.book = Book.of([program])
        self.moved(START)

    def moved(self, now: datetime) -> None:
        self.ledger.now = now
        self.book.now = from_datetime(now)

    def step(self, step: dict[str, Any]) -> dict[str, Any]:
        """Both do it, and agree."""
        try:
            theirs = self.model._step(self.ledger, step)
        except self.model.Refused as error:
            theirs = {"refused": str(error)}
        ours = self.book.step(step)
        assert ("refused" in theirs) == ("refused" in ours), (step, theirs, ours)
        for key in ("points", "parts", "carried", "tier", "net", "beyond", "keeps", "available", "balance"):
            if "refused" not in theirs and key in theirs:
                assert theirs[key] == ours[key], (step, key, theirs, ours)
        self.agree(step)
        return ours

    def agree(self, step: Any) -> None:
        forever = self.model.FOREVER

        def at(moment: datetime) -> int:
            return NEVER if moment == forever else from_datetime(moment)

        for id, theirs in self.ledger.members.items():
            if theirs.into:
                continue
            state = MemberState.decode(self.book.members.get(id, b""))
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
            used = {(bonus, period): n for bonus, period, n in state.used}
            assert all(theirs.used.get(key, 0) == n for key, n in used.items()), (step, id, used, theirs.used)
            held = {hold.id: hold.points for hold in state.holds}
            assert held == {hold.id: hold.points for hold in theirs.holds.values() if hold.open}, (step, id)
            program = self.book.programs[0]
            assert tier_at(program, state, self.book.now) == self.ledger.tier(theirs, self.ledger.now), (step, id)
        assert self.sums() == self.sums_of_model(), step
        assert {k: n for k, n in self.book.budgets.items() if n} == {k: n for k, n in self.ledger.budget.items() if n}

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


def _twins(r: random.Random, **how: Any) -> Twins:
    fuzz, model = oracle.load("fuzz"), oracle.load("model")
    while True:
        program = fuzz.some_program(r, **how)
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


def _order(r: random.Random, twins: Twins, id: str, member: str, at: datetime | None = None) -> dict[str, Any]:
    fuzz = oracle.load("fuzz")
    step = fuzz.some_order(r, id)
    try:
        fuzz.with_payments(r, step, twins.model.order_of(step, START).total)
    except twins.model.Refused:
        return {}
    step |= {"do": "order", "member": member}
    if at is not None:
        step["occurred"] = at.isoformat()
    return twins.step(step)


def _refund(r: random.Random, twins: Twins, id: str) -> dict[str, Any]:
    amount, lines = oracle.load("fuzz").some_refund(r, twins.ledger.awards[id])
    step: dict[str, Any] = {"do": "refund", "order": id}
    if amount is not None:
        step["amount"] = _pounds(amount)
    if lines:
        step["lines"] = [
            {"line": number, **({"amount": _pounds(pence)} if quantity is None else {"quantity": str(quantity)})}
            for number, pence, quantity in lines
        ]
    if amount is None and not lines:
        return {}
    return twins.step(step)


def _pounds(pence: int) -> str:
    return f"{pence // 100}.{pence % 100:02d}"


def test_refunds_take_back_exactly_what_was_earned(seed: int) -> None:
    r = random.Random(seed)
    for _ in range(LIVES):
        twins = _twins(r)
        for number in range(r.randint(0, 2)):
            _order(r, twins, f"before{number}", "m")
        if "refused" in _order(r, twins, "A", "m") or "A" not in twins.book.awards:
            continue
        program, award = twins.book.programs[0], twins.book.awards["A"]
        frame = Frame.decode(award.frame)
        granted, taken = worth(program, frame, Refunded()).grains, 0
        before = dict(twins.book.state("m").carried)
        for _ in range(r.randint(1, 6)):
            had = worth(program, frame, Refunded.decode(award.refunded)).grains
            got = _refund(r, twins, "A")
            keeps = worth(program, frame, Refunded.decode(award.refunded)).grains
            assert keeps <= had, "f never rises with a refund"
            taken -= got.get("points", 0)
            assert taken >= 0
        total = twins.step({"do": "refund", "order": "A", "amount": _pounds(frame.total + 5)})
        taken -= total["points"]
        assert worth(program, frame, Refunded.decode(award.refunded)).grains == 0
        after = dict(twins.book.state("m").carried)
        change = after.get("GBP", 0) - before.get("GBP", 0)
        grain = twins.model.G
        assert taken * grain == granted + change, "what was taken is what was earned"
        assert twins.step({"do": "refund", "order": "A", "amount": "1.00"})["points"] == 0


def test_the_split_and_the_order_of_refunds_do_not_matter(seed: int) -> None:
    """The same refunds by amount, shuffled: the same is kept, and with carry the same points and remainder."""
    r = random.Random(seed)
    for _ in range(LIVES // 2):
        twins = _twins(r, rounding="carry", caps=False)
        orders = [f"o{number}" for number in range(r.randint(1, 3))]
        for id in orders:
            _order(r, twins, id, "m")
        left = [id for id in orders if id in twins.book.awards]
        refunds = [(id, r.randint(0, 3000)) for id in left for _ in range(r.randint(0, 3))]
        kept = (twins.book.members.copy(), {id: award.refunded for id, award in twins.book.awards.items()})
        ends = set()
        for _ in range(3):
            r.shuffle(refunds)
            twins.book.members = kept[0].copy()
            for id, refunded in kept[1].items():
                twins.book.awards[id].refunded = refunded
            for id, pence in refunds:
                twins.book.step({"do": "refund", "order": id, "amount": _pounds(pence)})
            state = twins.book.state("m")
            ends.add((state.active, state.carried))
        assert len(ends) == 1


WHAT = {
    "order": 3, "refund": 2, "redeem": 2, "time": 2, "cancel": 1, "hold": 1, "capture": 1, "void": 1, "adjust": 1,
    "sweep": 1, "transfer": 1, "merge": 1, "late": 1,
}  # fmt: skip


def test_two_members_live_through_everything(seed: int) -> None:
    r = random.Random(seed)
    for _ in range(LIVES):
        twins = _twins(r, life=True)
        members = ["m", "w"]
        for number in range(r.randint(6, 18)):
            _live(r, twins, members, number)
        twins.step({"do": "sweep"})
        assert twins.step({"do": "sweep"})["entries"] == 0, "a sweep again does nothing"
        twins.expiries()
        for id in list(twins.book.awards):
            twins.step({"do": "refund", "order": id, "amount": _pounds(twins.ledger.awards[id].frame.total)})
        for member in members:
            state = twins.book.state(member)
            assert (state.orders, state.counted, state.used) == (0, (), ()), "nothing remembers what came back"
        assert not any(twins.book.budgets.values())


def _live(r: random.Random, twins: Twins, members: list[str], number: int) -> None:
    """Something happens to somebody. Where points lapse by inactivity, nothing brings points in after the deadline: the
    model lets them lapse before they came in, and we do not (tests/unit/test_program_seen.py).
    """
    who = r.choice(members)
    program = twins.book.programs[0]
    weights = [0 if program.expiry.kind == "inactivity" and what in LATE else n for what, n in WHAT.items()]
    what = r.choices(list(WHAT), weights)[0]
    step: dict[str, Any] = {"do": what, "member": who}
    match what:
        case "order" | "late":
            ago = timedelta(days=r.choice([1, 40, 400]) if what == "late" else 0)
            _order(r, twins, f"o{number}", who, twins.ledger.now - ago)
        case "refund" if twins.book.awards:
            _refund(r, twins, r.choice(sorted(twins.book.awards)))
        case "time":
            twins.moved(twins.ledger.now + timedelta(days=r.choice([0, 1, 15, 31, 100]), minutes=20))
        case "merge" | "transfer" if len(members) > 1:
            _two(r, twins, members, step)
        case "cancel":
            _undo(r, twins, step)
        case "capture" | "void":
            _till(r, twins, step)
        case "sweep" | "adjust":
            twins.step(step | ({"points": r.randint(-30, 30)} if what == "adjust" else {}))
        case "hold":
            minutes = r.choice([15, 60 * 24 * 3])
            twins.step(step | {"id": f"h{number}", "points": r.randint(1, 20), "minutes": minutes})
        case "redeem":
            _spend(r, twins, step | {"id": f"r{number}"})


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
    """A hold is captured, perhaps after it lapsed, or let go: before the clock does, in the model too."""
    twins.step({"do": "sweep"})
    theirs = twins.ledger.member(step["member"])
    open_ = sorted(hold.id for hold in theirs.holds.values() if hold.open)
    late = sorted(id for id, hold in theirs.holds.items() if not hold.open and f"hold:{id}" not in theirs.redemptions)
    if step["do"] == "capture":
        open_ += late
    if open_:
        id = r.choice(open_)
        points = {"points": r.randint(1, theirs.holds[id].points)} if step["do"] == "capture" else {}
        twins.step(step | {"id": id} | points)


def test_whoever_gives_everything_back_neither_keeps_nor_owes_a_point(seed: int) -> None:
    """Rewards before goods, whatever lapsed meanwhile."""
    r = random.Random(seed)
    for _ in range(LIVES):
        twins = _twins(r, rounding=r.choice(["half-up", "floor"]), life=True)
        for number in range(r.randint(4, 12)):
            what = r.choice(["order", "order", "redeem", "hold", "time", "time"])
            if what == "order":
                late = 0 if twins.book.programs[0].expiry.kind == "inactivity" else r.choice([0, 0, 20])
                _order(r, twins, f"o{number}", "m", twins.ledger.now - timedelta(days=late))
            elif what == "time":
                twins.moved(twins.ledger.now + timedelta(days=r.choice([1, 15, 31, 100])))
            else:
                step = {"do": what, "id": f"{what}{number}", "points": r.randint(1, 25)}
                twins.step(step | ({"minutes": 60} if what == "hold" else {}))
        twins.moved(twins.ledger.now + timedelta(days=4))
        twins.step({"do": "sweep"})
        end = twins.book.step if twins.book.programs[0].expiry.kind == "inactivity" else twins.step
        for _, id in sorted(twins.book.spent):
            end({"do": "cancel", "id": id})
            twins.moved(twins.ledger.now + timedelta(days=r.choice([0, 0, 5])))
        for id in twins.book.awards:
            end({"do": "refund", "order": id, "amount": _pounds(10**9)})
            twins.moved(twins.ledger.now + timedelta(days=r.choice([0, 0, 5])))
        state = twins.book.touched("m")
        assert state.active + state.waiting == 0, format_instant(twins.book.now)


def test_a_sweep_on_the_way_changes_nothing(seed: int) -> None:
    """Looking often ends where looking once does, with the same entries."""
    r = random.Random(seed)
    for _ in range(LIVES // 2):
        twins = _twins(r, life=True)
        for number in range(6):
            _live(r, twins, ["m"], number)
        book = twins.book
        later = twins.ledger.now + timedelta(days=r.choice([1, 40, 200, 800]))
        often = Book(book.programs, now=book.now, members=book.members.copy(), entries=book.entries.copy())
        span = later - twins.ledger.now
        for part in sorted(Fraction(r.randint(0, 100), 100) for _ in range(3)):
            often.now = from_datetime(to_datetime(book.now) + span * float(part))
            often.do_sweep({}, "")
        book.now = often.now = from_datetime(later)
        book.do_sweep({}, "")
        often.do_sweep({}, "")
        assert often.members == book.members
        assert sorted(often.entries) == sorted(book.entries)
