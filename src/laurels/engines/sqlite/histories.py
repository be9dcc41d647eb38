"""A member's entries, newest first."""

from collections.abc import Collection
from typing import NamedTuple

from laurels.engines.sqlite.chain import entry_of
from laurels.engines.sqlite.connection import Database, Row, as_array
from laurels.engines.sqlite.places import place_of, stretch_of
from laurels.model import Entry

Move = tuple[int, str, int]
"""The place of an entry, its kind, and its points."""

WIDER = 8
"""One statement looks through so many times as many stretches as the one before: whose entries are new is found in the
first ones, and whose are old in few statements, for each costs more than ten steps in the index.
"""


def history(db: Database, number: int, before: int | None, limit: int) -> list[Row]:
    """The point entries of a member and of those who became it, before a place (None: all), newest first.

    Costs by how many are read, and one step in the index for each stretch of the shard's places since the member was
    enrolled; after a merge by how many there are.
    """
    places = places_of(db, number, before)
    if places is None:
        return db.all("merged_entries", number, before, limit)
    rows, _ = _within(db, "member_entries", number, places, limit)
    return rows


class Places(NamedTuple):
    """Places from `since` up to and without `until`."""

    since: int
    until: int


def places_of(db: Database, number: int, before: int | None) -> Places | None:
    """Where the entries of a member may be, before a place (None: all). None after a merge: then they are in several
    shards, which time alone puts in one order.
    """
    members = db.all("merged_with", number)
    if len(members) > 1:
        return None
    if not members:
        return Places(0, 0)
    shard: int = members[0][1]
    first, end = place_of(shard, 0), place_of(shard, db.value("head_position", shard)) + 1
    return Places(db.value("enrolled_place", number) or first, end if before is None else min(end, before))


def moves_within(db: Database, number: int, places: Places, limit: int, *, wide: int = 1) -> tuple[list[Move], int]:
    """Of the entries of a member at these places their places, kinds and points, newest first, for who looks through
    many and shows few; and from which place on all were looked through. The first statement looks through `wide`
    stretches.
    """
    rows, since = _within(db, "member_moves", number, places, limit, wide=wide)
    return [(place, kind, points) for place, kind, points in rows], since


def merged_moves(db: Database, number: int, before: int | None, limit: int) -> list[Move]:
    """The same of a member and of those who became it, before a place (None: all)."""
    return [(place, kind, points) for place, kind, points in db.all("merged_moves", number, before, limit)]


def entries_at(db: Database, places: Collection[int]) -> dict[int, Entry]:
    """The entries at places."""
    if not places:
        return {}
    return {row[0]: entry_of(row) for row in db.all("entries_at", as_array(places))}


def _within(
    db: Database, query: str, number: int, places: Places, limit: int, *, wide: int = 1
) -> tuple[list[Row], int]:
    """Rows of a statement that begin with their place, stretch by stretch, and from which place on there are no more of
    them: the first place where they are fewer than the limit.
    """
    since, end = places
    rows: list[Row] = []
    newest, oldest = stretch_of(end - 1), stretch_of(since)
    while since < end and newest >= oldest:
        last = max(oldest, newest - wide + 1)
        rows += db.all(query, newest, number, end, limit - len(rows), last)
        if len(rows) == limit:
            break
        newest, wide = last - 1, wide * WIDER
    rows = [row for row in rows if row[0] >= since]  # in the oldest stretch there may be earlier ones
    return rows, rows[-1][0] if len(rows) == limit else since
