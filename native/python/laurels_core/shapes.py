"""The plain tuples that go in and out."""

from typing import TypeAlias

Op: TypeAlias = (
    tuple[int, int, int, str | None, int]
    | tuple[int, int, int, str, int]
    | tuple[int, int, int]
    | tuple[int, int, int, int]
)
"""One change, and the position of the entry that makes it. In this order:

* (position, JOINED, member, id or None where it was erased since, name number)
* (position, SCORED, member, board, points)
* (position, HIDDEN or SHOWN or ERASED, member)
* (position, RENAMED, member, name number)
* (position, MERGED, member, the member that goes on)
"""

Row: TypeAlias = tuple[int, int, int, int]
"""A place on a board: (rank, member, name number, points)."""

MeTuple: TypeAlias = tuple[int, int, int, bool, int | None, int | None, int]
"""A member's own place: (member, name number, points, hidden, rank, position, tied). Not ranked: None, None, 0."""

ViewTuple: TypeAlias = tuple[int, dict[int, int], int, int, list[Row], MeTuple | None, list[Row]]
"""(epoch, position by shard, confirmed at, ranked, top, me, around)."""

FollowedTuple: TypeAlias = tuple[str | None, int, str, dict[int, tuple[int, bytes]]]
"""(identity, epoch, rules, (position, hash) by shard). Identity is None before the first `reset`."""

Rendered: TypeAlias = tuple[bytes, str, bool, bool]
"""(body, as_of, stale, known): the JSON, the version in it, whether it says stale, whether the member is known."""

Head: TypeAlias = tuple[bytes, bytes, bytes | None, bytes | None, bytes | None, bytes | None]
"""(path, query, `Authorization`, `If-None-Match`, `X-Request-Id`, `Origin`); None where the request does not say."""

PostHead: TypeAlias = tuple[bytes, bytes, bytes | None, bytes | None, bytes | None, bytes | None, int, int]
"""(path, query, `Authorization`, `Content-Type`, `X-Request-Id`, `Origin`, where the body begins, how long it is)."""

VersionTuple: TypeAlias = tuple[int, int, int, str, list[tuple[str, int]], list[tuple[str, int]]]
"""A simple version: its number, from which instant it is in force, points for every so many minor units, how they are
rounded (`half-up`, `floor`), those minor units by currency, and (name, above) of its milestones.
"""

AwardedTuple: TypeAlias = tuple[
    list[object],
    list[object],
    list[object],
    list[tuple[int, int, int]],
    list[object],
    list[int],
    list[tuple[int, int]],
    list[tuple[int, str, int, bool, int]],
    int,
    bytes,
]
"""What a batch led to. Values of rows, one behind the other: entries (place, kind, member, points, currency, amount,
source, order_id, refund_id, reason, program_version, name_number, actor, occurred_at, board_at, recorded_at, hash,
format, details), contents (place, content), totals by member (member, balance, earned, score, month, month_score,
before_score, state). Then (month, member, points) of closed months. Values of awards (source, order_id, member,
program_version, currency, amount, left, points, reversed, board_at, frame, refunded, places); place and sequence of
each document; (place, member) of enrolments; (member, milestone, score, quiet, place) of what was reached; and position
and hash of the last entry.
"""

CampaignTuple: TypeAlias = tuple[int, int, bool, bool, bool, int, int, int, int | None, int, int | None, bytes]
"""A campaign: its number; that of the match its lines fit; whether it is asked about; whether it is of a group; whether
it has a limit; by how many thousandths more it multiplies, its points, and its points a unit (0: none); the spend it
asks for (None: none; below 0: more than there is) and the units; the cap of an order; how its bonus begins in a frame.
"""

JudgedTuple: TypeAlias = tuple[
    tuple[int, ...],
    tuple[int, ...],
    tuple[int, ...],
    int,
    int,
    list[tuple[str, int]],
    list[tuple[str, int]],
    list[tuple[str, int]],
    bytes,
    list[tuple[int, tuple[int, ...]]],
]
"""(quantities and rates by line, each empty where a frame says nothing of it; net by line, base, all together, parts,
those of them that have a limit, those that it bound and the room that was left, the bonuses as a frame has them, and
campaigns of groups with their lines).
"""
