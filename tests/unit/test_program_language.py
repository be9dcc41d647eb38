"""The whole language is read; versions follow each other; two are compared key by key."""

import random
import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from laurels.errors import ProgramError, Refused
from laurels.model.times import from_datetime
from laurels.program import (
    DEFAULT_PROGRAM,
    NEW,
    Basket,
    check_successor,
    differences,
    earn,
    evaluate,
    parse_program,
    reverse,
    unseen,
    version_at,
)
from laurels.program.local_time import day_of_instant, instant_of, local_of
from laurels.program.rules import Caps

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "program.md").read_text("utf-8")
EVERYTHING = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]


def at(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text))


def test_the_program_on_the_page_is_read_whole() -> None:
    program = parse_program(EVERYTHING)
    assert (program.version, program.name, program.from_at) == (7, "Harvest Club", at("2026-12-01T00:00:00Z"))
    assert [rate.name for rate in program.rates] == ["fuel", "shopping"]
    assert (program.earn.points, program.earn.per, program.earn.rounding) == (1, {"GBP": 100, "EUR": 100}, "carry")
    dairy, spend = program.campaigns
    assert (dairy.starts, dairy.ends) == (at("2026-12-05T00:00:00Z"), at("2026-12-12T00:00:00Z"))
    assert (dairy.multiply, dairy.where.tier, dairy.group) == (2000, frozenset({"gold"}), "week")
    assert (spend.spend_min, spend.points, spend.holdout) == ((("GBP", 5000),), 500, 500)
    assert spend.caps == Caps(500, 1000, 5000, 10000)
    assert (program.order_cap, program.day_cap, program.pending_days, program.refund_days) == (10000, 20000, 14, 400)
    assert program.tiers is not None
    assert [level.multiply for level in program.tiers.levels] == [1000, 1250]
    assert program.expiry.end_of_month
    assert not program.plain
    assert (program.value, program.expected_redeemed) == ((("GBP", 10_000), ("EUR", 10_000)), 800_000)


def test_a_program_in_depth_is_not_judged_by_its_total_alone() -> None:
    """Whoever does not know of frames refuses, and never guesses."""
    program = parse_program(EVERYTHING)
    for judge in (lambda: earn(program, 100, "GBP"), lambda: reverse(program, 100, 100, "GBP")):
        with pytest.raises(Refused, match="version 7"):
            judge()


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2026-07-01T00:00", "Europe/London", "2026-06-30T23:00:00Z"),
        ("2026-12-05T00:00", "Europe/London", "2026-12-05T00:00:00Z"),
        ("2026-03-29T02:00", "Europe/London", "2026-03-29T01:00:00Z"),
        ("2026-10-25T02:00", "Europe/London", "2026-10-25T02:00:00Z"),
        ("2026-07-01T00:00:30", "Asia/Tokyo", "2026-06-30T15:00:30Z"),
    ],
)
def test_local_times_are_instants(text: str, zone: str, utc: str) -> None:
    assert instant_of(text, ZoneInfo(zone)) == at(utc)


def version(number: int, starts: str | None, zone: str = "Europe/London") -> str:
    line = f"from = {starts}\n" if starts else ""
    return f'version = {number}\n{line}time_zone = "{zone}"\nearn = {{ points = 1, per = {{ GBP = "1.00" }} }}\n'


def test_a_version_follows_the_one_before() -> None:
    now = at("2026-11-01T00:00:00Z")
    first = parse_program(version(1, None))
    second = parse_program(version(2, "2026-12-01T00:00:00Z"))
    check_successor(first, [], now)
    check_successor(second, [first], now)
    check_successor(parse_program(version(3, "2027-01-01T00:00:00Z")), [first, second], now)
    for text, message in (
        (version(2, "2027-01-01T00:00:00Z"), "version: must be more than 2, the last one published"),
        (version(3, "2027-01-01T00:00:00Z", "UTC"), "time_zone: must stay Europe/London, that of version 1"),
        (version(3, None), "from: say from when it holds; only the first version may leave it out"),
        (
            version(3, "2026-12-01T00:00:00Z"),
            "from: must be later than 2026-12-01T00:00:00Z, from when version 2 holds",
        ),
    ):
        with pytest.raises(ProgramError) as raised:
            check_successor(parse_program(text), [first, second], now)
        assert raised.value.message == message
    with pytest.raises(ProgramError, match=r"^from: must be later than the approval, 2026-12-01T00:00:00Z\Z"):
        check_successor(second, [first], at("2026-12-01T00:00:00Z"))


