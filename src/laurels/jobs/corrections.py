"""Corrections of many customers: read from a file, checked, and made by a job.

What a job keeps names members by their numbers: an id would outlive its member's erasure there. Each correction has an
id of its own, so a job that is killed and goes on makes none twice, and a file that is sent again makes none at all.
"""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from laurels.errors import FileRefused, InvalidInput, LaurelsError, UnknownMember
from laurels.jobs.steps import Doing, ResultTable
from laurels.ledger import Ledger, Receipt
from laurels.ledger.jobs import JobEnd, JobState
from laurels.model import Adjustment, DocumentKind
from laurels.points import Points

KIND = "corrections"
MOST_ROWS = 200_000
AT_ONCE = 500
"""Corrections in one transaction."""

MOST_TOLD = 10_000
"""Refused rows whose reasons are kept; the rest is counted."""

MOST_SHOWN = 10

_OPTION = re.compile(r"--[a-z]")


class Correction(Struct, frozen=True, array_like=True, gc=False):
    """One row: where it stands, whose points it changes (None: nobody's who is known), and its own id. Of what is
    nobody's neither words nor id are kept: nothing would erase them.
    """

    line: int
    member: int | None
    points: int
    source: str
    id: str
    reason: str
    note: str
    board: bool
    quiet: bool
    occurred_at: int | None = None
    expires_at: int | None = None


class Corrections(Struct, frozen=True):
    """What a job works on. `title` is the file's name, which may name a customer: it is kept here alone, and goes with
    the job's end, or with a member whose words are taken out.
    """

    title: str
    rows: list[Correction]


class Largest(Struct, frozen=True):
    """One of the largest corrections: whose, by number, and how many points."""

    member: int
    points: int


class CorrectionsPreview(Struct, frozen=True, kw_only=True):
    """What corrections would do, as the ledger is now. `title` is the file's name; empty in what a job tells. `given`
    and `taken` are the points of all rows that can be made, `unknown` rows of nobody who is known (`unknown_rows` names
    the first of them), `before` rows that were made before, `doubles` customers who have more than one, `above` rows
    beyond what the caller may decide alone, `lapsed` rows whose points would have lapsed by now, which are refused.
    """

    title: str
    rows: int
    customers: int
    given: int
    taken: int
    unknown: int
    unknown_rows: list[int]
    before: int
    doubles: int
    above: int
    largest: list[Largest]
    lapsed: int = 0


RefusedCorrection = tuple[int, str]
"""A row that was not made, and why."""


class Tally(Struct):
    """What came of the rows so far. `refused` is how many were not made; why is told in so many `parts`."""

    made: int = 0
    before: int = 0
    refused: int = 0
    given: int = 0
    taken: int = 0
    parts: int = 0


async def read_corrections(ledger: Ledger, name: str, text: str) -> Corrections:
    """The rows of a CSV file, each with its member. Raises `InvalidInput` for a file that cannot be read, or that has a
    row which could never be made: it names the row. Costs a look-up for each row.
    """
    title = Path(name.replace("\\", "/")).name[:80] or "corrections.csv"
    found = await asyncio.to_thread(_read, title, text)
    numbers = await ledger.numbers_called({each.member_id for each in found})
    return Corrections(title, [_row(line, each, numbers) for line, each in enumerate(found, 1)])


def _read(title: str, text: str) -> list[Adjustment]:
    """Through a file, which is how tables are read."""
    from laurels.exchange.adjustments import read_adjustments  # noqa: PLC0415 - polars, for files alone
    from laurels.exchange.own_file import OwnFile  # noqa: PLC0415 - as above
    from laurels.exchange.presets import OptionList  # noqa: PLC0415 - as above

    own = OwnFile()
    try:
        own.file.write(text.encode())
        own.file.flush()
        return read_adjustments(own.path, OptionList(), format_name="csv", quiet=False, most=MOST_ROWS).documents
    except FileRefused as error:
        raise InvalidInput.of("csv", _without_options(error.message.replace(str(own.path), title))) from error
    finally:
        own.remove()


def _without_options(message: str) -> str:
    """A refusal without what a command's options would change: who sends a file has none."""
    what, *ways_out = message.split("; ")
    return "; ".join([what, *(way for way in ways_out if not _OPTION.search(way))])


def _row(line: int, adjustment: Adjustment, numbers: dict[str, int]) -> Correction:
    member = numbers.get(adjustment.member_id)
    return Correction(
        line=line,
        member=member,
        points=adjustment.points,
        source=adjustment.source or adjustment.actor,
        id="" if member is None else adjustment.id,
        reason="" if member is None else adjustment.reason,
        note="" if member is None else adjustment.note,
        board=adjustment.board,
        quiet=adjustment.quiet,
        occurred_at=adjustment.occurred_at,
        expires_at=adjustment.expires_at,
    )


