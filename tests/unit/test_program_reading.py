"""Programs are read strictly: a bad one is refused with one line that says what is wrong and where."""

import pytest

from laurels.errors import ProgramError
from laurels.program import DEFAULT_PROGRAM, Milestone, parse_program

GOOD = """
version = 3
[earn]
points = 2
per = { GBP = "10.00", JPY = "1500" }
"""


def test_the_default_program_is_as_designed() -> None:
    program = parse_program(DEFAULT_PROGRAM)
    assert (program.version, program.time_zone, program.text) == (1, "Europe/London", DEFAULT_PROGRAM)
    assert (program.earn.points, program.earn.per, program.earn.rounding) == (1, {"GBP": 1000, "EUR": 1000}, "half-up")
    assert program.milestones == (Milestone(name="100-points", above=100),)
    assert program.zone.key == "Europe/London"


def test_what_is_left_out_is_the_default() -> None:
    program = parse_program(GOOD)
    assert (program.name, program.time_zone, program.earn.rounding, program.milestones) == (
        "",
        "Europe/London",
        "half-up",
        (),
    )
    assert program.earn.per == {"GBP": 1000, "JPY": 1500}


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        (GOOD, "", "version"),
        (GOOD, "version = ", "not valid TOML"),
        (GOOD, "\x00", "not valid TOML"),
        ("version = 3", "version = 3\nversion = 4", "not valid TOML"),
        ("version = 3", "", "version"),
        ("version = 3", "version = 0", "version"),
        ("version = 3", "version = -1", "version"),
        ("version = 3", "version = 99999999999", "version"),
        ("version = 3", "version = 1.5", "version"),
        ("version = 3", 'version = "3"', "version"),
        ("version = 3", "version = true", "version"),
        ("version = 3", "version = 3\nbonus = 5", "bonus"),
        ("version = 3", 'version = 3\ntime_zone = "Mars/Olympus"', "time_zone"),
        ("version = 3", 'version = 3\ntime_zone = ""', "time_zone"),
        ("version = 3", 'version = 3\ntime_zone = "../../etc/passwd"', "time_zone"),
        ("version = 3", f'version = 3\nname = "{"x" * 201}"', "name"),
        ("[earn]", "[earns]", "earn"),
        ("[earn]", "[earn]\nbonus = 5", "bonus"),
        ("points = 2", "points = 0", "earn.points"),
        ("points = 2", "points = -2", "earn.points"),
        ("points = 2", "points = 1.5", "earn.points"),
        ("points = 2", "points = 1000001", "earn.points"),
        ("points = 2", "", "points"),
        ('"10.00"', "10.00", "earn.per"),
        ('"10.00"', '"0.00"', "earn.per.GBP"),
        ('"10.00"', '"-10.00"', "earn.per.GBP"),
        ('"10.00"', '"10.001"', "earn.per.GBP"),
        ('"10.00"', '"1e3"', "earn.per.GBP"),
        ('"10.00"', '"ten"', "earn.per.GBP"),
        ('"1500"', '"1500.50"', "earn.per.JPY"),
        ("JPY", "XXX", "earn.per"),
        ("JPY", "gbp", "earn.per"),
        ('{ GBP = "10.00", JPY = "1500" }', "{}", "earn.per"),
        ('{ GBP = "10.00", JPY = "1500" }', '"10.00"', "earn.per"),
        ("points = 2", 'points = 2\nrounding = "ceil"', "earn.rounding"),
        ("points = 2", "points = 2\nrounding = 1", "earn.rounding"),
    ],
)
def test_a_bad_program_is_refused_in_one_line(was: str, becomes: str, says: str) -> None:
    _is_refused(GOOD.replace(was, becomes), says)


@pytest.mark.parametrize(
    ("milestone", "says"),
    [
        ("above = 100", "name"),
        ('name = "a"', "above"),
        ('name = "a"\nabove = -1', "above"),
        ('name = "a"\nabove = 2147483647', "above"),
        ('name = "a"\nabove = 1.5', "above"),
        ('name = "A B"\nabove = 1', "name"),
        ('name = ""\nabove = 1', "name"),
        ('name = "a\\n"\nabove = 1', "name"),
        ('name = "a"\nabove = 1\ncolour = "gold"', "colour"),
        ('name = "a"\nabove = 1\n[[milestones]]\nname = "a"\nabove = 2', "every name may be used once"),
    ],
)
def test_a_bad_milestone_is_refused_in_one_line(milestone: str, says: str) -> None:
    _is_refused(f"{GOOD}\n[[milestones]]\n{milestone}\n", says)


def _is_refused(text: str, says: str) -> None:
    with pytest.raises(ProgramError) as raised:
        parse_program(text)
    assert says in raised.value.message
    assert "\n" not in raised.value.message
    assert len(raised.value.message) < 250
