"""What a member scored by month: two months that are open beside the totals, and the rest apart.

A month is a number such as 202611. Most points come in the present month, some in the one before; what comes for an
older one is rare, and goes to the closed months.
"""

from msgspec import Struct

Closing = list[tuple[int, int]]
"""(month, points to add) of closed months."""


class Months(Struct, frozen=True, gc=False):
    """The newest month in which a member scored, its score, and that of the month before."""

    month: int = 0
    score: int = 0
    before: int = 0

    def plus(self, month: int, points: int) -> tuple["Months", Closing]:
        """The same after points in a month, and what goes to the closed months."""
        if month == self.month:
            return Months(month, self.score + points, self.before), []
        if month > self.month:
            closing = [(previous(self.month), self.before)] if self.before else []
            if previous(month) == self.month:
                return Months(month, points, self.score), closing
            return Months(month, points, 0), [*closing, *([(self.month, self.score)] if self.score else [])]
        if month == previous(self.month):
            return Months(self.month, self.score, self.before + points), []
        return self, [(month, points)]

    def open(self) -> Closing:
        """(month, score) of the open months, those of 0 left out."""
        return [
            (month, score) for month, score in ((self.month, self.score), (previous(self.month), self.before)) if score
        ]


def previous(month: int) -> int:
    """The month before."""
    return month - 1 if month % 100 > 1 else month - 89
