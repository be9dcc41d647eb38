"""A member within a transaction on its shard."""

from collections.abc import Sequence
from typing import Any

from laurels.ledger import MemberState
from laurels.ledger.totals import Totals
from laurels.model import Balance
from laurels.model.documents import keyed
from laurels.model.months import Months


class BatchMember:
    """A member as the transaction has it: its totals, its newest point entry, and whether the feed knows it."""

    def __init__(self, number: int, name_number: int, totals: Totals, last: int, *, joined: bool) -> None:
        self.number = number
        self.name_number = name_number
        self.totals = totals
        self.last = last
        self.joined = joined
        self.changed = False
        self.attributes: bytes | None = None
        self.enrolled_at: int | None = None
        self.draw = b""
        self.orders = 0
        self.last_order_at: int | None = None

    def state(self) -> MemberState:
        """What the judgement sees of the member."""
        totals = self.totals
        return MemberState(
            totals.balance,
            totals.state,
            self.attributes,
            self.enrolled_at,
            self.draw,
            self.orders,
            self.last_order_at,
        )

    @classmethod
    def of_row(cls, number: int, columns: Sequence[Any]) -> "BatchMember":
        """A member by what `members` and `claim` read of it; its balance is empty where it has no totals yet."""
        name_number, position, balance, earned, score, month, month_score, before, last, state, _ = columns
        if balance is None:
            totals = Totals(Balance(), Months(), None)
        else:
            totals = Totals(Balance(balance, earned, score), Months(month, month_score, before), state)
        return cls(number, name_number, totals, last or 0, joined=position is not None)

    def balance_row(self) -> tuple[Any, ...]:
        """The member's row of `balance`."""
        balance, months = self.totals.balance, self.totals.months
        return (
            self.number,
            balance.balance,
            balance.earned,
            balance.score,
            months.month,
            months.score,
            months.before,
            self.last,
            self.totals.state,
        )


def draw_of(secret: bytes, number: int) -> bytes:
    """A member by the ledger's secret: what has to look random and be the same for ever."""
    return keyed(secret, str(number).encode())
