"""A member's entries, newest first."""

from collections.abc import Collection

from laurels.engines.sqlite.chain import entry_of
from laurels.engines.sqlite.connection import Database, Row, as_array
from laurels.engines.sqlite.places import place_of, stretch_of
from laurels.model import Entry

WIDER = 8
"""One statement looks through so many times as many stretches as the one before: whose entries are new is found in the
first ones, and whose are old in few statements, for each costs more than ten steps in the index.
"""


def history(db: Database, number: int, before: int | None, limit: int) -> list[Row]:
    """The point entries of a member and of those who became it, before a place (None: all), newest first.

    Costs by how many are read, and one step in the index for each stretch of the shard's places since the member was
    enrolled; after a merge by how many there are.
    """
    return _walk(db, number, before, limit, ("member_entries", "merged_entries"))


def moves(db: Database, number: int, before: int | None, limit: int) -> list[tuple[int, str, int]]:
    """The same entries' places, kinds and points, for who looks through many and shows few."""
    return [(place, kind, points) for place, kind, points in _walk(db, number, before, limit, _MOVES)]


def entries_at(db: Database, places: Collection[int]) -> dict[int, Entry]:
    """The entries at places."""
    if not places:
        return {}
    return {row[0]: entry_of(row) for row in db.all("entries_at", as_array(places))}


_MOVES = ("member_moves", "merged_moves")


def _walk(db: Database, number: int, before: int | None, limit: int, queries: tuple[str, str]) -> list[Row]:
    """Rows of the first statement, stretch by stretch, or of the second, after a merge."""
    of_one, of_merged = queries
    members = db.all("merged_with", number)
    if len(members) > 1:  # in several shards, which time alone puts in one order
        return db.all(of_merged, number, before, limit)
    if not members:
        return []
    shard: int = members[0][1]
    end = place_of(shard, db.value("head_position", shard)) + 1
    if before is not None:
        end = min(end, before)
    rows: list[Row] = []
    newest, oldest, wide = stretch_of(end), stretch_of(db.value("enrolled_place", number) or place_of(shard, 0)), 1
    while newest >= oldest and len(rows) < limit:
        last = max(oldest, newest - wide + 1)
        rows += db.all(of_one, newest, number, end, limit - len(rows), last)
        newest, wide = last - 1, wide * WIDER
    return rows
