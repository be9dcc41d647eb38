"""What a program may not say: refused in one line with its path and name. The reference page shows each message."""

from pathlib import Path

import pytest

from laurels.awarding import check_publishable
from laurels.errors import ProgramError
from laurels.program import parse_program

RATE = '[[rates]]\nname = "all"\npoints = 1\nper = { GBP = "1.00", EUR = "1.00" }\n'
HEAD = f"version = 2\n{RATE}"
CARRY = "[rounding]\nto = 'carry'\n"
CAMPAIGN = HEAD + '[[campaigns]]\nname = "double"\nmultiply = "2"\n'
LINE = HEAD + '[[groups]]\nname = "week"\nscope = "line"\n[[campaigns]]\nname = "double"\ngroup = "week"\n'
ORDER = LINE.replace('"line"', '"order"')
TIERS = HEAD + "[tiers]\nlevels = [ { name = 'blue', reach = 0 }, { name = 'gold', reach = 1000 } ]\n"

# ruff: noqa: E501
EXTENDED = "[[extensions]]\nexpiring = ['{}', '{}']\nuntil = '{}'\n"
REFUSED = [
    (CAMPAIGN + "colour = 'red'", "campaigns[0].colour (double): there is no such key here"),
    (CAMPAIGN + "points = 0", "campaigns[0].points (double): must be a whole number from 1 to 1,000,000, not 0; leave it out for none"),
    ("version = 2", 'rates: name at least one, or say [earn] points = 1, per = { GBP = "10.00" }'),
    (HEAD + "[earn]\npoints = 1\nper = { GBP = '1.00' }", "earn: say earn or rates, not both"),
    (f"version = 2\nfrom = 2026-12-01T00:00:00\n{RATE}", "from: must be a time with an offset such as 2026-12-01T00:00:00Z"),
    (HEAD + RATE.replace("all", "more"), "rates[1] (more): never used: the rate all before it fits everything"),
    (HEAD.replace("name", "match = { brand = ['own'] }\nname") + RATE, "rates[1] (all): the name is used twice"),
    (HEAD.replace('per = { GBP = "1.00", EUR = "1.00" }', ""), 'rates[0] (all): say per, such as { GBP = "1.00" }, or per_quantity, such as "2"'),
    (HEAD + "[basis]\nexclude = [ { name = 'x' } ]", "basis.exclude[0] (x): say what is meant by sku, category, brand, kind, tag or region"),
    (HEAD + "[basis]\nexclude = [ { name = 'x', category = ['a//b'] } ]", "basis.exclude[0] (x): category: a category is segments joined by /, such as baby/formula"),
    (CAMPAIGN + '[[campaigns]]\nname = "double"\npoints = 1', "campaigns[1] (double): the name is used twice"),
    (CAMPAIGN.replace("double", "base"), "campaigns[0] (base): the name is that of a part of its own"),
    (CAMPAIGN.replace('"2"', '"0.5"'), "campaigns[0] (double): multiply must be 1 or more; what earns less has a rate of its own"),
    (CAMPAIGN.replace('"2"', '"101"'), "campaigns[0] (double): multiply must be 100 or less"),
    (HEAD.replace("name", "match = { category = ['a'] }\nname") + RATE.replace('"all"', "'more'\nmatch = { category = ['a/b'] }"), "rates[1] (more): never used: the rate all before it fits all its lines"),
    (CAMPAIGN + "match = { brand = ['x'], not_brand = ['x', 'y'] }", "campaigns[0] (double): fits no line: not_brand leaves out all that brand names"),
    (CAMPAIGN + "where = { nth_order = 3, every_nth_order = 2 }", "campaigns[0].where (double): order 3 is none of every 2 orders: say one of both"),
    (CAMPAIGN + "caps = {}", "campaigns[0].caps (double): say day, month, year or ever"),
    (CAMPAIGN + "where = { channel = ['online'] }", 'campaigns[0].where.channel[0] (double): must be one of "web", "mobile", "store", not "online"'),
    (CAMPAIGN + "from = 2026-12-05", 'campaigns[0].from (double): must be a local time in quotes and without an offset, such as "2026-12-05T00:00", not 2026-12-05 without quotes'),
    (CAMPAIGN.replace('multiply = "2"', ""), "campaigns[0] (double): say what it gives: multiply, points or per_unit"),
    (CAMPAIGN + 'group = "week"', "campaigns[0] (double): no group week"),
    (ORDER + 'multiply = "2"\ncaps = { day = 5 }', "campaigns[0] (double): caps and budgets of an exclusive group belong to the group"),
    (LINE + 'multiply = "2"\nspend_min = { GBP = "5.00" }', "campaigns[0] (double): a group by line takes multipliers without thresholds or caps of their own"),
    (CAMPAIGN + '[[groups]]\nname = "week"', "groups[0] (week): no campaign is in it"),
    (CAMPAIGN + 'from = "2026-12-05T00:00"\nuntil = "2026-12-05T00:00"', "campaigns[0] (double): until must be later than from"),
    (CAMPAIGN + 'from = "2026-03-29T01:30"', "campaigns[0].from (double): 2026-03-29T01:30: the hour from 01:00 does not exist that day in Europe/London"),
    (CAMPAIGN + 'until = "2026-10-25T01:30"', "campaigns[0].until (double): 2026-10-25T01:30: the hour from 01:00 comes twice that day in Europe/London"),
    (CAMPAIGN + 'from = "2026-02-30T00:00"', "campaigns[0].from (double): 2026-02-30T00:00 is not a local time such as 2026-12-05T00:00"),
    (CAMPAIGN + 'hours = ["20:00", "02:00"]', "campaigns[0] (double): hours: the second must be later than the first; hours do not cross midnight"),
    (CAMPAIGN + 'spend_min = { USD = "5.00" }', "campaigns[0].spend_min (double): no rate names USD"),
    (CAMPAIGN + "where = { tier = ['gold'] }", "campaigns[0].where.tier (double): no tier gold"),
    (HEAD.replace('"1.00"', '"11.00"') + CARRY, "rates[0] (all): GBP 11.00 does not divide into grains of a point; carry cannot keep it"),
    (HEAD + CARRY + "at = 'line'", 'rounding.at: carry keeps what is left of a whole order; say at = "order"'),
    (HEAD + "[tiers]\nsoft_landing = true", "tiers: soft_landing needs levels"),
    (TIERS.replace("1000", "0"), "tiers.levels[1] (gold): reach must be more than that of blue before it"),
    (TIERS + "counts = 'spend'", "tiers.counts: spend in more than one currency (EUR, GBP) does not add up"),
    (HEAD + "[expiry]\nkind = 'after-months'", "expiry.months: say after how many months"),
    (HEAD + "[expiry]\nkind = 'fixed-date'\ndate = '02-29'", "expiry.date: 02-29 is not a day of every year, such as 12-31"),
    (HEAD + "[expiry]\nkind = 'never'\nmonths = 1", "expiry.months: has no meaning where kind is never"),
    (HEAD + "[expiry]\nkind = 'never'\nremind_days = [7]", "expiry.remind_days: has no meaning where kind is never"),
    (HEAD + "[expiry]\nkind = 'inactivity'\nmonths = 1\nremind_days = [7, 7]", "expiry.remind_days: names a day twice"),
    (
        HEAD + EXTENDED.format("2027-03-01", "2027-02-01", "2027-09-01"),
        "extensions[0].expiring: the second day must be later than the first; it is not one of them",
    ),
    (
        HEAD + EXTENDED.format("2027-02-01", "2027-03-01", "2027-02-15"),
        "extensions[0].until: must not be earlier than 2027-03-01, where the days end",
    ),
    (
        HEAD
        + EXTENDED.format("2027-02-01", "2027-03-01", "2027-09-01")
        + EXTENDED.format("2027-02-20", "2027-03-10", "2027-09-01"),
        "extensions[1].expiring: names days that another extension names",
    ),
    (
        HEAD + EXTENDED.format("2027-02-30", "2027-03-01", "2027-09-01"),
        "extensions[0]: 2027-02-30 is not a day such as 2027-02-01",
    ),
    (f"version = 2\nexpected_redeemed = '1.2'\n{RATE}", "expected_redeemed: must lie between 0 and 1"),
]  # fmt: skip

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "program.md"


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[message[:60] for _, message in REFUSED])
def test_what_a_program_may_not_say(text: str, message: str) -> None:
    with pytest.raises(ProgramError) as raised:
        parse_program(text)
    assert raised.value.message == message
    assert "\n" not in message
    assert len(message) < 250


