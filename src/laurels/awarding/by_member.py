"""Figures by member, packed: a report holds some for each of millions.

Members are numbered from 0 on; gaps are few (numbers that a transaction took and did not use).
"""

from array import array
from struct import Struct

_LOT = Struct("<Iq")


class NumberByMember:
    """One number a member, above zero; 0 where none is set. Takes 8 bytes up to the highest member."""

    def __init__(self) -> None:
        self._kept = array("q")

    def __getitem__(self, member: int) -> int:
        return self._kept[member] if member < len(self._kept) else 0

    def __setitem__(self, member: int, value: int) -> None:
        missing = member + 1 - len(self._kept)
        if missing > 0:
            self._kept.frombytes(bytes(self._kept.itemsize * missing))
        self._kept[member] = value


class LotsByMember:
    """Months with points in them, any number a member. Takes 8 bytes up to the highest member, and for one who has any
    some 36 and 12 for each of them.
    """

    def __init__(self) -> None:
        self._kept: list[bytes] = []

    def __getitem__(self, member: int) -> list[tuple[int, int]]:
        """A copy: set it to keep what was changed."""
        return [*_LOT.iter_unpack(self._kept[member])] if member < len(self._kept) else []

    def __setitem__(self, member: int, lots: list[tuple[int, int]]) -> None:
        missing = member + 1 - len(self._kept)
        if missing > 0:
            self._kept.extend([b""] * missing)
        self._kept[member] = b"".join(_LOT.pack(*lot) for lot in lots)
