"""Extending what points live for, by a version that does nothing else, and what versions have to keep to.

An extension is applied when a member is read, so a version may never unsay what the one before it said: points that
nobody looked at would lapse by another rule than those that somebody did.
"""

import re
import tomllib
from datetime import date
from typing import TYPE_CHECKING

from laurels.errors import ProgramError
from laurels.model.times import format_instant
from laurels.program.publishing import differences

if TYPE_CHECKING:
    from laurels.program.program import Program

_HEADER = re.compile(r"\s*\[")
_VERSION = re.compile(r"^(\s*version\s*=\s*)\d+")


def check_extensions(program: "Program", before: "Program", from_at: int | None) -> None:
    """Raise `ProgramError` where a program unsays what the version before it extended, or extends what lapses before
    the program is in force, at `from_at`.
    """
    for each in before.extensions:
        if each not in program.extensions:
            raise ProgramError(
                f"extensions: has to say again what version {before.version} extended until "
                f"{format_instant(each.until)}: points that nobody has looked at since lapse by it too"
            )
    for each in program.extensions:
        if each not in before.extensions and from_at is not None and each.begins < from_at:
            raise ProgramError(
                f"extensions: points that lapse at {format_instant(each.begins)} are to be extended, and the program "
                f"is in force only from {format_instant(from_at)}: what lapsed by then stays so"
            )


def with_extension(program: "Program", expiring: tuple[str, str], until: str, *, version: int, from_at: int) -> str:
    """The text of a version that extends points and does nothing else. What is written stays as it is, comments too.

    Raises `ProgramError` where the program is written in a way that is not edited line by line, or a day is none.
    """
    first, end, until = (_day(each) for each in (*expiring, until))
    lines = program.text.splitlines(keepends=True)
    top = next((n for n, line in enumerate(lines) if _HEADER.match(line)), len(lines))
    head = []
    for line in lines[:top]:
        if _VERSION.match(line):
            head += [_VERSION.sub(rf"\g<1>{version}", line), f"from = {format_instant(from_at)}\n"]
        elif not re.match(r"\s*from\s*=", line):
            head.append(line)
    added = f'\n[[extensions]]\nexpiring = ["{first}", "{end}"]\nuntil = "{until}"\n'
    text = "".join([*head, *lines[top:]]).rstrip("\n") + "\n" + added
    try:
        said = {each.path for each in differences(program.text, text)}
    except tomllib.TOMLDecodeError:
        said = set()
    mine = {"version", "from"} | {path for path in said if path.startswith("extensions")}
    if "version" not in said or said != mine:
        raise ProgramError(
            f"The rules are not written line by line, so they cannot be extended by this. Submit version {version} "
            "with a table [[extensions]]."
        )
    return text


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ProgramError(f"extensions: {text!r} is not a day such as 2027-02-01") from error
