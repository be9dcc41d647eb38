"""A refund is cancelled while others got the room that it gave back: no cap and no budget is exceeded by it."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from laurels.clock import DAY
from laurels.program import (
    GRAIN,
    NEW,
    NOTHING,
    Basket,
    Frame,
    Program,
    ProgramState,
    Refunded,
    Return,
    cancel,
    evaluate,
    parse_program,
    unwind,
)
from laurels.program.unwind import apply_all
from laurels.program.worth import Cut

NOW = 1_764_590_400_000_000

RULES = """
version = {version}
earn = {{ points = 1, per = {{ GBP = "1.00" }}, rounding = "{rounding}" }}
campaigns = [
    {{ name = "double", multiply = "2", caps = {{ day = {day}, month = {month} }} }},
    {{ name = "gift", points = 20, spend_min = {{ GBP = "10.00" }}, budget = {budget} }},
]
caps = {{ day = {all} }}
"""

Rules = tuple[int, int, int, int]
"""Caps of a day and of a month, a budget, and the cap of a day for everything."""

some_rules = st.tuples(st.integers(1, 60), st.integers(1, 90), st.integers(1, 70), st.integers(20, 200))


def program(version: int, rounding: str, rules: Rules) -> Program:
    day, month, budget, everything = rules
    text = RULES.format(version=version, rounding=rounding, day=day, month=month, budget=budget, all=everything)
    return parse_program(text)


class Shop:
    """One member's orders and their refunds, and a budget, by the pure functions."""

    def __init__(self, versions: list[Program]) -> None:
        self.versions = versions
        self.member: ProgramState = NEW
        self.used: dict[str, int] = {}
        self.orders: list[tuple[Program, Frame]] = []
        self.refunds: dict[int, list[Return]] = {}
        self.cuts: dict[int, Cut] = {}

    def buy(self, total: int, version: int) -> None:
        rules, number = self.versions[version], len(self.orders)
        left = {name: points * GRAIN - self.used.get(name, 0) for name, points in rules.plan.budgets.items()}
        basket = Basket(order=str(number), currency="GBP", total=total, occurred_at=NOW)
        got = evaluate(rules, basket, self.member, now=NOW, budgets=left)
        assert got.frame is not None
        self._take(got)
        self.orders.append((rules, got.frame))

    def refund(self, number: int, amount: int) -> None:
        rules, frame = self.orders[number]
        got = unwind(
            rules, frame, self._refunded(number), Return(amount), self.member, **self._of(number), cut=self._cut(number)
        )
        assert got.points >= 0
        self._take(got)
        self.refunds.setdefault(number, []).append(Return(amount))

    def cancel(self, number: int, which: int) -> None:
        rules, frame = self.orders[number]
        stand = self.refunds[number]
        others = stand[:which] + stand[which + 1 :]
        got = cancel(
            rules,
            frame,
            self._refunded(number),
            others,
            self.member,
            **self._of(number),
            cut=self._cut(number),
            used=self.used,
            versions=self.versions,
        )
        assert got.points <= 0
        self._take(got)
        self.refunds[number], self.cuts[number] = others, got.cut

    def check(self) -> None:
        """Nothing is used beyond what the version allows that allows most."""
        for (bonus, period), grains in _used_of(self.member).items():
            most = max(_cap(rules, bonus, period) for rules in self.versions)
            assert 0 <= grains <= most * GRAIN, (bonus, period)
        for name, grains in self.used.items():
            assert 0 <= grains <= max(rules.plan.budgets[name] for rules in self.versions) * GRAIN

    def _take(self, got: Any) -> None:
        self.member = got.member_after
        for name, grains in got.budgets:
            self.used[name] = self.used.get(name, 0) + grains

    def _refunded(self, number: int) -> Refunded:
        return apply_all(self.orders[number][1], self.refunds.get(number, []))

    def _cut(self, number: int) -> Cut:
        return self.cuts.get(number, ())

    def _of(self, number: int) -> dict[str, Any]:
        return {"order": str(number), "now": NOW}


def _used_of(member: ProgramState) -> Mapping[tuple[str, str], int]:
    return {(bonus, period): grains for bonus, period, grains in member.used}


def _cap(rules: Program, bonus: str, period: str) -> int:
    if not bonus:
        return rules.day_cap or 0
    caps = rules.plan.caps[bonus]
    return (caps.day if len(period) == len("2025-12-01") else caps.month) or 0


@settings(max_examples=600, deadline=None)
@given(
    rounding=st.sampled_from(["half-up", "carry"]),
    rules=st.lists(some_rules, min_size=1, max_size=3),
    steps=st.data(),
)
def test_no_cap_and_no_budget_is_exceeded_by_a_cancelled_refund(
    rounding: str, rules: list[Rules], steps: st.DataObject
) -> None:
    """Orders by several versions, refunds, and cancelled ones; at last everything comes back, and nothing is left."""
    shop = Shop([program(number + 1, rounding, each) for number, each in enumerate(rules)])
    for what in steps.draw(st.lists(st.sampled_from(["buy", "refund", "cancel", "at once"]), min_size=3, max_size=14)):
        open_refunds = [number for number, stand in shop.refunds.items() if stand]
        if what == "cancel" and open_refunds:
            number = steps.draw(st.sampled_from(open_refunds))
            shop.cancel(number, steps.draw(st.integers(0, len(shop.refunds[number]) - 1)))
        elif what in {"refund", "at once"} and shop.orders:
            number, amount = steps.draw(st.integers(0, len(shop.orders) - 1)), steps.draw(st.integers(1, 6000))
            before = replace(shop.member, tiers=()), dict(shop.used)
            shop.refund(number, amount)
            if what == "at once":
                shop.cancel(number, len(shop.refunds[number]) - 1)
                assert (replace(shop.member, tiers=()), shop.used) == before
        else:
            shop.buy(steps.draw(st.integers(1, 6000)), steps.draw(st.integers(0, len(rules) - 1)))
        shop.check()
    for number, (_, frame) in enumerate(shop.orders):
        shop.refund(number, frame.total)
    assert (shop.member.active, shop.member.used, shop.member.carried) == (0, (), ())
    assert set(shop.used.values()) <= {0}


def test_what_others_left_is_what_comes_again_and_is_said() -> None:
    rules = program(1, "half-up", (50, 90, 70, 200))
    shop = Shop([rules])
    shop.buy(5000, 0)
    shop.refund(0, 5000)
    shop.buy(3000, 0)
    _, frame = shop.orders[0]
    got = cancel(rules, frame, apply_all(frame, [Return(5000)]), [], shop.member, order="0", now=NOW, used=shop.used)
    assert -got.points == 50 + 20 + 20
    assert got.cut == got.details.bound == (("double", 20),)
    assert "double 20" in got.reason
    assert "double: 20 is all that others have left of it" in got.reason
    assert got.refunded_after == NOTHING


def test_use_of_long_ago_is_forgotten_and_its_room_is_whole() -> None:
    rules = program(1, "half-up", (50, 50, 70, 200))
    shop = Shop([rules])
    shop.buy(5000, 0)
    _, frame = shop.orders[0]
    later = NOW + 500 * DAY
    back = unwind(rules, frame, NOTHING, Return(5000), shop.member, order="0", now=later)
    got = cancel(rules, frame, back.refunded_after, [], back.member_after, order="0", now=later, used=shop.used)
    assert -got.points == back.points == 120
    assert got.cut == ()
