"""Erasing many customers: read from a file, checked, and done by a job, each one as a single erasure is.

What the job keeps are numbers: nothing of it names anybody once they are gone.
"""

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from laurels.errors import InvalidInput, UnknownMember
from laurels.jobs.steps import Doing
from laurels.ledger import Ledger
from laurels.ledger.jobs import JobEnd, JobState
from laurels.members import Members
from laurels.model.ids import check_id

ERASURES = "erasures"
COLUMN = "member_id"
MOST = 10_000
AT_ONCE = 20
_MOST_TOLD = 5


class Erasures(Struct, frozen=True):
    """What a job works on: members by number. `title` is the file's name, which may name one of them: it is kept here
    alone, and goes with the job's end.
    """

    title: str
    members: list[int]


class ErasuresChecked(Struct, frozen=True, kw_only=True):
    """What a file would do, as the ledger is now. `title` is its name; empty in what a job tells. Of its rows so many
    customers are erased; `unknown` rows name nobody who is known (`unknown_rows` are the first of them) and are left
    out: what came for such an id goes by `DELETE /members/{member_id}` alone. `doubles` name one of the others again.
    """

    title: str
    rows: int
    customers: int
    unknown: int
    unknown_rows: list[int]
    doubles: int


class ErasureTally(Struct):
    """What came of it so far: how many are erased."""

    erased: int = 0


async def read_erasures(ledger: Ledger, name: str, text: str) -> tuple[Erasures, ErasuresChecked]:
    """The customers whom a CSV file with the column `member_id` names. Raises `InvalidInput`, naming the row."""
    title = Path(name.replace("\\", "/")).name[:80] or "erasures.csv"
    ids = _ids(text)
    numbers = await ledger.numbers_called(set(ids))
    members = sorted({numbers[each] for each in ids if each in numbers})
    unknown = [row for row, each in enumerate(ids, 1) if each not in numbers]
    return Erasures(title, members), ErasuresChecked(
        title=title,
        rows=len(ids),
        customers=len(members),
        unknown=len(unknown),
        unknown_rows=unknown[:_MOST_TOLD],
        doubles=len(ids) - len(unknown) - len(members),
    )


async def check_erasures(ledger: Ledger, asked: Erasures, was: ErasuresChecked) -> ErasuresChecked:
    """The same as the ledger is now: who was erased meanwhile is counted no more."""
    there = await ledger.ids_of(asked.members)
    return msgspec.structs.replace(was, title=asked.title, customers=len(there))


def _ids(text: str) -> list[str]:
    try:
        header, *rows = list(csv.reader(text.splitlines())) or [[]]
    except csv.Error as error:  # a cell of more than 128 KB, or a zero byte
        raise InvalidInput.of("csv", f"cannot be read as a CSV file: {error}") from error
    if [each.strip() for each in header] != [COLUMN]:
        raise InvalidInput.of("csv", f"has to begin with the line {COLUMN}, and have no other column")
    found = [row[0].strip() for row in rows if row]
    if not 0 < len(found) <= MOST:
        raise InvalidInput.of("csv", f"names {len(found):,} customers; one file takes from 1 to {MOST:,}")
    for number, each in enumerate(found, 1):
        try:
            check_id(each, COLUMN)
        except InvalidInput as error:
            raise InvalidInput.of("csv", f"row {number}: {error.message}") from error
    return found


class EraseMany:
    """Erases the customers that a job keeps."""

    def __init__(self, ledger: Ledger, members: Members) -> None:
        self._ledger = ledger
        self._members = members

    async def __call__(self, doing: Doing) -> JobEnd:
        """Go on where it was last noted. Who is gone already is passed over, so an erasure that was made and not noted
        is not made twice.
        """
        job, numbers = doing.job, msgspec.json.decode(doing.content, type=Erasures).members
        actor = job.actor if job.approver is None else f"{job.actor} approved by {job.approver}"
        for start in range(job.done, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            await self._erase(some, actor)
            await doing.step.note(start + len(some), len(numbers), msgspec.json.encode(ErasureTally(start + len(some))))
        total = len(numbers)
        return JobEnd(state=JobState.DONE, done=total, total=total, tally=msgspec.json.encode(ErasureTally(total)))

    async def _erase(self, numbers: Sequence[int], actor: str) -> None:
        """Erase some. Ids change hands meanwhile: one that is another's by then is looked up again, so that nobody goes
        who was not named.
        """
        pending: Collection[int] = numbers
        while there := await self._ledger.known_as(pending):
            pending = []
            for number, (member_id, now) in there.items():
                try:
                    await self._members.erase(member_id, actor=actor, number=now)
                except UnknownMember:
                    pending.append(number)