def test_the_version_in_force_is_the_last_that_holds() -> None:
    first, second = parse_program(version(1, None)), parse_program(version(2, "2026-12-01T00:00:00Z"))
    assert version_at([first, second], at("2026-11-30T23:59:59Z")) is first
    assert version_at([first, second], at("2026-12-01T00:00:00Z")) is second
    assert version_at([second], at("2026-11-30T23:59:59Z")) is None


def test_two_versions_are_compared_key_by_key() -> None:
    after = EVERYTHING.replace('multiply = "2"', 'multiply = "3"').replace("within_days = 400", "within_days = 30")
    after = after.replace('[[campaigns]]\nname = "spend 50"', '[[campaigns]]\nname = "spend fifty"')
    found = {each.path: (each.before, each.after) for each in differences(EVERYTHING, after)}
    assert found["campaigns[double dairy].multiply"] == ("2", "3")
    assert found["refunds.within_days"] == (400, 30)
    assert found["campaigns[spend 50].points"] == (500, None)
    assert found["campaigns[spend fifty].points"] == (None, 500)
    assert not any(path.startswith(("rates", "basis", "name")) for path in found)
    assert differences(EVERYTHING, EVERYTHING) == []


def test_what_nobody_had_is_a_warning() -> None:
    program = parse_program(EVERYTHING)
    had = ["tobacco/cigars", "baby/formulary", "alcohol", "fuel", "grocery/dairy/milk"]
    assert unseen(program, had, ["pensioner"]) == [
        "no order had the category baby/formula",
        "no member was in the segment student",
    ]


def test_a_version_that_rounds_gives_no_fraction_of_the_room_that_one_that_carried_left() -> None:
    """Caps are counted in grains; what a carrying version used of one need not be whole points."""
    rules = 'version = {}\nearn = {{ points = 1, per = {{ GBP = "1.00" }}, rounding = "{}" }}\n'
    bonus = 'campaigns = [ { name = "half more", multiply = "1.5", caps = { ever = 10 } } ]\n'
    carrying, rounding = (parse_program(rules.format(n, to) + bonus) for n, to in ((1, "carry"), (2, "floor")))
    now = from_datetime(datetime(2026, 11, 3, tzinfo=UTC))

    def order(name: str, total: int) -> Basket:
        return Basket(order=name, currency="GBP", total=total, occurred_at=now)

    first = evaluate(carrying, order("a", 1250), NEW, now=now)
    second = evaluate(rounding, order("b", 10_000), first.member_after, now=now)
    assert dict(second.parts)["half more"] == 3 * 5_040_000_000
    assert second.points == 103


def test_the_default_program_is_simple() -> None:
    program = parse_program(DEFAULT_PROGRAM)
    assert program.plain
    assert program.simple


@pytest.mark.parametrize("zone", ["Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham", "UTC"])
def test_the_day_of_an_instant_is_the_clocks_whatever_was_asked_before(zone: str) -> None:
    """Days are remembered by quarters of an hour: none begins inside one, in any zone, at any change of its clock."""
    rng, zone_info = random.Random(zone), ZoneInfo(zone)
    for _ in range(3000):
        midnight = at("2000-01-01T00:00:00Z") + rng.randrange(40 * 366) * 86_400_000_000
        instant = midnight + rng.randrange(-86_400, 86_400) * 1_000_000 + rng.randrange(1_000_000)
        assert day_of_instant(instant, zone_info) == local_of(instant, zone_info).date()