async def check_corrections(ledger: Ledger, corrections: Corrections, most: int | None, now: int) -> CorrectionsPreview:
    """Tell what they would do now, and change nothing; `most` is what the caller may decide alone, None: anything."""
    rows = corrections.rows
    there = await ledger.ids_of({row.member for row in rows if row.member is not None})
    known = [row for row in rows if row.member in there]
    gone = [row.line for row in rows if row.member not in there]
    made = {
        (source, id)
        for source in sorted({row.source for row in known})
        for id in await _made_before(ledger, source, known)
    }
    lapsed = {row.line for row in known if _has_lapsed(row, now) and (row.source, row.id) not in made}
    known = [row for row in known if row.line not in lapsed]
    each = Counter(row.member for row in known)
    ranked = sorted(known, key=lambda row: (-abs(row.points), row.line))[:MOST_SHOWN]
    return CorrectionsPreview(
        title=corrections.title,
        rows=len(rows),
        customers=len(each),
        given=sum(row.points for row in known if row.points > 0),
        taken=-sum(row.points for row in known if row.points < 0),
        unknown=len(gone),
        unknown_rows=gone[:MOST_SHOWN],
        before=len(made),
        doubles=sum(times > 1 for times in each.values()),
        above=0 if most is None else sum(abs(row.points) > most for row in known),
        largest=[Largest(row.member, row.points) for row in ranked if row.member is not None],
        lapsed=len(lapsed),
    )


def _has_lapsed(row: Correction, now: int) -> bool:
    return row.expires_at is not None and row.expires_at <= now


async def _made_before(ledger: Ledger, source: str, rows: Sequence[Correction]) -> set[str]:
    return await ledger.known_documents(
        DocumentKind.ADJUSTMENT, source, {row.id for row in rows if row.source == source}
    )


def content_digest(actor: str, content: bytes) -> str:
    """By what a job is known: SHA-256 of who starts it and of all that it would do, in hex."""
    return hashlib.sha256(actor.encode() + b"\n" + content).hexdigest()


def rows_of(content: bytes) -> Corrections:
    """What a job keeps, read."""
    return msgspec.json.decode(content, type=Corrections)


class MakeCorrections:
    """Makes the corrections that a job keeps."""

    def __init__(self, ledger: Ledger, points: Points) -> None:
        self._ledger = ledger
        self._points = points

    async def __call__(self, doing: Doing) -> JobEnd:
        """Go on where it was last noted. A row that was made and not noted is found by when its entry was recorded: not
        before the job was there.
        """
        job, rows = doing.job, rows_of(doing.content).rows
        tally = msgspec.json.decode(job.tally, type=Tally) if job.tally else Tally()
        actor = job.actor if job.approver is None else f"{job.actor} approved by {job.approver}"
        for start in range(job.done, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            room = max(0, MOST_TOLD - tally.refused)
            told = (await self._make(some, actor, job.created_at, tally))[:room]
            tally.parts += bool(told)
            part = msgspec.json.encode(told) if told else None
            await doing.step.note(start + len(some), len(rows), msgspec.json.encode(tally), part)
        file, total = await self._told(job.number, tally.parts), len(rows)
        return JobEnd(state=JobState.DONE, done=total, total=total, tally=msgspec.json.encode(tally), file=file)

    async def _told(self, number: int, parts: int) -> bytes | None:
        """What was told of the rows that were not made, as a file; None where all were."""
        kept = [await self._ledger.job_part(number, part) for part in range(1, parts + 1)]
        rows = [row for part in kept for row in msgspec.json.decode(part or b"[]", type=list[RefusedCorrection])]
        return msgspec.json.encode(ResultTable(("row", "why"), rows)) if rows else None

    async def _make(self, rows: Sequence[Correction], actor: str, since: int, tally: Tally) -> list[RefusedCorrection]:
        """Make some; gives those that were not made, in order. Members are merged and erased meanwhile: who was by the
        time of writing is looked up again, so that a correction goes to its member and brings nobody back.
        """
        told: list[RefusedCorrection] = []
        pending = rows
        while pending:
            there = await self._ledger.known_as({row.member for row in pending if row.member is not None})
            told += [(row.line, "There is no such customer.") for row in pending if row.member not in there]
            known = [(row, *there[row.member]) for row in pending if row.member in there]
            answers = await self._points.adjust_all(
                [adjustment_of(row, member_id, actor) for row, member_id, _ in known], [now for _, _, now in known]
            )
            pending = []
            for (row, _, _), answer in zip(known, answers, strict=True):
                if isinstance(answer, UnknownMember):
                    pending.append(row)
                elif isinstance(answer, LaurelsError):
                    told.append((row.line, answer.message))
                else:
                    _count(tally, row, answer, since)
        tally.refused += len(told)
        return sorted(told)


def adjustment_of(row: Correction, member_id: str, actor: str) -> Adjustment:
    """A row as its member's correction, in the name of whoever has it made."""
    return Adjustment(
        id=row.id,
        points=row.points,
        actor=actor,
        reason=row.reason,
        member_id=member_id,
        source=row.source,
        note=row.note,
        board=row.board,
        quiet=row.quiet,
        occurred_at=row.occurred_at,
        expires_at=row.expires_at,
    )


def _count(tally: Tally, row: Correction, answer: Receipt, since: int) -> None:
    if answer.entry is not None and answer.repeated and answer.entry.recorded_at < since:
        tally.before += 1
    else:
        tally.made += 1
        tally.given += max(row.points, 0)
        tally.taken += max(-row.points, 0)
