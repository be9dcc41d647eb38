"""A member's row of totals, as every engine keeps it."""

from laurels.ledger.claim import Posting
from laurels.model import Balance
from laurels.model.entries import SCORED, worth
from laurels.model.months import Closing, Months


class Totals:
    """Totals that are moved by what is written, not by what the rules believed them to be. `closing` is what goes to
    the closed months.
    """

    def __init__(self, balance: Balance, months: Months, state: bytes | None) -> None:
        self.balance = balance
        self.months = months
        self.state = state
        self.closing: Closing = []

    def add(self, posting: Posting) -> None:
        """Add an entry."""
        earned, score = worth(posting.kind, posting.points, posting.details)
        self.balance = self.balance.moved(posting.points, earned, score)
        if posting.month is not None and posting.kind in SCORED:
            self.score(posting.month, score)

    def score(self, month: int, points: int) -> None:
        """Add to what the member scored in a month."""
        self.months, closing = self.months.plus(month, points)
        self.closing += closing
