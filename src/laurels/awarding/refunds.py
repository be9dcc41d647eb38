"""What is kept of an order's refunds and changes: opaque to the ledger, read and written by the judgement alone."""

import msgspec
from msgspec import Struct


class GivenBack(Struct, frozen=True, array_like=True):
    """A refund of an order: its whole amount in minor units, whatever of it the order still covered."""

    source: str
    refund_id: str
    amount: int
    cancelled: bool = False


class Refunds(Struct, frozen=True, omit_defaults=True):
    """An order's refunds in the order in which they were taken, and its last revision."""

    given_back: tuple[GivenBack, ...] = ()
    revision: int = 0

    @property
    def amount(self) -> int:
        """All that was given back, in minor units; it may be more than the order's."""
        return sum(refund.amount for refund in self.given_back if not refund.cancelled)

    def find(self, source: str, refund_id: str) -> GivenBack | None:
        """One of them."""
        return next((each for each in self.given_back if (each.source, each.refund_id) == (source, refund_id)), None)

    def plus(self, refund: GivenBack) -> "Refunds":
        """The same with one more."""
        return msgspec.structs.replace(self, given_back=(*self.given_back, refund))

    def without(self, refund: GivenBack) -> "Refunds":
        """The same with one of them cancelled."""
        cancelled = msgspec.structs.replace(refund, cancelled=True)
        given_back = tuple(cancelled if each == refund else each for each in self.given_back)
        return msgspec.structs.replace(self, given_back=given_back)


_decoder = msgspec.json.Decoder(Refunds)


def read_refunds(kept: bytes | None) -> Refunds:
    """What the ledger kept."""
    return Refunds() if kept is None else _decoder.decode(kept)


def write_refunds(refunds: Refunds) -> bytes:
    """What the ledger is to keep."""
    return msgspec.json.encode(refunds)


def refunds_of_old(source: str, refunds: list[tuple[str, int]]) -> bytes:
    """What version 0.1's entries say: a refund's amount may be in two parts, what the order covered and the rest."""
    amounts: dict[str, int] = {}
    for refund_id, amount in refunds:
        amounts[refund_id] = amounts.get(refund_id, 0) + amount
    return write_refunds(Refunds(tuple(GivenBack(source, *each) for each in amounts.items())))
