"""A program that somebody got wrong is refused in one line with its key and what that must be; what it could be meant
otherwise is warned of; and a program that is right is never refused for how it is written.
"""

import copy
import random
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.toml_text import toml_text

from laurels.errors import ProgramError
from laurels.program import doubts, parse_program

# ruff: noqa: E501

EARN = 'version = 1\n[earn]\npoints = 1\nper = { GBP = "10.00" }\n'
CAMPAIGN = EARN + '[[campaigns]]\nname = "double"\nmultiply = "2"\n'
RATES = 'version = 1\n[[rates]]\nname = "fuel"\nmatch = {%s}\npoints = 1\nper = { GBP = "2.00" }\n'
SECOND = '[[rates]]\nname = "more"\nmatch = {%s}\npoints = 1\nper = { GBP = "1.00" }\n'
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "program.md"
EVERYTHING = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]


def refused(text: str) -> str:
    with pytest.raises(ProgramError) as raised:
        parse_program(text)
    message = raised.value.message
    assert "\n" not in message
    assert len(message) <= 250
    return message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CAMPAIGN + "caps = { day = 0 }", "campaigns[0].caps.day (double): must be a whole number from 1 to 100,000,000, not 0; leave it out for none"),
        (CAMPAIGN + "caps = {}", "campaigns[0].caps (double): say day, month, year or ever"),
        (CAMPAIGN.replace('"2"', "2"), 'campaigns[0].multiply (double): must be a decimal in quotes from 1 on, such as "2" or "1.5", not 2'),
        (CAMPAIGN + "points = -5", "campaigns[0].points (double): must be a whole number from 1 to 1,000,000, not -5"),
        (CAMPAIGN + "spend_min = { GBP = 50 }", 'campaigns[0].spend_min.GBP (double): must be a decimal in quotes, such as "10.00", not 50'),
        (CAMPAIGN + "from = 2026-12-05", 'campaigns[0].from (double): must be a local time in quotes and without an offset, such as "2026-12-05T00:00", not 2026-12-05 without quotes'),
        (CAMPAIGN + 'from = "2026-12-05"', 'campaigns[0].from (double): must be a local time in quotes and without an offset, such as "2026-12-05T00:00", not "2026-12-05"'),
        (CAMPAIGN + 'hours = ["9:00", "17:00"]', 'campaigns[0].hours[0] (double): must be a time of day in quotes, such as "17:30", not "9:00"'),
        (CAMPAIGN + 'group = ["a", "b"]', "campaigns[0].group (double): must be a text in quotes, not a list of 2"),
        (CAMPAIGN + 'match = { category = "dairy" }', 'campaigns[0].match.category (double): must be a list in brackets of 1 to 500, each a text in quotes of 1 to 128 characters, not "dairy"'),
        (CAMPAIGN + 'match = { kind = ["good"] }', 'campaigns[0].match.kind[0] (double): must be one of "goods", "shipping", "fee", "tip", "deposit", "gift_card", "tax", not "good"'),
        (CAMPAIGN + 'where = { channel = ["online"] }', 'campaigns[0].where.channel[0] (double): must be one of "web", "mobile", "store", not "online"'),
        (CAMPAIGN + "where = { nth_order = 3, every_nth_order = 2 }", "campaigns[0].where (double): order 3 is none of every 2 orders: say one of both"),
        (CAMPAIGN + 'match = { category = ["a/b", "a"], not_category = ["a"] }', "campaigns[0] (double): fits no line: not_category leaves out all that category names"),
        (EARN + '[campaigns]\nname = "x"\nmultiply = "2"', "campaigns (x): must be a list of 0 to 200 tables, each under [[campaigns]], not a table"),
        (EARN + "[expiry]\nkind = 'after-months'\ndays = 30", "expiry.days: there is no such key here; there are kind, months, round, date, at_least_months, remind_days"),
        (EARN + "[[milestones]]\nname = 'First'\nabove = 1", 'milestones[0].name (First): must be a text in quotes of a-z, 0-9 and -, such as "100-points", not "First"'),
        (CAMPAIGN + 'until = "9999-12-31T23:59"', "campaigns[0].until (double): must lie between the years 1900 and 9000"),
        (CAMPAIGN + 'from = "0001-01-01T00:00"', "campaigns[0].from (double): must lie between the years 1900 and 9000"),
        ("from = 9999-12-31T23:59:59-14:00\n" + EARN, "from: must lie between the years 1900 and 9000"),
        ("", "version: has to be said: a whole number from 1 to 2,147,483,647"),
        (EARN + "points = 2\n", "The program is not valid TOML: Cannot overwrite a value (at line 5, column 11): points = 2"),
        (EARN + "points = 2", "The program is not valid TOML: Cannot overwrite a value (at end of document): points = 2"),
        (f"version = {'9' * 5000}", "The program is not valid TOML: a number in it is too long"),
        (f"time_zone = '{'x' * 5000}'\n{EARN}", f'time_zone: "{"x" * 40}…" is not a time zone such as Europe/London'),
        (RATES % "category = ['a']" + SECOND % "category = ['a/b']", "rates[1] (more): never used: the rate fuel before it fits all its lines"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_by_its_key_and_what_that_must_be(text: str, message: str) -> None:
    assert refused(text) == message


@pytest.mark.parametrize(
    "name", ['""', '"   "', '"x "', '" x"', '"a\\nb"', '"a\\u0085b"', '"\\u202Eabc"', '"a\\u2028b"', '"\\u00A0x"', "7"]
)
def test_a_name_can_be_seen(name: str) -> None:
    assert ".name" in refused(CAMPAIGN.replace('"double"', name))


def test_names_that_look_alike_are_one() -> None:
    once, twice = (f'[[campaigns]]\nname = "{name}"\npoints = 1\n' for name in ("caf\u00e9", "cafe\u0301"))
    assert refused(EARN + once + twice) == "campaigns[1] (cafe\u0301): the name is used twice"
    assert "the name is used twice" in refused(EARN + f'[[groups]]\nname = "caf\u00e9"\n{twice}group = "caf\u00e9"\n')


@pytest.mark.parametrize("name", ["Käse 🧀 — 奶酪", "👩‍🌾 week", "a; b 5", "עוד פעם", "2 for 1", "x"])
def test_a_name_may_be_in_any_script(name: str) -> None:
    assert parse_program(CAMPAIGN.replace("double", name)).campaigns[0].name == name


def test_a_program_is_the_same_however_it_is_written() -> None:
    """Editors begin files with a byte order mark and end lines in two ways; tables may be written inline."""
    plain = parse_program(CAMPAIGN)
    marked = parse_program("\ufeff" + CAMPAIGN)
    assert marked.text == plain.text
    inline = 'campaigns = [ { name = "double", multiply = "2" } ]\nversion = 1\n[earn]\nper.GBP = "10"\npoints = 1\n'
    for other in (marked, parse_program(CAMPAIGN.replace("\n", "\r\n")), parse_program(inline)):
        assert (other.campaigns, other.rates, other.version) == (plain.campaigns, plain.rates, plain.version)


@pytest.mark.parametrize(
    ("first", "second", "is_used"),
    [
        ("category = ['a']", "category = ['ab']", True),
        ("category = ['a/b']", "category = ['a']", True),
        ("category = ['a']", "category = ['a'], brand = ['x']", False),
        ("category = ['a'], brand = ['x']", "category = ['a']", True),
        ("brand = ['x', 'y']", "brand = ['y']", False),
        ("brand = ['y']", "brand = ['x', 'y']", True),
        ("not_category = ['a/b']", "not_category = ['a']", False),
        ("not_category = ['a']", "not_category = ['a/b']", True),
        ("not_category = ['a']", "category = ['b']", False),
        ("not_category = ['a/b']", "category = ['a']", True),
        ("not_tag = ['x']", "tag = ['y']", True),
        ("tag = ['x', 'y']", "tag = ['y']", False),
    ],
)
def test_a_rate_is_refused_only_where_another_takes_all_its_lines(first: str, second: str, *, is_used: bool) -> None:
    text = RATES % first + SECOND % second
    if is_used:
        assert len(parse_program(text).rates) == 2
    else:
        assert "never used" in refused(text)


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        (CAMPAIGN, []),
        (EVERYTHING, [
            "rates[0].per (fuel): says nothing of EUR, so an order in it with such a line goes to quarantine",
            "campaigns[1].spend_min (spend 50): says nothing of EUR, so orders in it get nothing of this campaign",
        ]),
        (CAMPAIGN.replace('"2"', '"1"'), ['campaigns[0].multiply (double): "1" is what everybody has; it gives nothing']),
        (CAMPAIGN + 'match = { category = ["dairy/*"] }', ["campaigns[0] (double): the category dairy/* is no pattern; a category means itself and all below it"]),
        (CAMPAIGN.replace("10.00\" }", '10.00", EUR = "9.00" }') + 'spend_min = { GBP = "5.00" }', ["campaigns[0].spend_min (double): says nothing of EUR, so orders in it get nothing of this campaign"]),
        ("from = 2027-01-01T00:00:00Z\n" + CAMPAIGN + 'until = "2026-12-31T00:00"', ["campaigns[0].until (double): it is over before this version is in force"]),
        (RATES % "category = ['fuel']" + (SECOND % "").replace("GBP", "EUR"), [
            "rates[0].per (fuel): says nothing of EUR, so an order in it with such a line goes to quarantine",
            "rates[1].per (more): says nothing of GBP, so an order in it with such a line goes to quarantine",
        ]),
        (CAMPAIGN.replace('multiply = "2"', "points = 500") + "order_cap = 800\ncaps = { day = 100, ever = 900 }", ["campaigns[0].points (double): nobody gets 500 points, since its caps and budget let 100 through"]),
        (EARN + "[expiry]\nkind = 'after-months'\nmonths = 1\nremind_days = [7, 30]", ["expiry.remind_days: 30 days are more than points live, so a mail follows at once"]),
        (EARN + "[tiers]\nlevels = [ { name = 'a', reach = 0, multiply = '2' }, { name = 'b', reach = 5 } ]", ["tiers.levels[1].multiply (b): gives less than a below it"]),
    ],
)  # fmt: skip
def test_what_may_not_be_meant_is_warned_of(text: str, warnings: list[str]) -> None:
    assert doubts(parse_program(text)) == warnings


