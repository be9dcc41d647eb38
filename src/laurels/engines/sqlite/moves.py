"""Finding what moved a member's points: remembered from one look to the next, and what is old read by several threads.

A look takes a step in the index for each stretch of places since the member was enrolled, some hundred of them where
there are tens of millions of entries. Warm it takes microseconds, and from a disk a quarter of a millisecond, one after
the other. A page about a customer looks twice, and whoever works on one opens it again and again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from msgspec import Struct

from laurels.engines.sqlite.connection import Database
from laurels.engines.sqlite.histories import Move, Places, merged_moves, moves_within, places_of
from laurels.engines.sqlite.places import stretch_of, stretch_start
from laurels.engines.sqlite.reader import THREADS, Reader

REMEMBERED, MOST_MOVES = 256, 256
"""Members who were looked at last, and how many of their newest moves are remembered: some 10 MB at most."""

FIRST, FEWEST = 73, 128
"""Stretches that are looked through first, by three statements; and how many of the older ones are worth a thread."""

WIDE = 1024
"""Stretches of one statement from there on: most members' newest entries were found before."""


class FoundMoves(Struct):
    """A member's moves, newest first: all from the place `since` up to and without `until`, of those that there are
    from `oldest` on.
    """

    moves: list[Move]
    since: int
    until: int
    oldest: int

    def is_enough(self, limit: int) -> bool:
        """Whether there are so many, or no others."""
        return len(self.moves) >= limit or self.since <= self.oldest


class Moves:
    """Finds members' moves. For one event loop."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: OrderedDict[int, FoundMoves] = OrderedDict()

    def begin(self, db: Database, number: int, before: int | None, limit: int) -> FoundMoves:
        """What is found of the newest moves before a place (None: all) in one short read. Raises nothing of its own;
        for a reader's thread.
        """
        places = places_of(db, number, before)
        if places is None:
            return FoundMoves(merged_moves(db, number, before, limit), 0, 0, 0)
        found = self._newer(db, number, places, limit)
        if not found.is_enough(limit):
            first = max(found.oldest, stretch_start(stretch_of(found.since - 1) - FIRST + 1))
            more, since = moves_within(db, number, Places(first, found.since), limit - len(found.moves))
            found = FoundMoves(found.moves + more, since, found.until, found.oldest)
        return found

    async def rest(self, number: int, found: FoundMoves, limit: int) -> FoundMoves:
        """The same with what is missing of so many: the stretches that are left, read by all threads at once. Entries
        never change, so it matters not that each reads at another moment.
        """
        if found.is_enough(limit):
            return found
        left = limit - len(found.moves)
        parts = await asyncio.gather(
            *(
                self._reader.run(lambda db, part=part: moves_within(db, number, part, left, wide=WIDE))  # type: ignore[misc]
                for part in _parts(Places(found.oldest, found.since))
            )
        )
        moves = [*found.moves, *(move for of_part, _ in parts for move in of_part)][:limit]
        return FoundMoves(moves, moves[-1][0] if len(moves) == limit else found.oldest, found.until, found.oldest)

    def remember(self, number: int, found: FoundMoves) -> None:
        """Keep what was found of a member before no place: the newest of all."""
        if not found.until:  # of a merged member, whose moves are in no order of places
            return
        if len(found.moves) > MOST_MOVES:
            moves = found.moves[:MOST_MOVES]
            found = FoundMoves(moves, moves[-1][0], found.until, found.oldest)
        self._known[number] = found
        self._known.move_to_end(number)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _newer(self, db: Database, number: int, places: Places, limit: int) -> FoundMoves:
        """What is remembered of these places, with what has come since; nothing where these are older."""
        known, end = self._known.get(number), places.until
        if known is None or known.since >= end:
            return FoundMoves([], end, end, places.since)
        newer: list[Move] = []
        if known.until < end:
            newer, since = moves_within(db, number, Places(known.until, end), limit)
            if since > known.until:
                return FoundMoves(newer, since, end, places.since)
        before = [move for move in known.moves if move[0] < end]
        return FoundMoves(newer + before, known.since, end, places.since)


def _parts(places: Places) -> Sequence[Places]:
    """Places in parts for threads, by whole stretches, newest first."""
    first, last = stretch_of(places.since), stretch_of(places.until - 1)
    wide = max(FEWEST, -(-(last - first + 1) // THREADS))
    parts = []
    for stretch in range(last, first - 1, -wide):
        oldest = max(first, stretch - wide + 1)
        parts.append(Places(max(places.since, stretch_start(oldest)), min(places.until, stretch_start(stretch + 1))))
    return parts
