"""The rows of a ledger in a file that moves to another engine, of one moment."""

import heapq
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiosql
import msgspec

from laurels.checkout import SOURCE
from laurels.engines.sqlite.connection import Database, Row, wrapped
from laurels.engines.sqlite.places import end_of, place_of, position_at, shard_at
from laurels.engines.sqlite.schema import LATEST, version_of
from laurels.errors import SchemaTooOld
from laurels.ledger.moving import LeavingDocument, LeavingEntry, LeavingLedger, LeavingMember, ShardPosition

_queries = aiosql.from_path(Path(__file__).with_name("moving.sql"), "apsw", mandatory_parameters=False)
_SQL: dict[str, str] = {
    name: getattr(_queries, name).sql for name in _queries.available_queries if not name.endswith("_cursor")
}
_places = msgspec.json.Decoder(tuple[int, ...])


class MovingOut:
    """Reads a file in one transaction, which ends with `close`. Raises what opening a ledger raises."""

    def __init__(self, path: Path) -> None:
        with wrapped():
            self._db = Database(path, read_only=True)
            if version_of(self._db.connection) < LATEST:
                self._db.close()
                raise SchemaTooOld
            self._db.execute("BEGIN")

    def close(self) -> None:
        """Let go of the file."""
        with closing(self._db):
            self._db.execute("COMMIT")

    def ledger(self) -> LeavingLedger:
        """Who it is."""
        [row] = self._each("leaving_ledger")
        heads = [[shard, position, digest.hex()] for shard, position, digest in self._each("leaving_heads")]
        [changed] = self._each("leaving_state")
        return LeavingLedger(
            identity=row[0],
            state=json.dumps([heads, changed, row[5]]),
            epoch=row[1],
            created_at=row[2],
            secret=row[3],
            next_member=row[4],
            last_sequence=row[5] or 0,
            numbered_names=row[6],
            names_key=row[7],
            names_since=row[8],
            entries=row[9],
            ready=row[10],
            audit_cut=(row[11], row[12], row[13]),
        )

    def members(self) -> Iterator[LeavingMember]:
        """By number."""
        for row in self._each("leaving_members"):
            number, member_id, name_number, hidden, enrolled_at, merged_into, place, secret, *totals = row
            yield LeavingMember(
                number,
                member_id,
                name_number,
                bool(hidden),
                enrolled_at,
                merged_into,
                None if place is None else _at(place),
                secret,
                None if totals[0] is None else tuple(totals),
            )

    def entries(self) -> Iterator[LeavingEntry]:
        """In the order of recording: that of each shard's feed, and of shards by time."""
        shards: list[int] = [shard for shard, _, _ in self._each("leaving_heads")]
        feeds = [self._each("leaving_entries", place_of(shard, 0), end_of(shard)) for shard in shards]
        for row in heapq.merge(*feeds, key=lambda row: (row[15], row[0])):
            place, *columns = row[:16]
            digest, format_, details, reason, note, content = row[16:]
            yield LeavingEntry(_at(place), tuple(columns), digest, format_, details, reason, note, content)

    def documents(self) -> Iterator[LeavingDocument]:
        """In the order of acceptance."""
        for row in self._each("leaving_documents"):
            place, lying, order, further, spent = row[7], row[8:18], row[18:28], row[28], row[29:]
            is_order = place is not None and order[0] is not None
            yield LeavingDocument(
                sequence=row[0],
                kind=row[1],
                source=row[2],
                id=row[3],
                member=row[4],
                fingerprint=row[5],
                accepted_at=row[6],
                at=None if place is None else _at(place),
                lying=None if lying[0] is None else tuple(lying),
                order=tuple(order) if is_order else None,
                further=tuple(_at(each) for each in _places.decode(further)[1:]) if is_order and further else (),
                spent=None if spent[0] is None else (spent[0], spent[1]),
            )

    def rest(self, part: str) -> Iterator[tuple[Any, ...]]:
        """The rows of one of the other parts."""
        for row in self._each(f"leaving_{part}"):
            yield _intent(row) if part == "intents" else tuple(row)

    def _each(self, name: str, *bindings: Any) -> Iterator[Row]:
        with wrapped():
            yield from self._db.execute(_SQL[name], bindings)


def _at(place: int) -> ShardPosition:
    return shard_at(place), position_at(place)


def _intent(row: Row) -> tuple[Any, ...]:
    source, _, order_id = row[0].rpartition("\n")
    return source or SOURCE, order_id, *row[1:]
