"""Every leaderboard gives the answers of the one in memory, over random years of a shop, asked after every batch."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from zoneinfo import ZoneInfo

import pytest
from msgspec import json
from msgspec.structs import replace
from tests import valkey_server
from tests.engines import needs_native, new_leaderboard

from laurels.clock import DAY
from laurels.engines.memory import MemoryLeaderboard
from laurels.leaderboard import ALL_TIME, Boards, Followed, Leaderboard, changes_of
from laurels.model import BoardEntry, Entry, EntryKind, Mark
from laurels.model.details import MergeDetails
from laurels.model.entries import MAX_POINTS
from laurels.model.times import month_of
from laurels.testing.ledger_contract.base import board_entry_of

LONDON = ZoneInfo("Europe/London")
BOARDS = Boards(LONDON)
OCTOBER_2026 = 1_790_812_800_000_000
SHARDS = 3
PEOPLE = 14
STREAMS = 4
BATCHES = 18


@asynccontextmanager
async def memory(_: str) -> AsyncIterator[Leaderboard]:
    engine = MemoryLeaderboard()
    yield engine
    await engine.close()


@asynccontextmanager
async def native(_: str) -> AsyncIterator[Leaderboard]:
    with new_leaderboard("native") as engine:
        yield engine
        await engine.close()


Make = Callable[[str], AbstractAsyncContextManager[Leaderboard]]
OTHERS: dict[str, Make] = {"valkey": valkey_server.leaderboard, "native": native}
"""The engines that are compared with the one in memory, made beside a Valkey server at an address."""


@dataclass
class RandomShop:
    """A made-up ledger: what happened, shard by shard, and who is whom by now."""

    rng: Random
    now: int = OCTOBER_2026
    shards: dict[int, list[Entry]] = field(default_factory=lambda: {shard: [] for shard in range(SHARDS)})
    numbers: dict[str, int] = field(default_factory=dict)
    enrolled: int = 0
    renamed: int = 1_000
    merges: dict[int, int] = field(default_factory=dict)
    details: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def happen(self) -> None:
        """Let something happen to somebody; now and then a week or a month goes by first."""
        if self.rng.random() < 0.04:
            self.now += self.rng.choice([3 * DAY, 8 * DAY, 31 * DAY])
        person = f"member-{self.rng.randrange(PEOPLE)}"
        if person not in self.numbers:
            self.numbers[person] = self.enrolled + self.rng.choice([0, 0, 1])  # numbers may have gaps
            self.enrolled = self.numbers[person] + 1
            self._write(EntryKind.ENROL, person, name_number=self.numbers[person])
            return
        kind = self.rng.choices(
            [*EntryKind],
            [8 if kind in {EntryKind.EARN, EntryKind.REVERSE, EntryKind.ADJUST} else 1 for kind in EntryKind],
        )[0]
        match kind:
            case EntryKind.EARN:
                self._write(kind, person, points=self._points(), board_at=self.now - self.rng.choice([0, 0, 9]) * DAY)
            case EntryKind.REVERSE:
                self._write(kind, person, points=-self._points(), board_at=self.now - self.rng.randrange(60) * DAY)
            case EntryKind.ADJUST:
                self._write(kind, person, points=self.rng.choice([-1, 1]) * self._points())
            case EntryKind.RENAME:
                self.renamed += 1
                self._write(kind, person, name_number=self.renamed)
            case EntryKind.ERASE:
                self._write(kind, person)
                del self.numbers[person]
            case EntryKind.MERGE:
                self._merge(person, self.rng.choice([*self.numbers]))
            case EntryKind.ENROL:
                return
            case _:
                self._write(kind, person)

    def read(self, shard: int, after: int) -> list[Entry]:
        """The feed of a shard as it reads now: of who was erased there is no id any more."""
        known = {number: person for person, number in self.numbers.items()}
        return [
            replace(entry, member_id=known.get(entry.member)) if entry.kind is EntryKind.ENROL else entry
            for entry in self.shards[shard][after:]
        ]

    def board_entries(self, entries: Sequence[Entry]) -> Iterator[BoardEntry]:
        """Entries as the boards read them."""
        for entry in entries:
            yield (*board_entry_of(entry)[:8], self.details.get((entry.shard, entry.position)))

    def _merge(self, person: str, other: str) -> None:
        """Let one become another, unless it did already, or the other one became it."""
        member, into = self.numbers[person], self.numbers[other]
        while into in self.merges:
            into = self.merges[into]
        if member in self.merges or into == member or into not in self.numbers.values():
            return
        self.merges[member] = into
        self._write(EntryKind.MERGE, person)
        shard = member % SHARDS
        self.details[shard, len(self.shards[shard])] = json.encode(MergeDetails(into=into))

    def _points(self) -> int:
        return self.rng.choice([0, 1, 1, 2, 3, 10, self.rng.randrange(100_000), MAX_POINTS])

    def _write(
        self,
        kind: EntryKind,
        person: str,
        *,
        points: int = 0,
        board_at: int | None = None,
        name_number: int | None = None,
    ) -> None:
        number = self.numbers[person]
        shard = number % SHARDS
        position = len(self.shards[shard]) + 1
        entry = Entry(
            shard=shard,
            position=position,
            kind=kind,
            member=number,
            points=points,
            occurred_at=self.now,
            board_at=self.now if board_at is None else board_at,
            recorded_at=self.now,
            name_number=name_number,
            member_id=person,
            hash=self.rng.randbytes(32),
        )
        self.shards[shard].append(entry)


@pytest.mark.anyio
@pytest.mark.parametrize("other", ["valkey", pytest.param("native", marks=needs_native)])
async def test_every_answer_is_the_one_of_the_leaderboard_in_memory(other: str, valkey_url: str, rng: Random) -> None:
    for _ in range(STREAMS):
        async with AsyncExitStack() as stack:
            reference = await stack.enter_async_context(memory(valkey_url))
            engine = await stack.enter_async_context(OTHERS[other](valkey_url))
            await live([reference, engine], RandomShop(rng))


async def live(engines: Sequence[Leaderboard], shop: RandomShop) -> None:
    """Follow a shop with two engines, through a rebuild in the middle, and compare them after each batch."""
    for part in range(2):
        done = dict.fromkeys(range(SHARDS), 0)
        for engine in engines:
            await engine.reset(Followed(identity="shop", epoch=1 + part, rules=LONDON.key))
        for batch in range(BATCHES):
            for _ in range(shop.rng.randrange(1, 25)):
                shop.happen()
            for shard in shop.rng.sample(range(SHARDS), shop.rng.randrange(1, SHARDS + 1)):
                entries = shop.read(shard, done[shard])[: shop.rng.choice([1, 7, 1_000])]
                changes = changes_of(shop.board_entries(entries), BOARDS)
                done[shard] += len(entries)
                if entries:
                    for engine in engines:
                        await engine.apply(shard, changes, Mark(entries[-1].position, entries[-1].hash))
            if batch % 3 == 0:
                for engine in engines:
                    await engine.confirm(shop.now + batch)
            await compare(engines, shop)


async def compare(engines: Sequence[Leaderboard], shop: RandomShop) -> None:
    """Fail where any answer differs."""
    reference, engine = engines
    assert await engine.followed() == await reference.followed()
    boards = {ALL_TIME, *(f"month:{month_of(shop.now - days * DAY, LONDON)}" for days in (0, 31, 62, 400))}
    for board in sorted(boards):
        wholes = [[row async for rows in one.standings(board, chunk=3) for row in rows] for one in engines]
        assert wholes[1] == wholes[0]
        for person in range(PEOPLE + 1):
            sizes = {"top": shop.rng.choice([0, 3, 100]), "around": shop.rng.choice([0, 2, 50])}
            views = [await one.read(board, f"member-{person}", **sizes) for one in engines]
            mine, theirs = (replace(view, top=list(view.top), around=list(view.around)) for view in views)
            assert theirs == mine
