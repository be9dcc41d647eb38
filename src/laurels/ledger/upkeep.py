"""Upkeep: what those who run a ledger do to it."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from msgspec import Struct

from laurels.ledger.feed import Heads


class Finding(Struct, frozen=True):
    """Something that is not as the ledger promises: where, and what."""

    where: str
    what: str


class Verification(Struct, frozen=True, kw_only=True):
    """How far a verification got: entries checked of so many, and what was found since the last report."""

    checked: int
    total: int
    findings: tuple[Finding, ...] = ()


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

    def verify(self) -> AsyncIterator[Verification]:
        """Check every promise that can be read off the data: chain, positions, balances, members. Reads in chunks."""
        ...

    async def begin_epoch(self) -> Heads:
        """Begin another epoch where the feed ends now: what came after, in the ledger that this copies, is gone.

        Its number is above all earlier ones, and the minutes since 2026 where that is more: two that begin from one
        copy are two epochs.
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
