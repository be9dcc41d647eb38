"""Reports that read every entry, as jobs: a journal of points after the one before, and what happened in a week."""

from collections import Counter
from datetime import timedelta

import msgspec
from msgspec import Struct

from laurels.awarding import Programs, journal, week_of, weekly_report
from laurels.jobs.figures import table_of
from laurels.jobs.steps import Doing, ResultTable
from laurels.ledger import Ledger
from laurels.ledger.jobs import JobEnd, JobState
from laurels.model import Version
from laurels.model.times import to_datetime

JOURNAL, WEEK = "journal", "week"
_LINES = ("day", "market", "kind", "entries", "points", "value")
_A_WEEK = timedelta(days=7)


class JournalAbout(Struct, frozen=True):
    """The version where the journal before ended; None: there was none. It ends where the feed does."""

    after: str | None = None


class DrawnUp(Struct, frozen=True):
    """What a journal comes to. `to` is `after` of the next; `hashes` are of each shard's last entry in it, `kinds` its
    points by kind, `outstanding` the points of all entries up to its end, by market.
    """

    after: str
    to: str
    hashes: dict[int, str]
    points: int
    kinds: dict[str, int]
    outstanding: dict[str, int]


class WeekAbout(Struct, frozen=True):
    """An instant of the week; None: of the week before the one in which it was asked for."""

    at: int | None = None


class DrawUpJournal:
    """Draws up a journal; its lines are a file. What is given up, or killed, is begun anew."""

    def __init__(self, ledger: Ledger, programs: Programs) -> None:
        self._ledger = ledger
        self._programs = programs

    async def __call__(self, doing: Doing) -> JobEnd:
        """Draw it up. Raises `InvalidInput` where `after` is no place in this ledger's feed."""
        about = msgspec.json.decode(doing.job.about, type=JournalAbout)
        await self._programs.load(self._ledger)
        after = None if about.after is None else Version.parse(about.after, "after")
        found = await journal(self._ledger, self._programs, after, None)
        kinds: Counter[str] = Counter()
        for line in found.lines:
            kinds[line.kind] += line.points
        tally = DrawnUp(found.after, found.to, found.hashes, found.points, dict(kinds), found.outstanding)
        rows = [tuple(getattr(line, name) for name in _LINES) for line in found.lines]
        return _done(sum(line.entries for line in found.lines), tally, ResultTable(_LINES, rows))


class ReportWeek:
    """Reports on a week, and on how customers stand; the file names the largest moves, too. What is given up, or
    killed, is begun anew.
    """

    def __init__(self, ledger: Ledger, programs: Programs) -> None:
        self._ledger = ledger
        self._programs = programs

    async def __call__(self, doing: Doing) -> JobEnd:
        """Report on it. Raises `InvalidInput` for a week of no year that there is."""
        about, now = msgspec.json.decode(doing.job.about, type=WeekAbout), doing.job.created_at
        await self._programs.load(self._ledger)
        zone = self._programs.current.zone
        day = to_datetime(now if about.at is None else about.at).astimezone(zone).date()
        starts, ends = week_of(day - _A_WEEK if about.at is None else day, zone)
        found = await weekly_report(self._ledger, self._programs, starts, ends, now)
        file = msgspec.to_builtins(found)
        tally = {name: value for name, value in file.items() if name != "largest"}  # who they are is in the file alone
        return _done(max(0, sum(found.orders.values())), tally, table_of(file))


def _done(done: int, tally: Struct | dict[str, object], file: ResultTable) -> JobEnd:
    """How such a job ends."""
    kept = msgspec.json.encode(file) if file.rows else None
    return JobEnd(state=JobState.DONE, done=done, total=done, tally=msgspec.json.encode(tally), file=kept)
