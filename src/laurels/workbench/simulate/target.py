"""What a simulated day is sent to: send, settle, and look at what became of it."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from laurels.model import Order, Refund
from laurels.runtime.upkeep import Verified
from laurels.workbench.simulate.expected import EarnedLine, ExpectedAnswer, ExpectedLedger


class CheckedAnswer(Struct, frozen=True):
    """What is not as it should be on the board or in the ledger, in words; and the ledger's verification, where it can
    be reached from here.
    """

    differences: list[str]
    verified: Verified | None

    @classmethod
    def of(cls, verified: Verified, *more: str) -> "CheckedAnswer":
        """A verification, and what else was found."""
        return cls([*more, *(f"{finding.where}: {finding.what}" for finding in verified.findings)], verified)


class Target(Protocol):
    """The services in this process, or a server."""

    async def send(self, documents: Sequence[Order | Refund]) -> list[ExpectedAnswer]:
        """Send documents; one answer for each, in order.

        Raises `LedgerUnavailable` where it is not known what became of them; sending them again is safe.
        """
        ...

    async def settle(self, expected: ExpectedLedger) -> None:
        """Return when what was acknowledged is awarded and on the board, or when nothing moves any more."""
        ...

    async def lines(self, expected: ExpectedLedger) -> list[EarnedLine]:
        """Every entry that the ledger has of the orders of this run, also of such that nobody sent."""
        ...

    async def check(self, expected: ExpectedLedger) -> CheckedAnswer:
        """Look at the board, and at all that the ledger promises."""
        ...
