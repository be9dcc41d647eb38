"""Checking a ledger against its promises: what entries say of a member, whatever engine keeps them."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, cast

import msgspec
from msgspec import Struct

from laurels.ledger.chain import chained_hash
from laurels.ledger.names import NameNumbers
from laurels.ledger.upkeep import Finding
from laurels.model import EntryKind
from laurels.model.details import merged_into, restore_details
from laurels.model.entries import SCORED, worth
from laurels.model.months import Months

_MOST_ATTEMPTS = 64
"""How often a name number may have been another's already: with 50 million members one in 13 is."""

CHUNK = 2000

MonthOf = Callable[[int, int], int | None]
"""`Recount.month_of`."""


class KeptMember(Struct, frozen=True):
    """What an engine keeps of a member. `enrolment`: where its entry is, as the engine says; `given`: its number."""

    totals: tuple[int, int, int]
    hidden: bool
    name_number: int | None
    erased: bool
    merged_into: int | None
    enrolment: int | None
    given: bool


class CheckedMember(Struct):
    """What the entries read so far say of a member."""

    balance: int = 0
    earned: int = 0
    score: int = 0
    hidden: bool = False
    name_number: int | None = None
    enrolment: int | None = None
    former: tuple[int, ...] = ()
    """Name numbers that it bore before it was renamed."""
    renames: int = 0
    renamed_at: int = 0
    erased: bool = False
    merged_into: int | None = None
    seen: bool = False
    last_position: int = 0
    events: int = 0
    event_positions: int = 0
    """How many entries neither move its points nor enrol it, and the sum of their positions."""
    months: Months = Months()
    closed: dict[int, int] | None = None
    """Scores of months that are neither the newest nor the one before."""

    def add(self, kind: str, points: int, name_number: int | None, details: bytes | None, recorded_at: int = 0) -> None:
        """Add an entry."""
        earned, score = worth(kind, points, details)
        self.balance += points
        self.earned += earned
        self.score += score
        match kind:
            case EntryKind.HIDE | EntryKind.SHOW:
                self.hidden = kind == EntryKind.HIDE
            case EntryKind.ENROL | EntryKind.RENAME:
                if kind == EntryKind.RENAME:
                    self.renames, self.renamed_at = self.renames + 1, recorded_at
                    self.former += (self.name_number,) if isinstance(self.name_number, int) else ()
                self.name_number = name_number
            case EntryKind.ERASE:
                self.erased = True
            case EntryKind.MERGE if details is not None:
                into = merged_into(details)
                self.merged_into = self.merged_into if into is None else into

    def score_in(self, month: int, points: int) -> None:
        """Add to what it scored in a month."""
        self.months, closing = self.months.plus(month, points)
        for closed, scored in closing:
            self.closed = self.closed or {}
            self.closed[closed] = self.closed.get(closed, 0) + scored

    def scored(self) -> dict[int, int]:
        """What it scored by month, months of 0 left out."""
        return by_month([*self.months.open(), *(self.closed or {}).items()])

    def differences(self, kept: KeptMember, became: int | None) -> Iterator[str]:
        """What is kept of the member otherwise; `became`: whom by entries, in the end."""
        entries = (self.balance, self.earned, self.score)
        if kept.totals != entries:
            yield f"balance, earned and score are kept as {kept.totals}, its entries sum to {entries}"
        if not kept.given:
            yield "its number was never given"
        if kept.enrolment is None and self.name_number is None:  # accepted, and nothing awarded yet
            return
        if kept.enrolment != self.enrolment:
            yield f"its enrolment is kept as entry {kept.enrolment}, it is {self.enrolment}"
        if kept.hidden != self.hidden:
            yield f"it is {'hidden' if kept.hidden else 'shown'}, its entries say otherwise"
        if kept.name_number != self.name_number:
            yield f"its name number is {kept.name_number}, its entries say {self.name_number}"
        if kept.erased != self.erased:
            yield f"its id is {'gone' if kept.erased else 'there'}, its entries say otherwise"
        if kept.merged_into != became:
            yield f"it became member number {kept.merged_into}, its entries say {became}"

    def months_differ(self, kept: dict[int, int]) -> Iterator[str]:
        """What is kept of its months otherwise."""
        scored = self.scored()
        for month in sorted(kept.keys() | scored.keys()):
            if kept.get(month, 0) != scored.get(month, 0):
                yield f"in {month} it scored {kept.get(month, 0)} as kept, {scored.get(month, 0)} by its entries"


class CheckedRestorations:
    """What entries say came back of redemptions. Memory: by those of which something did."""

    def __init__(self) -> None:
        self._points: dict[tuple[str, str], int] = {}

    def add(self, kind: str, points: int, source: object, details: bytes | None) -> None:
        """Add an entry, in a damaged ledger one that may say anything."""
        if kind != EntryKind.RESTORE or details is None or not isinstance(source, str):
            return
        with suppress(msgspec.MsgspecError):
            key = source, restore_details(details).redemption_id
            self._points[key] = self._points.get(key, 0) + points

    def differences(self, kept: Iterable[tuple[str, str, int]]) -> Iterator[Finding]:
        """What is kept otherwise, by source and id: more or less could come back than is left."""
        came_back: dict[tuple[str, str], int] = {}
        for source, id, points in kept:
            came_back[source, id] = came_back.get((source, id), 0) + points
        for source, id in sorted(came_back.keys() | self._points.keys()):
            was, said = came_back.get((source, id), 0), self._points.get((source, id), 0)
            if was != said:
                yield Finding(f"redemption {source}/{id}", f"{was} points came back as kept, {said} by its entries")


