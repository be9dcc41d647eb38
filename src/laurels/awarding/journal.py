"""Journals of points: what entries between two marks of the feed moved, by day, market and kind.

A journal covers the entries after one mark and up to another; the next one begins where it ends. So journals tile: any
chain of them adds up to the journal of the whole, and each can be drawn up again for ever.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from fractions import Fraction

from msgspec import Struct

from laurels.awarding.programs import Programs
from laurels.errors import InvalidInput
from laurels.ledger import Feed
from laurels.ledger.turns import one_by_one
from laurels.model import Entry, Mark, Version
from laurels.model.currencies import DECIMALS
from laurels.model.entries import MOVES_POINTS
from laurels.model.market import market_after
from laurels.model.money import format_amount
from laurels.model.times import to_datetime
from laurels.program.liability import half_up

CHUNK = 2000

MILLION = 1_000_000


class JournalLine(Struct, frozen=True, kw_only=True):
    """What entries of a kind moved on a local day of recording in a market: `entries` of them, so many points, and what
    those are worth in the market's currency, empty where no program of then said it. The market of an entry is the
    currency that it names itself, of others the last one that an entry of its member named before, or else that of
    who became its member; empty where there was none.
    """

    day: str
    market: str
    kind: str
    entries: int
    points: int
    value: str


class Journal(Struct, frozen=True, kw_only=True):
    """A journal with the marks that it lies between, and the hash of each shard's last entry in it. `points` is the sum
    of its lines, `outstanding` that of all entries up to its end, by market.
    """

    after: str
    to: str
    hashes: dict[int, str]
    points: int
    outstanding: dict[str, int]
    lines: list[JournalLine]


class _Tally:
    """Adds up. Values are summed exactly and rounded once a line, so a line's value does not depend on the order."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._market: dict[int, str] = {}
        self._lines: dict[tuple[str, str, str], tuple[int, int, Fraction | None]] = defaultdict(lambda: (0, 0, None))
        self.outstanding: dict[str, int] = defaultdict(int)

    def take(self, entry: Entry, *, inside: bool) -> None:
        market = market_after(self._market.get(entry.member, ""), entry)
        if market:
            self._market[entry.member] = market
        if entry.kind not in MOVES_POINTS or not entry.points:
            return
        self.outstanding[market] += entry.points
        if inside:
            program = self._programs.at(entry.recorded_at)
            day = to_datetime(entry.recorded_at).astimezone(program.zone).date().isoformat()
            entries, points, value = self._lines[day, market, entry.kind]
            worth = dict(program.value).get(market)
            if worth is not None:
                value = (value or 0) + Fraction(entry.points * worth, MILLION)
            self._lines[day, market, entry.kind] = entries + 1, points + entry.points, value

    def lines(self) -> list[JournalLine]:
        return [
            JournalLine(
                day=day,
                market=market,
                kind=kind,
                entries=entries,
                points=points,
                value="" if value is None else format_amount(half_up(value * 10 ** DECIMALS[market]), market),
            )
            for (day, market, kind), (entries, points, value) in sorted(self._lines.items())
        ]


async def journal(ledger: Feed, programs: Programs, after: Version | None, to: Version | None) -> Journal:
    """The journal after one version up to another; None: from the beginning, up to the end. Costs by all entries up to
    its end, since a member's market is the one it had then. Raises `InvalidInput` for marks of another history, that
    lie beyond the end, or where the first lies behind the second.
    """
    heads = await ledger.heads()
    begins = Version(heads.epoch, {}) if after is None else after
    ends = heads.version if to is None else to
    _check(begins, ends, heads.version)
    tally, hashes = _Tally(programs), {}
    for shard in sorted(heads.marks):
        first = begins.positions.get(shard, 0)
        async for entry in entries_of(ledger, shard, ends.positions.get(shard, 0)):
            tally.take(entry, inside=entry.position > first)
            hashes[shard] = entry.hash.hex()
    lines = tally.lines()
    return Journal(
        after=str(begins),
        to=str(ends),
        hashes=hashes,
        points=sum(line.points for line in lines),
        outstanding={market: points for market, points in sorted(tally.outstanding.items()) if points},
        lines=lines,
    )


async def entries_of(ledger: Feed, shard: int, last: int) -> AsyncIterator[Entry]:
    """A shard's entries up to a position, in order, and in turns with whatever else the process does."""
    async for entry in one_by_one(_chunks(ledger, shard, last)):
        yield entry


async def _chunks(ledger: Feed, shard: int, last: int) -> AsyncIterator[list[Entry]]:
    mark = Mark()
    while mark.position < last:
        entries = await ledger.feed(shard, mark, min(CHUNK, last - mark.position))
        yield entries
        mark = Mark(entries[-1].position, entries[-1].hash)


def _check(begins: Version, ends: Version, heads: Version) -> None:
    for name, version in (("after", begins), ("to", ends)):
        if version.epoch > heads.epoch or not _within(version.positions, heads.positions):
            raise InvalidInput.of(name, "is no place in this ledger's feed")
    if not _within(begins.positions, ends.positions):
        raise InvalidInput.of("after", "lies behind `to`")


def _within(positions: Mapping[int, int], others: Mapping[int, int]) -> bool:
    return all(others.get(shard, 0) >= position for shard, position in positions.items())
