"""What a shop asked for and what it was told, and whether a ledger fits that: `acked <= applied <= acked + unknown`.

Who got no answer does not know whether it was done, so both are right, once. Who was told yes must find it, and who was
told no must not.
"""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from laurels.ledger import Ledger
from laurels.model import DocumentKind

CALLER = "till"
"""Who adjusts: the subject of the shop's token."""

SOURCES = {DocumentKind.ADJUSTMENT: CALLER}


class Asked(NamedTuple):
    """One request that changes something: what it is known by for ever, and what it does once it is applied."""

    kind: DocumentKind
    id: str
    path: str
    body: dict[str, Any]
    member: str
    points: int

    @property
    def headers(self) -> dict[str, str]:
        return {"Idempotency-Key": self.id} if self.kind is DocumentKind.ADJUSTMENT else {}


@dataclass
class History:
    """Everything asked, by the answer. Threads may share it."""

    unknown: dict[str, Asked] = field(default_factory=dict)
    acked: dict[str, Asked] = field(default_factory=dict)
    refused: dict[str, Asked] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def invoked(self, asked: Asked) -> None:
        """It is on its way; until an answer comes it is unknown."""
        with self._lock:
            self.unknown[asked.id] = asked

    def answered(self, asked: Asked, status: int) -> None:
        """An answer came. 503 and the like leave it open."""
        with self._lock:
            if status in {200, 201, 202}:
                self.acked[asked.id] = self.unknown.pop(asked.id, asked)  # two tills may have asked the same
            elif status < 500:
                self.refused[asked.id] = self.unknown.pop(asked.id, asked)

    def acknowledged(self, kind: DocumentKind) -> list[Asked]:
        """What was acknowledged so far of a kind."""
        with self._lock:
            return [asked for asked in self.acked.values() if asked.kind is kind]

    async def lost(self, ledger: Ledger) -> list[str]:
        """What was acknowledged and is not there."""
        return [asked.id for asked in self.acked.values() if not await _is_there(ledger, asked)]

    async def sneaked_in(self, ledger: Ledger) -> list[str]:
        """What was refused and is there all the same, or its member is."""
        members = {asked.member for asked in (*self.acked.values(), *self.unknown.values())}
        return [
            asked.id
            for asked in self.refused.values()
            if await _is_there(ledger, asked) or (asked.member not in members and await ledger.member(asked.member))
        ]

    def promised(self) -> Counter[str]:
        """The points of each member that follow from what was acknowledged."""
        points: Counter[str] = Counter()
        for asked in self.acked.values():
            points[asked.member] += asked.points
        return points


async def _is_there(ledger: Ledger, asked: Asked) -> bool:
    return await ledger.document(asked.kind, SOURCES.get(asked.kind, "shop"), asked.id) is not None