async def look_further(findings: list[Finding], further: AsyncIterator[Finding]) -> None:
    """Add what a further look finds. Where something was found already, what it reads may be anything: whatever ends it
    then is told among the findings, which would be lost else. Raises what ends it where nothing was found.
    """
    try:
        async for finding in further:
            findings.append(finding)  # noqa: PERF401 - each as it comes: what was found before it ends is kept
    except Exception as error:
        if not findings:
            raise
        findings.append(Finding("ledger", f"not all of it can be looked at: {type(error).__name__}: {error}"))


def count_months(  # noqa: PLR0917 - an entry, as a row has it
    members: dict[int, CheckedMember],
    number: int,
    kind: str,
    points: int,
    details: bytes | None,
    at: Sequence[object],
    month_of: MonthOf,
) -> None:
    """Count an entry in its month, and all months of a member that became another one as that one's. `at` is the
    entry's (board_at, recorded_at); in a damaged ledger they may be anything.
    """
    match kind, at:
        case EntryKind.MERGE, _:
            _move_months(members, number)
        case _, [int(board_at), int(recorded_at)] if kind in SCORED:
            month, scored = month_of(board_at, recorded_at), worth(kind, points, details)[1]
            if month is not None and scored:
                members[number].score_in(month, scored)


def became(members: Mapping[int, CheckedMember], number: int) -> int | None:
    """Whom a member became in the end, by the entries read so far; None where it is its own, or in a damaged ledger
    members became each other.
    """
    found, passed = number, {number}
    while (member := members.get(found)) is not None and member.merged_into is not None:
        found = member.merged_into
        if found in passed:
            return None
        passed.add(found)
    return None if found == number else found


def _move_months(members: dict[int, CheckedMember], number: int) -> None:
    """To the member that it is in the end: what that one became may have been read before, in another shard."""
    gone, into = members[number], became(members, number)
    if into is not None:
        stays = members.setdefault(into, CheckedMember())
        scored, gone.months, gone.closed = gone.scored(), Months(), None
        for month, points in scored.items():
            stays.score_in(month, points)


def by_month(scores: Iterable[tuple[int, int]]) -> dict[int, int]:
    """What is scored by month, summed; months of 0 left out."""
    sums: dict[int, int] = {}
    for month, score in scores:
        sums[month] = sums.get(month, 0) + score
    return {month: score for month, score in sums.items() if score}


def former_names(members: Mapping[int, CheckedMember], *, numbered: int) -> Iterator[list[tuple[int, int]]]:
    """(name number, member) of every name that somebody bore before, in chunks: each has to be kept as that member's,
    or it might be given again. Those below `numbered` are kept by that number alone.
    """
    borne = ((name, number) for number, member in members.items() for name in member.former if name >= numbered)
    while chunk := list(islice(borne, CHUNK)):
        yield chunk


def name_lost(name: int, member: int) -> Finding:
    """A former name number that is not kept as that of who bore it."""
    return Finding(f"member number {member}", f"its former name number {name} is not kept as its own")


def otherwise_passed(name: str, member: int, points: int, score: int) -> Finding:
    """A milestone that an entry passed with another score than is kept."""
    return Finding(
        f"milestone {name} of member number {member}", f"passed with {points} points as kept, with {score} by entries"
    )


def is_its_name(
    names: NameNumbers | None,
    member: CheckedMember,
    member_id: str | None,
    enrolled_at: int | None,
    *,
    numbered: int,
    since: int,
) -> bool:
    """Whether a member's name number is one that its id may be given. Nothing can be said of who was erased, of who was
    named in order (below `numbered`) or not after the key was changed (`since`), or where no key is shown.
    """
    number, named_at = member.name_number, member.renamed_at or enrolled_at
    if names is None or member_id is None or not isinstance(number, int) or not isinstance(named_at, int):
        return True
    if number < numbered or named_at <= since:
        return True
    return any(names.number(member_id, member.renames, attempt) == number for attempt in range(_MOST_ATTEMPTS))


def follows(previous: bytes, shard: int, position: int, row: Sequence[Any]) -> bool:
    """Whether an entry's hash is the one that its columns make; in a damaged ledger they may be anything. The row has
    the columns in the order of `chained_hash`, then the hash, the format and the details.
    """
    *columns, stored, written_as, details = row
    try:
        hashed = chained_hash(previous, tuple(columns), details, written_as=written_as, shard=shard, position=position)
        return bool(stored == hashed)
    except (TypeError, ValueError):
        return False


def readable(details: object) -> bytes | None:
    """Details that say something; damaged ones show by their hash."""
    try:
        return None if details is None else msgspec.json.encode(msgspec.json.decode(cast("bytes", details)))
    except (msgspec.MsgspecError, TypeError, UnicodeDecodeError):
        return None
