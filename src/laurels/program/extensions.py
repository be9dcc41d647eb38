"""Points that lapse later than was said when they were earned: a version of the program extends them.

What is said holds for every point that would lapse on the days named and has not, looked at or not: it is applied when
a member is read.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from laurels.errors import ProgramError
from laurels.program.local_time import midnight_after
from laurels.program.tables import ExtensionTable


class Extension(Struct, frozen=True, gc=False):
    """Points that would lapse from `begins` on and before `ends` lapse `until`, which is no earlier."""

    begins: int
    ends: int
    until: int


def extended(extensions: Sequence[Extension], expires: int) -> int:
    """When points lapse that would at an instant. Linear in the extensions, and in how often they apply."""
    while True:
        later = next((each.until for each in extensions if each.begins <= expires < each.ends), None)
        if later is None:
            return expires
        expires = later


def build_extensions(tables: Sequence[ExtensionTable], zone: ZoneInfo) -> tuple[Extension, ...]:
    """What a program says of it. Raises `ProgramError`."""
    found: list[Extension] = []
    for number, table in enumerate(tables):
        path = f"extensions[{number}]"
        first, end, until = (_day(text, zone, path) for text in (*table.expiring, table.until))
        if first >= end:
            raise ProgramError(f"{path}.expiring: the second day must be later than the first; it is not one of them")
        if until < end:
            raise ProgramError(f"{path}.until: must not be earlier than {table.expiring[1]}, where the days end")
        if any(first < each.ends and each.begins < end for each in found):
            raise ProgramError(f"{path}.expiring: names days that another extension names")
        found.append(Extension(first, end, until))
    return tuple(found)


def _day(text: str, zone: ZoneInfo, path: str) -> int:
    """The instant at which a day begins."""
    try:
        return midnight_after(date.fromisoformat(text) - timedelta(days=1), zone)
    except (ValueError, OverflowError) as error:
        raise ProgramError(f"{path}: {text} is not a day such as 2027-02-01") from error
