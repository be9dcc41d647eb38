"""Checking a ledger against its promises: what entries say of a member, whatever engine keeps them."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct

from laurels.ledger.chain import chained_hash
from laurels.ledger.names import NameNumbers
from laurels.model import EntryKind
from laurels.model.details import Details, merged_into
from laurels.model.entries import worth

_MOST_ATTEMPTS = 64
"""How often a name number may have been another's already: with 50 million members one in 13 is."""

CHUNK = 2000


class KeptMember(Struct, frozen=True):
    """What an engine keeps of a member. `position` is of its enrolment's entry; `given`: its number was given."""

    totals: tuple[int, int, int]
    hidden: bool
    name_number: int | None
    erased: bool
    merged_into: int | None
    joined: bool
    given: bool


class CheckedMember(Struct):
    """What the entries read so far say of a member."""

    balance: int = 0
    earned: int = 0
    score: int = 0
    hidden: bool = False
    name_number: int | None = None
    renames: int = 0
    renamed_at: int = 0
    erased: bool = False
    merged_into: int | None = None
    seen: bool = False
    last_position: int = 0

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
                self.name_number = name_number
                if kind == EntryKind.RENAME:
                    self.renames, self.renamed_at = self.renames + 1, recorded_at
            case EntryKind.ERASE:
                self.erased = True
            case EntryKind.MERGE if details is not None:
                into = merged_into(details)
                self.merged_into = self.merged_into if into is None else into

    def differences(self, kept: KeptMember) -> Iterator[str]:
        """What is kept of the member otherwise."""
        entries = (self.balance, self.earned, self.score)
        if kept.totals != entries:
            yield f"balance, earned and score are kept as {kept.totals}, its entries sum to {entries}"
        if not kept.given:
            yield "its number was never given"
        if not kept.joined and self.name_number is None:  # accepted, and nothing awarded yet
            return
        if kept.hidden != self.hidden:
            yield f"it is {'hidden' if kept.hidden else 'shown'}, its entries say otherwise"
        if kept.name_number != self.name_number:
            yield f"its name number is {kept.name_number}, its entries say {self.name_number}"
        if kept.erased != self.erased:
            yield f"its id is {'gone' if kept.erased else 'there'}, its entries say otherwise"
        if (kept.merged_into is None) != (self.merged_into is None):
            yield f"it became member number {kept.merged_into}, its entries say {self.merged_into}"


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


class OrderKept(Struct, frozen=True):
    """What is kept of an awarded order for its refunds. `terms`: version, currency, amount, points, board time."""

    terms: tuple[Any, ...]
    points: int
    amount: int
    left: int
    reversed: int
    refunded: bool
    framed: bool = False


class OrderEntry(Struct, frozen=True):
    """One of the entries that an order and its refunds led to."""

    kind: str
    points: int
    amount: int | None
    terms: tuple[Any, ...]
    details: bytes | None


def order_differs(kept: OrderKept, entries: Sequence[OrderEntry]) -> bool:
    """Whether what is kept of an order is not what its entries, oldest first, say."""
    left = _left_after(entries[-1])  # entries of version 0.1 do not say
    earned = [entry.terms for entry in entries if entry.kind == EntryKind.EARN]
    return (
        not 0 <= kept.left <= kept.amount
        or (not kept.framed and kept.left == 0 and kept.reversed != kept.points)
        or (not kept.refunded and (kept.left != kept.amount or kept.reversed != 0))
        or sum(entry.points for entry in entries) != kept.points - kept.reversed
        or not earned
        or earned[-1] != kept.terms
        or left not in {None, kept.left}
    )


def _left_after(entry: OrderEntry) -> int | None:
    if entry.kind == EntryKind.EARN:
        return entry.amount
    said = Details.decode(entry.details)
    if said.left is None or entry.amount is None:
        return None
    if said.cancelled:
        return said.left + entry.amount
    return said.left if said.beyond else said.left - entry.amount


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
