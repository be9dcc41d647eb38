"""Ending a campaign early: the same program with another `until`, and nothing else."""

import re
import tomllib
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from laurels.clock import MINUTE
from laurels.errors import ProgramError
from laurels.model.times import format_instant
from laurels.program.local_time import instant_of, local_of
from laurels.program.publishing import differences

if TYPE_CHECKING:
    from laurels.program.program import Program

_HEADER = re.compile(r"\s*\[")
_CAMPAIGN = re.compile(r"\s*\[\[\s*campaigns\s*\]\]\s*(#.*)?$")


def stopped(program: "Program", campaign: str, version: int, at: int) -> str:
    """The text of a version in which a campaign ends at an instant (to the second), or where the clock shows that time
    twice, as soon as it no longer does. Everything else is left as it is written, comments too.

    Raises `ProgramError` where there is no such campaign, where it ends no later anyway, and where it is written in a
    way that is not edited line by line.
    """
    found = next((each for each in program.campaigns if each.name == campaign), None)
    if found is None:
        raise ProgramError(f"There is no campaign {campaign} in version {program.version}.")
    if found.ends is not None and found.ends <= at:
        raise ProgramError(f"The campaign {campaign} ends at {format_instant(found.ends)} anyway.")
    text = _edited(program.text, campaign, version, _local(at, program.zone))
    try:
        said = {each.path for each in differences(program.text, text)}
    except tomllib.TOMLDecodeError:
        said = set()
    if not said or not said <= {"version", "from", f"campaigns[{campaign}].until"}:
        raise ProgramError(
            f"The campaign {campaign} is not written under a line [[campaigns]] of its own, so it cannot be ended by "
            f"this. Submit version {version} without it."
        )
    return text


def _local(at: int, zone: ZoneInfo) -> str:
    """A local time that there is once."""
    while True:
        text = local_of(at, zone).replace(tzinfo=None).isoformat(timespec="seconds")
        try:
            instant_of(text, zone)
        except ValueError:
            at += MINUTE
        else:
            return text


def _edited(text: str, campaign: str, version: int, until: str) -> str:
    lines = text.splitlines(keepends=True)
    top = next((n for n, line in enumerate(lines) if _HEADER.match(line)), len(lines))
    begins = _place(lines, campaign)
    if begins is None:
        return text
    ends = next((n for n in range(begins + 1, len(lines)) if _HEADER.match(lines[n])), len(lines))
    kept = [line for line in lines[begins + 1 : ends] if not re.match(r"\s*until\s*=", line)]
    head = [
        re.sub(r"^(\s*version\s*=\s*)\d+", rf"\g<1>{version}", line)
        for line in lines[:top]
        if not re.match(r"\s*from\s*=", line)
    ]
    return "".join([*head, *lines[top : begins + 1], f'until = "{until}"\n', *kept, *lines[ends:]])


def _place(lines: list[str], campaign: str) -> int | None:
    """The line [[campaigns]] under which a campaign is written."""
    for begins, line in enumerate(lines):
        if not _CAMPAIGN.match(line.rstrip("\r\n")):
            continue
        ends = next((n for n in range(begins + 1, len(lines)) if _HEADER.match(lines[n])), len(lines))
        try:
            if tomllib.loads("".join(lines[begins + 1 : ends])).get("name") == campaign:
                return begins
        except tomllib.TOMLDecodeError:
            continue
    return None
