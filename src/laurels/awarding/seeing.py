"""Which of the names in a program the documents of a rehearsal had: a misspelt one would give nothing, in silence."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from laurels.awarding.keeping import facts_of
from laurels.ledger import Awarded, MemberState, OrderKey
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
        self._otherwise: set[OrderKey] = set()
        self._looks = names_categories(program)
        self._categories: set[str] = set()

    def look_at(self, document: Awarded, *, as_it_was: bool) -> None:
        """Take note of an order's categories, where the program names any, and whether it could be judged anew: with
        `as_it_was`, it or a change of it was not, for other is said of its member now.
        """
        if as_it_was and (self._begins is None or document.entry.occurred_at >= self._begins):
            self._otherwise.add((document.source, document.entry.order_id or ""))
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
            warnings = [*warnings, f"{_stand(self._untold)}: what they said is not kept (any more)"]
        if self._otherwise:
            warnings = [*warnings, f"{_stand(len(self._otherwise))}: the shop says otherwise of their members now"]
        if self._by_total:
            total = f"orders that are judged by their total alone, for no more of them is kept: {self._by_total:,}"
            warnings = [*warnings, total]
        return warnings


def _stand(orders: int) -> str:
    return "1 order stands as it is" if orders == 1 else f"{orders:,} orders stand as they are"
