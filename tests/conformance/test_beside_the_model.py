"""Random programs, orders, refunds and lives, the same documents to the reference model and to the pure functions; all
that both keep is compared after every step. The seed is printed: LAURELS_TEST_SEED repeats a run, LAURELS_TEST_LIVES
says how many.
"""

import os
import random
from datetime import timedelta
from fractions import Fraction

from tests.conformance.book import Book
from tests.conformance.lives import live, pounds, some_order, some_refund, some_twins
from tests.conformance.wide import live_widely, some_wide_twins

from laurels.model.times import format_instant, from_datetime, to_datetime
from laurels.program import Frame, Refunded, worth

LIVES = int(os.environ.get("LAURELS_TEST_LIVES") or 400)


def test_refunds_take_back_exactly_what_was_earned(seed: int) -> None:
    r = random.Random(seed)
    for _ in range(LIVES):
        twins = some_twins(r)
        for number in range(r.randint(0, 2)):
            some_order(r, twins, f"before{number}", "m")
        if "refused" in some_order(r, twins, "A", "m") or "A" not in twins.book.awards:
            continue
        program, award = twins.book.programs[0], twins.book.awards["A"]
        frame = Frame.decode(award.frame)
        granted, taken = worth(program, frame, Refunded()).grains, 0
        before = dict(twins.book.state("m").carried)
        for _ in range(r.randint(1, 6)):
            had = worth(program, frame, Refunded.decode(award.refunded)).grains
            got = some_refund(r, twins, "A")
            keeps = worth(program, frame, Refunded.decode(award.refunded)).grains
            assert keeps <= had, "f never rises with a refund"
            taken -= got.get("points", 0)
            assert taken >= 0
        total = twins.step({"do": "refund", "order": "A", "amount": pounds(frame.total + 5)})
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
        twins = some_twins(r, rounding="carry", caps=False)
        orders = [f"o{number}" for number in range(r.randint(1, 3))]
        for id in orders:
            some_order(r, twins, id, "m")
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
                twins.book.step({"do": "refund", "order": id, "amount": pounds(pence)})
            state = twins.book.state("m")
            ends.add((state.active, state.carried))
        assert len(ends) == 1


def test_two_members_live_through_everything(seed: int) -> None:
    r = random.Random(seed)
    for _ in range(LIVES):
        twins = some_twins(r, life=True)
        members = ["m", "w"]
        for number in range(r.randint(6, 18)):
            live(r, twins, members, number)
        twins.step({"do": "sweep"})
        assert twins.step({"do": "sweep"})["entries"] == 0, "a sweep again does nothing"
        twins.expiries()
        for id in list(twins.book.awards):
            twins.step({"do": "refund", "order": id, "amount": pounds(twins.ledger.awards[id].frame.total)})
        for member in members:
            state = twins.book.state(member)
            assert (state.orders, state.counted, state.used) == (0, (), ()), "nothing remembers what came back"
        assert not any(twins.book.budgets.values())


def test_three_members_live_through_several_versions(seed: int) -> None:
    r = random.Random(seed)
    lived = 0
    while lived < LIVES:
        twins = some_wide_twins(r)
        if twins is not None:
            live_widely(r, twins, r.randint(6, 40))
            lived += 1


def test_whoever_gives_everything_back_neither_keeps_nor_owes_a_point(seed: int) -> None:
    """Rewards before goods, whatever lapsed meanwhile."""
    r = random.Random(seed)
    for _ in range(LIVES):
        twins = some_twins(r, rounding=r.choice(["half-up", "floor"]), life=True)
        for number in range(r.randint(4, 12)):
            what = r.choice(["order", "order", "redeem", "hold", "time", "time"])
            if what == "order":
                late = 0 if twins.book.programs[0].expiry.kind == "inactivity" else r.choice([0, 0, 20])
                some_order(r, twins, f"o{number}", "m", twins.ledger.now - timedelta(days=late))
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
            end({"do": "refund", "order": id, "amount": pounds(10**9)})
            twins.moved(twins.ledger.now + timedelta(days=r.choice([0, 0, 5])))
        state = twins.book.touched("m")
        assert state.active + state.waiting == 0, format_instant(twins.book.now)


def test_a_sweep_on_the_way_changes_nothing(seed: int) -> None:
    """Looking often ends where looking once does, with the same entries."""
    r = random.Random(seed)
    for _ in range(LIVES // 2):
        twins = some_twins(r, life=True)
        for number in range(6):
            live(r, twins, ["m"], number)
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