WRONG: list[Any] = [
    0, -1, 7, 10**30, 1.5, float("inf"), True, "", "x", " ", "£1", "1,5", "-1", "2026-12-05", "\u202e", "x" * 5000,
    [], ["x"], [0], [[]], {}, {"x": 1}, {"GBP": 1}, {"GBP": "x"}, [{}], [{"name": 1}],
]  # fmt: skip


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a table, the whole left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    return found + [spot for key, each in inner for spot in spots(each, (*path, key))]


def test_whatever_is_wrong_anywhere_is_read_or_told_in_a_persons_words() -> None:
    """Any value in any place of the page's program, keys misspelt and left out: refused in one line that begins with
    a path of the program, or read; nothing else is raised.
    """
    rng, whole = random.Random(14), tomllib.loads(EVERYTHING)
    told = 0
    for _ in range(1500):
        table = copy.deepcopy(whole)
        *above, last = rng.choice(spots(table))
        here = table
        for key in above:
            here = here[key]
        match rng.randrange(4):
            case 0 if isinstance(last, str):
                here[last[::-1] + "x"] = here.pop(last)
            case 1:
                del here[last]
            case _:
                here[last] = rng.choice(WRONG)
        try:
            parse_program(toml_text(table))
        except ProgramError as error:
            told += 1
            message = error.message
            assert re.match(r"[a-z_]+[\w.\[\]: ]*( \(.*\))?: ", message) or "TOML" in message, message
            assert not re.search(r"`|Expected|Object|regex|null|NoneType", message), message
            assert message.isprintable()
            assert len(message) <= 250
    assert told > 700


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 120_000 + " = 1\n",
        "".join(f"a{number}" + ".a" * 700 + " = 1\n" for number in range(150)),
        "[a" + ".a" * 120_000 + "]\n",
        'a = { b = """\n\' """, c' + ".c" * 100_000 + " = 1, d = '' }\n",
    ],
    ids=["one key", "many keys", "a header", "behind quotes"],
)
def test_no_text_makes_its_reader_work_without_bound(text: str) -> None:
    """The reader of TOML makes a tuple of each beginning of a key: of one of 120,000 parts, 50 GB."""
    assert refused(text) == "The program has too many dots in a line: write long lists one value a line"


def test_a_list_of_500_numbers_may_stand_in_one_line() -> None:
    listed = ", ".join(f'"{number}.{number}.A"' for number in range(500))
    assert len(parse_program(CAMPAIGN + f"match = {{ sku = [{listed}] }}").campaigns) == 1
