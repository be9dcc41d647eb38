"""A member's entries, newest first."""

from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.places import place_of, stretch_of

WIDER = 8
"""One statement looks through so many times as many stretches as the one before: whose entries are new is found in the
first ones, and whose are old in few statements, for each costs more than ten steps in the index.
"""


def history(db: Database, number: int, before: int | None, limit: int) -> list[Row]:
    """The point entries of a member and of those who became it, before a place (None: all), newest first.

    Costs by how many are read, and one step in the index for each stretch of the shard's places; after a merge by how
    many there are.
    """
    members = db.all("merged_with", number)
    if len(members) > 1:  # in several shards, which time alone puts in one order
        return db.all("merged_entries", number, before, limit)
    if not members:
        return []
    shard: int = members[0][1]
    end = place_of(shard, db.value("head_position", shard)) + 1
    if before is not None:
        end = min(end, before)
    rows: list[Row] = []
    newest, oldest, wide = stretch_of(end), stretch_of(place_of(shard, 0)), 1
    while newest >= oldest and len(rows) < limit:
        last = max(oldest, newest - wide + 1)
        rows += db.all("member_entries", newest, number, end, limit - len(rows), last)
        newest, wide = last - 1, wide * WIDER
    return rows
