"""What a job's work is given: how to note how far it is; and what it gives."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from laurels.errors import LaurelsError
from laurels.ledger.jobs import Job


class StoppedJob(LaurelsError):
    """The job was stopped."""


class LostJob(LaurelsError):
    """The job is another worker's now."""


Row = Sequence[str | int | None]


class ResultTable(Struct, frozen=True):
    """What a job gives as a file: rows under a header. It is kept as JSON."""

    header: Sequence[str]
    rows: Sequence[Row]


class Step(Protocol):
    """Notes how far a job is."""

    async def note(self, done: int, total: int, tally: bytes | None = None, part: bytes | None = None) -> None:
        """Note it, durably, and with it a `part` of what it gives; without a `tally` that stays as it was. Raises
        `StoppedJob`, `LostJob`.
        """
        ...


class Doing(Struct, frozen=True):
    """A job that is worked on: what it is, what it works on, and how to note how far it is."""

    job: Job
    content: bytes
    step: Step
