"""An award whose arithmetic the native core did beside one that Python did: the same to the last byte, whatever the
program and the order; and the same refusals.
"""

import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from laurels.errors import LaurelsError
from laurels.model.times import parse_instant
from laurels.program import (
    NEW,
    Basket,
    BasketLine,
    MemberFacts,
    Payment,
    Program,
    ProgramState,
    evaluate,
    parse_program,
)
from laurels.program.state import Lot

pytest.importorskip("laurels_core", reason="it is about the native core, which is built where there is a cargo")

NOW = parse_instant("2026-12-05T10:00:00Z", "now")
MILLION = 1_000_000
BRANDS, CATEGORIES = (None, "own", "other"), (None, "home", "home/kitchen", "fuel", "tobacco")

multipliers = st.sampled_from(["1", "1.125", "1.5", "2", "3.333", "100"])
limits = st.sampled_from(
    ["", "", "caps = { month = 40 }", "caps = { day = 5, ever = 30 }", "budget = 90", "caps = { year = 2 }\nbudget = 1"]
)
matches = st.sampled_from(
    ["", 'match = { brand = ["own"] }', 'match = { category = ["home"] }', 'match = { not_tag = ["x"] }']
)
asked = st.sampled_from(
    [
        "",
        "",
        'where = { channel = ["web"] }',
        "where = { nth_order = 3 }",
        'from = "2026-12-05T10:00"',
        'until = "2026-12-05T10:00"',
    ]
)
gives = st.one_of(
    multipliers.map(lambda by: f'multiply = "{by}"'),
    st.builds(
        "\n".join,
        st.lists(
            st.sampled_from(
                ["points = 20", "per_unit = 3", 'spend_min = { GBP = "20.00" }', "units_min = 2", "order_cap = 30"]
            ),
            unique=True,
            min_size=1,
        ),
    ).filter(lambda said: "points" in said or "per_unit" in said),
    multipliers.map(lambda by: f'multiply = "{by}"\npoints = 7\norder_cap = 11'),
    multipliers.map(lambda by: f'multiply = "{by}"\nspend_min = {{ EUR = "1.00" }}'),
)
alone = st.tuples(gives, matches, asked, limits)
of_groups = st.tuples(
    multipliers.map(lambda by: f'multiply = "{by}"'), matches, asked, st.sampled_from(["g", "l"])
).map(lambda said: (*said[:3], f'group = "{said[3]}"'))
GROUPS = {
    "g": '[[groups]]\nname = "g"\ncaps = { month = 60 }\n',
    "l": '[[groups]]\nname = "l"\nscope = "line"\n',
}
HOME = '{ name = "home", match = { category = ["home"] }, points = 1, per = { GBP = "2.00", EUR = "3.00" } }'
OWN = '{ name = "own", match = { brand = ["own"] }, points = 1000, per = { GBP = "0.01", EUR = "5.00" } }'
ALL = '{ name = "all", points = 1, per = { GBP = "9.00", EUR = "9.00" } }'
rates = st.sampled_from(
    ['earn = { points = 3, per = { GBP = "7.00", EUR = "1.00" } }', f"rates = [{HOME}, {ALL}]", f"rates = [{OWN}]"]
)
more = st.sampled_from(
    [
        "",
        "caps = { order = 100, day = 150 }",
        'expiry = { kind = "after-months", months = 1 }',
        'tiers = { levels = [ { name = "blue", reach = 0 }, { name = "gold", reach = 10, multiply = "1.5" } ] }',
        'tiers = { counts = "spend", levels = [ { name = "blue", reach = 0, multiply = "1.25" } ] }',
    ]
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A program, as it is written."""
    campaigns = draw(st.lists(alone | of_groups, max_size=24))
    said = "".join(f'[[campaigns]]\nname = "c{n}"\n' + "\n".join(each) + "\n" for n, each in enumerate(campaigns))
    groups = "".join(group for name, group in GROUPS.items() if f'group = "{name}"' in said)
    excluded = draw(
        st.sampled_from(
            [
                '[ { name = "tobacco", category = ["tobacco"] } ]',
                '[ { name = "fuel", category = ["fuel"], region = ["GB-NIR"] }, { name = "one", sku = ["a"] } ]',
            ]
        )
    )
    rounding = draw(st.sampled_from(["half-up", "floor", "carry"]))
    head = (
        f'version = 2\nbasis = {{ exclude_payments = ["points"], exclude = {excluded} }}\n{draw(rates)}\n{draw(more)}\n'
    )
    text = f'{head}rounding = {{ to = "{rounding}" }}\n{groups}{said}'
    # Spend adds up in one currency alone.
    return re.sub(r', EUR = "\d.00"', "", text) if 'counts = "spend"' in text else text


lines = st.builds(
    BasketLine,
    sku=st.sampled_from([None, "a", "b"]),
    quantity=st.sampled_from([MILLION, 3 * MILLION, 250_000, 1, 10**15]),
    unit_price=st.integers(0, 60 * MILLION) | st.sampled_from([0, -MILLION, 10**13]),
    category=st.sampled_from(CATEGORIES),
    brand=st.sampled_from(BRANDS),
    tags=st.sampled_from([(), ("x",), ("x", "y")]),
    discount=st.sampled_from([0, 0, MILLION]),
)


@st.composite
def baskets(draw: st.DrawFn) -> Basket:
    """An order, at its lines' sum or at any other total."""
    found = tuple(draw(st.lists(lines, max_size=20)))
    exact = sum(max(0, each.quantity * each.unit_price - each.discount * MILLION) for each in found) // 10**10
    total = draw(st.sampled_from([exact, exact]) | st.integers(0, 10**5) | st.integers(0, 2**63 - 1))
    paid: dict[str, Any] = {}
    if draw(st.booleans()) and total:
        part = draw(st.integers(0, total))
        paid["payments"] = (Payment("points", part), Payment("card", total - part))
    return Basket(
        order="a",
        currency=draw(st.sampled_from(["GBP", "GBP", "EUR"])),
        total=min(total, 2**63 - 1),
        occurred_at=NOW,
        lines=found,
        channel=draw(st.sampled_from(["web", "store"])),
        region=draw(st.sampled_from([None, "GB-NIR"])),
        **paid,
    )


states = st.sampled_from(
    [
        NEW,
        ProgramState(lots=(Lot(2**62, 2**62, 9),), orders=2, used=(("c0", "2026-12", 5), ("c1", "ever", 10**11))),
        ProgramState(carried=(("GBP", 5_039_999_999),), counted=((2026 * 12 + 11, 60 * 5_040_000_000),)),
    ]
)


def judged(program: Program, basket: Basket, state: ProgramState, budgets: dict[str, int]) -> Any:
    """All that an award leads to, in bytes; or why it is refused."""
    try:
        got = evaluate(program, basket, state, now=NOW + 5, person=MemberFacts(), budgets=budgets)
    except LaurelsError as error:
        return type(error), error.message
    return (
        got.points,
        got.counted,
        got.encoded,
        got.details.encode(),
        got.member_after.encode(),
        got.budgets,
        got.reason,
    )


@settings(max_examples=300)
@given(text=texts(), orders=st.lists(baskets(), min_size=1, max_size=4), state=states, left=st.integers(0, 10**12))
def test_what_the_core_works_out_is_what_python_works_out(
    text: str, orders: list[Basket], state: ProgramState, left: int
) -> None:
    try:
        in_core, in_python = parse_program(text), parse_program(text)
    except LaurelsError:
        assume(False)
    in_python.plan.of_core.update({"GBP": None, "EUR": None})
    for basket in orders:
        assert judged(in_core, basket, state, {"c0": left}) == judged(in_python, basket, state, {"c0": left})
    assert all(table is not None for table in in_core.plan.of_core.values())


def test_the_core_judges_what_it_can() -> None:
    """Else nothing would be compared above."""
    program = parse_program(
        'version = 2\nearn = { points = 1, per = { GBP = "1.00" } }\n[[campaigns]]\nname = "c"\nmultiply = "2"\n'
    )
    basket = Basket(order="a", currency="GBP", total=1000, occurred_at=NOW)
    assert evaluate(program, basket, NEW, now=NOW).counted == (("base", 10), ("c", 10))
    assert program.plan.of_core["GBP"] is not None
