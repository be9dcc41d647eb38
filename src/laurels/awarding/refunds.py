"""What is kept of an order's refunds and changes: opaque to the ledger, read and written by the judgement alone."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from laurels.errors import Refused
from laurels.ledger import Award
from laurels.model import Refund, ReturnLine
from laurels.program import Frame, Refunded, Return
from laurels.program.unwind import apply_all
from laurels.program.worth import Cut


class GivenBack(Struct, frozen=True, array_like=True):
    """A refund of an order: its whole amount in minor units, whatever of it the order still covered, and the lines that
    came back; an amount of 0 with lines is what those are worth.
    """

    source: str
    refund_id: str
    amount: int
    cancelled: bool = False
    lines: tuple[ReturnLine, ...] = ()

    @classmethod
    def of(cls, refund: Refund) -> "GivenBack":
        """What is kept of a refund."""
        return cls(refund.source, refund.refund_id, refund.amount, lines=refund.lines)

    def again(self, award: Award) -> Refund:
        """The same refund, of an order that was changed."""
        return Refund(
            source=self.source,
            refund_id=self.refund_id,
            order_id=award.order_id,
            currency=award.currency,
            amount=self.amount,
        )

    @property
    def asked(self) -> Return:
        """What it gives back."""
        return Return(None if self.lines and not self.amount else self.amount, self.lines)


class EarlierFrame(Struct, frozen=True, array_like=True):
    """The frame of an order as it was before a change, and the revision that it was then."""

    revision: int
    frame: bytes


class Refunds(Struct, frozen=True, omit_defaults=True):
    """An order's refunds in the order in which they were taken, its last revision, and the frames that it had before
    that; `cut` is what others left of its room, who got of it before a refund was cancelled; `lapsed` how many points
    were found lapsed by all that took from the order, and have not lapsed again.
    """

    given_back: tuple[GivenBack, ...] = ()
    revision: int = 0
    earlier: tuple[EarlierFrame, ...] = ()
    cut: Cut = ()
    lapsed: int = 0

    @property
    def standing(self) -> Iterable[GivenBack]:
        """Those that were not cancelled, in their order."""
        return [refund for refund in self.given_back if not refund.cancelled]

    @property
    def amount(self) -> int:
        """All that was given back, in minor units; it may be more than the order's."""
        return sum(refund.amount for refund in self.standing)

    @property
    def by_line(self) -> bool:
        """Whether any of them names lines."""
        return any(refund.lines for refund in self.standing)

    def of_frame(self, frame: Frame) -> Refunded:
        """What they leave, in sums, of an order of this frame. Linear in the refunds and the lines."""
        return apply_all(frame, [refund.asked for refund in self.standing])

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

    def with_lapsed(self, more: int) -> "Refunds":
        """The same, where so many more points were found lapsed; below zero, where so many have lapsed again."""
        return msgspec.structs.replace(self, lapsed=self.lapsed + more) if more else self

    def without_refund(self, source: str, refund_id: str) -> "Refunds":
        """The same with a refund cancelled; one that has not come yet is remembered as that."""
        refund = self.find(source, refund_id)
        if refund is None:
            refund = GivenBack(source, refund_id, 0)
            return self.plus(refund).without(refund)
        return self.without(refund)

    def changed(self, revision: int, frame: bytes | None) -> "Refunds":
        """What is kept as the order is changed, of which none is carried over yet; `frame` is the one that it had."""
        earlier = self.earlier if frame is None else (*self.earlier, EarlierFrame(self.revision, frame))
        return Refunds(revision=revision, earlier=earlier)


_decoder = msgspec.json.Decoder(Refunds)


def refuse_lines(refunds: Refunds) -> None:
    """Raise `Refused` for a change of an order of which lines came back: nobody knows which of the new lines those
    are.
    """
    if refunds.by_line:
        raise Refused("the order was refunded by line, and cannot be changed any more")


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
