"""A campaign is ended by a version that does nothing else, and leaves the text as a person wrote it."""

import random

import pytest

from laurels.errors import ProgramError
from laurels.model.times import parse_instant
from laurels.program import differences, parse_program, stopped

TEXT = """\
# Ours.
version = 4  # the fourth
from = 2026-10-01T00:00:00Z
time_zone = "Europe/London"

[[rates]]
name = "shopping"
points = 1
per = { GBP = "1.00" }

[[campaigns]]
name = "double dairy"  # every autumn
from = "2026-10-05T00:00"
until = "2026-12-12T00:00"
match = { category = [
  "grocery/dairy",
] }
multiply = "2"

[[campaigns]]
name = "welcome"
points = 50
[campaigns.where]
nth_order = 1
"""
NOON = parse_instant("2026-11-01T12:00:00Z", "at")


@pytest.mark.parametrize("name", ["double dairy", "welcome"])
def test_nothing_but_the_end_of_a_campaign_differs(name: str) -> None:
    after = stopped(parse_program(TEXT), name, 5, NOON)
    program = parse_program(after)
    assert {each.name: each.ends for each in program.campaigns}[name] == NOON
    assert {each.path for each in differences(TEXT, after)} == {"version", "from", f"campaigns[{name}].until"}
    assert {line for line in TEXT.splitlines() if "#" in line and "version" not in line} <= set(after.splitlines())


def test_an_hour_that_comes_twice_is_waited_out() -> None:
    """On 25 October 2026 the clock shows 01:30 twice: the end is the first time that it shows once."""
    at = parse_instant("2026-10-25T00:30:00Z", "at")
    after = parse_program(stopped(parse_program(TEXT), "double dairy", 5, at))
    assert after.campaigns[0].ends == parse_instant("2026-10-25T02:00:00Z", "at")


def test_any_instant_will_do() -> None:
    rng = random.Random(7)
    for _ in range(300):
        at = rng.randrange(parse_instant("2026-10-05T00:00:00Z", "at"), parse_instant("2026-12-11T00:00:00Z", "at"))
        ends = parse_program(stopped(parse_program(TEXT), "double dairy", 5, at)).campaigns[0].ends
        assert ends is not None
        assert -1_000_000 < ends - at <= 2 * 3_600_000_000


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        (TEXT, "triple", "no campaign triple"),
        (TEXT.replace("2026-12-12", "2026-10-12"), "double dairy", "anyway"),
        (
            TEXT.partition("[[campaigns]]")[0].replace(
                "\n\n[[rates", '\ncampaigns = [{name = "x", points = 1}]\n[[rates'
            ),
            "x",
            "not written under",
        ),
    ],
    ids=["unknown", "over", "in one line"],
)
def test_what_cannot_be_ended_is_refused(text: str, name: str, says: str) -> None:
    with pytest.raises(ProgramError, match=says):
        stopped(parse_program(text), name, 5, NOON)
