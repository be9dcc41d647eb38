"""What is wrong with the rows of a file: every fault is gathered, so that one reading of the file shows them all."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from laurels.errors import FileRefused
from laurels.exchange.refusals import refuse, shown

MOST_SHOWN = 20
"""Faults that are told one by one; the others are counted by kind."""


class Fault(Struct, frozen=True):
    """What is wrong with a row, or with a cell of it. `why` says what is expected; `cell` is what stands there."""

    row: int
    column: str | None
    why: str
    cell: str | None = None

    def told(self, place: str) -> str:
        """In one line."""
        where = place if self.column is None else f"{place}, column {shown(self.column)}"
        return f"{where}: {self.why}" if self.cell is None else f'{where}: "{shown(self.cell)}" {self.why}'

    @property
    def kind(self) -> str:
        """What faults are counted by."""
        return self.why if self.column is None else f"column {shown(self.column)}: {self.why}"


class FaultyFile(FileRefused):
    """This file has faults."""

    def __init__(self, file: str, lines: Sequence[str], kinds: Counter[str]) -> None:
        self.lines = tuple(lines)
        self.kinds = kinds
        count = kinds.total()
        more = "" if count == 1 else f" (and {count - 1:,} more {'fault' if count == 2 else 'faults'})"  # noqa: PLR2004
        super().__init__(refuse(file, lines[0] + more).message)


class LooksLike(FileRefused):
    """This file looks like another system's export."""

    def __init__(self, file: str, preset: str) -> None:
        self.preset = preset
        super().__init__(refuse(file, f"looks like an export that --preset {preset} reads").message)


def refuse_faults(file: str, faults: Iterable[Fault], places: Callable[[Sequence[int]], list[str]]) -> FaultyFile:
    """The refusal of a file for at least one fault: the first ones by row, and how many there are of each kind."""
    ordered = sorted(faults, key=lambda fault: fault.row)
    first = ordered[:MOST_SHOWN]
    found = places([fault.row for fault in first])
    told = [fault.told(place) for fault, place in zip(first, found, strict=True)]
    return FaultyFile(file, told, Counter(fault.kind for fault in ordered))
