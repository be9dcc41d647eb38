"""Which of the names in a program the documents of a rehearsal had: a misspelt one would give nothing, in silence."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from laurels.awarding.keeping import facts_of
from laurels.ledger import Awarded, MemberState
from laurels.model import DocumentKind
from laurels.program import Program, names_categories, unseen


class _Line(Struct):
    category: str | None = None


class _Lines(Struct):
    traits: list[_Line] = []


_lines = msgspec.json.Decoder(_Lines)


class Seeing:
    """Collects the categories of orders that are kept, and asks members' facts at the end. Memory: by categories."""

    def __init__(self, program: Program, begins: int | None = None) -> None:
        """`begins`: from when the program would be in force; None: from ever."""
        self._program = program
        self._begins = begins
        self._untold = self._by_total = 0
        self._looks = names_categories(program)
        self._categories: set[str] = set()

    def look_at(self, document: Awarded) -> None:
        """Take note of an order's categories, where the program names any, and whether it could be judged anew."""
        is_lost = document.kind is DocumentKind.ORDER and document.content is None
        if is_lost and (self._begins is None or document.entry.occurred_at >= self._begins):
            self._untold += document.frame is not None
            self._by_total += document.frame is None and not self._program.simple
        if self._looks and document.kind is DocumentKind.ORDER and document.content is not None:
            self._categories.update(line.category for line in _lines.decode(document.content).traits if line.category)

    def unseen(self, persons: Iterable[MemberState]) -> list[str]:
        """Warnings: what the program names and nothing had, and what could not be judged by it."""
        facts = [facts_of(person) for person in persons]
        segments = {segment for each in facts for segment in each.segments}
        birthdays = any(each.birthday is not None for each in facts)
        warnings = unseen(self._program, self._categories, segments, birthdays=birthdays)
        if self._untold:
            stand = f"{self._untold:,} orders stand as they are: what they said is not kept (any more)"
            warnings = [*warnings, stand.replace("1 orders stand as they are", "1 order stands as it is")]
        if self._by_total:
            total = f"orders that are judged by their total alone, for no more of them is kept: {self._by_total:,}"
            warnings = [*warnings, total]
        return warnings