def test_the_page_shows_every_message() -> None:
    page = PAGE.read_text("utf-8")
    missing = [message for _, message in REFUSED if f"`{message}`" not in page and f"`` {message} ``" not in page]
    assert missing == []


@pytest.mark.parametrize(
    "more", ["spend_min = { GBP = '5.00' }", "units_min = 2", "order_cap = 5", "points = 5", "per_unit = 1"]
)
def test_a_group_by_line_takes_nothing_but_multipliers(more: str) -> None:
    with pytest.raises(ProgramError, match="a group by line takes multipliers without thresholds or caps of their own"):
        parse_program(LINE + f'multiply = "2"\n{more}')


def test_a_multiplier_that_is_not_whole_in_grains_cannot_be_carried() -> None:
    with pytest.raises(ProgramError, match=r"GBP 100800\.00 does not divide into grains of a point"):
        parse_program(CAMPAIGN.replace('"2"', '"1.001"').replace('"1.00"', '"100800.00"') + CARRY)


def test_the_how_to_shows_messages_as_they_are() -> None:
    page = (PAGE.parents[1] / "how-to" / "run-campaigns.md").read_text("utf-8")
    section = page.split("## What is refused, and why")[1].split("\n## ")[0]
    shown = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert len(shown) == 5
    assert set(shown) <= {message for _, message in REFUSED}


def test_a_program_that_asks_who_brought_whom_cannot_be_put_in_force() -> None:
    program = parse_program(CAMPAIGN + "where = { referred = true }\n")
    with pytest.raises(ProgramError) as refused:
        check_publishable(program, [])
    assert refused.value.message == "campaigns (double): where.referred: Laurels is not told who brought whom"


def test_a_program_has_limits() -> None:
    many = "".join(f'[[campaigns]]\nname = "c{n}"\npoints = 1\n' for n in range(200))
    assert len(parse_program(HEAD + many).campaigns) == 200
    for text, what in (
        (HEAD + many + '[[campaigns]]\nname = "one more"\npoints = 1\n', "200"),
        (CAMPAIGN + f"match = {{ sku = {[str(n) for n in range(501)]} }}", "500"),
        (HEAD + "#" * 256 * 1024, "256 KB"),
        ("version = 2\n" + "".join(RATE.replace("all", f"r{n}") for n in range(65)), "64"),
        (HEAD + "a = " + "[" * 5000, "TOML"),
    ):
        with pytest.raises(ProgramError, match=what):
            parse_program(text)
