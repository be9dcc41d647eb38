"""Upkeep: what those who run a ledger do to it."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from msgspec import Struct

from laurels.ledger.claim import Award, MemberState
from laurels.ledger.feed import Heads
from laurels.model import DocumentKind, Entry

Progress = Callable[[int, int], None]
"""Called with (entries done, entries there are) while something goes through a ledger."""

Fits = Callable[[Award, Sequence[Entry]], bool]
"""Whether what is kept of an order is what all entries say that have to do with it."""


class Finding(Struct, frozen=True):
    """Something that is not as the ledger promises: where, and what."""

    where: str
    what: str


class Verification(Struct, frozen=True, kw_only=True):
    """How far a verification got: entries checked of so many, and what was found since the last report."""

    checked: int
    total: int
    findings: tuple[Finding, ...] = ()


class Recount(Struct, frozen=True, kw_only=True):
    """How the rules count again what is kept beside the entries. `month_of`: the month (202611) that an entry's
    `board_at` and `recorded_at` make it count in. `fits`: whether what is kept of an order is what all entries say that
    it led to, oldest first; its `member` and `content` are not looked at. It may raise `ValueError` where the entries
    make no sense.
    """

    month_of: Callable[[int, int], int | None]
    fits: Fits


class Awarded(Struct, frozen=True, kw_only=True):
    """A document that was awarded: who it is of now, and the first entry that it led to. `content` is None where that
    is not kept (any more); of such an order, or of all, there is what is kept of it now: its `frame`, and its refunds.
    `anew`: by which version a change of an order earned anew, the `board_at` of that entry, and its details.
    """

    kind: DocumentKind
    source: str
    id: str
    member: int
    accepted_at: int
    content: bytes | None
    entry: Entry
    anew: tuple[int, int, bytes | None] | None = None
    frame: bytes | None = None
    refunded: bytes | None = None


class OldRules(Struct, frozen=True, kw_only=True):
    """What the rules know of what version 0.1 wrote: `month_of` the month (202611) that an entry's `board_at` and
    `recorded_at` make it count in; `refunded` what is kept of an order's refunds, given their source and their ids with
    amounts.
    """

    month_of: Callable[[int, int], int | None]
    refunded: Callable[[str, list[tuple[str, int]]], bytes]


Upgrade = Callable[[str], OldRules]
"""Given the text of the first program that a ledger of version 0.1 published."""


class Upkeep(Protocol):
    """Checking, and moving on after a restore."""

    def verify(self, recount: Recount | None = None) -> AsyncIterator[Verification]:
        """Check every promise that can be read off the data: chain, positions, balances, members; with `recount` what
        members scored by month, and what is kept of orders, too. Reads in chunks; costs by entries.
        """
        ...

    def awarded(self, *, framed: bool = False) -> "AsyncIterator[list[Awarded]]":
        """Every document that was awarded, in the order of recording, in chunks; of one moment. What is kept of an
        order is told of all with `framed`, else where its content is gone.
        """
        ...

    def mergers(self) -> "AsyncIterator[list[Entry]]":
        """Both entries of each time that a member became another, in the order of recording, in chunks. Costs by
        entries, and nothing where none did.
        """
        ...

    def accounts(self, *, orders: bool = False) -> "AsyncIterator[list[tuple[int, MemberState]]]":
        """Every member that is one of its own, with its totals and what the program keeps of it, by number, in chunks;
        of one moment. With `orders` what is known of the orders of those of whom nothing is kept, which costs by their
        entries.
        """
        ...

    def states(self) -> "AsyncIterator[list[tuple[int, MemberState, int | None]]]":
        """The same of every member, also of those that became another and have nothing any more; and when a sweep looks
        at each next, None: at no time. Costs by members and by what falls due.
        """
        ...

    def redeemed(self) -> "AsyncIterator[list[tuple[str, str, bytes | None]]]":
        """Every redemption of which points came back, by source and id (`hold:ID` for what was taken of a hold), with
        what of it can still come back, opaque; in chunks, of one moment.
        """
        ...

    def persons(self) -> "AsyncIterator[list[tuple[int, MemberState]]]":
        """What campaigns may ask of every member beyond its orders (`attributes`, `enrolled_at`, `draw`; nothing else
        of the state is given), by number, in chunks; of one moment.
        """
        ...

    def framed(self) -> "AsyncIterator[list[tuple[Award, list[Entry]]]]":
        """Every order of which a frame is kept, with its entries, oldest first; in chunks, each of one moment."""
        ...

    async def begin_epoch(self) -> Heads:
        """Begin another epoch where the feed ends now: what came after, in the ledger that this copies, is gone.

        Its number is above all earlier ones, and the minutes since 2026 where that is more: two that begin from one
        copy are two epochs.
        """
        ...

    async def connections_to_warm(self, most: int) -> int:
        """How many connections it pays to have ready before they are needed, `most` at most: a quarter of those that
        the ledger's server has left for anybody, since others need some too; 0 where one gains nothing by earlier use.
        Raises `LedgerUnavailable`.
        """
        ...

    async def advice(self) -> list[str]:
        """What to set otherwise on the ledger's server, a phrase a setting: it works as it is, and costs more than it
        has to. Empty where all is well. Raises `LedgerUnavailable`.
        """
        ...

    async def recorded_at(self) -> int:
        """When the last entry was recorded; 0 where there is none."""
        ...

    async def forget_content(self, *, recorded_before: int, limit: int) -> int:
        """Let go of the content of documents that were awarded before an instant; gives how many, at most `limit`."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of everything."""
        ...
