"""When a campaign began that several versions of the program have, one after the other."""

from collections.abc import Sequence
from typing import NamedTuple

EVER, NEVER = -(2**63), 2**63


class VersionHeld(NamedTuple):
    """A campaign of one version, in instants: from when the version holds, and the campaign's own beginning and end;
    None: always, from the beginning, without an end.
    """

    holds_from: int | None
    starts: int | None
    ends: int | None


def began(versions: Sequence[VersionHeld]) -> int | None:
    """When it began to run without a gap, the last time that it did or will; None where it always ran. `versions` are
    the newest one and those before it that have the campaign, without one between that has not, oldest first. A
    version in between that says the same begins nothing.
    """
    newest = versions[-1]
    begins, ended = max(_from(newest.holds_from), _from(newest.starts)), None
    for n, each in enumerate(versions):
        starts = max(_from(each.holds_from), _from(each.starts))
        ends = NEVER if each.ends is None else each.ends
        if each is not newest:
            ends = min(ends, _from(versions[n + 1].holds_from))
        if starts >= ends:
            continue
        if ended is None or starts > ended:
            begins = starts
        ended = ends
    return None if begins == EVER else begins


def _from(at: int | None) -> int:
    return EVER if at is None else at
