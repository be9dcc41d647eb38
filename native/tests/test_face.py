"""The core seen from Python: the same answers as the pure-Python engine, byte for byte, and the errors by name."""

import hashlib
import os
import subprocess
import sys
from array import array
from importlib.resources import files
from pathlib import Path
from random import Random, SystemRandom
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import anyio
import laurels_core as core
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laurels.dashboard import Dashboards, ProxyNames, Seal, Versions, to_json
from laurels.dashboard.names import PUBLISHED_KEY, Shuffle
from laurels.engines.memory import MemoryLeaderboard
from laurels.errors import LedgerUnavailable
from laurels.leaderboard import ALL_TIME, Boards, Change, Erased, Followed, Hidden, Joined, Renamed, Scored
from laurels.ledger import Heads
from laurels.model import Mark
from laurels.model.entries import MAX_POINTS

MEMBERS = 700
STALE_AFTER = 1_000_000
KINDS = {Joined: core.JOINED, Scored: core.SCORED, Hidden: core.HIDDEN, Renamed: core.RENAMED, Erased: core.ERASED}


class NoLedger:
    """In the place of a ledger that is away."""

    async def heads(self) -> Heads:
        """Nobody answers."""
        raise LedgerUnavailable


VERSIONS = Versions(Seal(PUBLISHED_KEY), NoLedger())


@pytest.fixture(scope="module")
def names() -> core.Names:
    rounds = Shuffle(25_600, PUBLISHED_KEY)._rounds
    words = (files("laurels.dashboard").joinpath("words", f"{list_}.txt") for list_ in ("adjectives", "creatures"))
    lists = [text.read_text("ascii").split() for text in words]
    return core.Names([table for pair in rounds for table in pair], *lists)


@pytest.fixture
def rng() -> Random:
    seed = int(os.environ.get("LAURELS_TEST_SEED") or SystemRandom().getrandbits(32))
    print(f"LAURELS_TEST_SEED={seed} repeats this")
    return Random(seed)


def op(position: int, change: Change) -> core.Op:
    """A change as the core takes it."""
    fields = [getattr(change, field) for field in change.__struct_fields__ if field != "member"]
    return (position, KINDS[type(change)], change.member, *fields)


def changes(rng: Random) -> list[Change]:
    """Enrolments, many ties, sums beyond 32 bits, and some of everything else."""
    made: list[Change] = [Joined(member, f"member-{member}", rng.randrange(10**8)) for member in range(MEMBERS)]
    for _ in range(4000):
        member = rng.randrange(MEMBERS)
        made.append(Scored(member, ALL_TIME, min(int(rng.paretovariate(0.9)), 10**6) - 2))
    made += [Hidden(rng.randrange(MEMBERS)) for _ in range(20)]
    made += [Erased(rng.randrange(MEMBERS)) for _ in range(20)]
    made += [Renamed(rng.randrange(MEMBERS), 10**8 + number) for number in range(20)]
    return [*made, *(Scored(rng.randrange(MEMBERS), ALL_TIME, MAX_POINTS) for _ in range(3))]


@pytest.mark.parametrize("number", [0, 1, 2, 25_599, 25_600, 999_999, 327_680_000, 655_359_999])
def test_names_are_those_of_the_pure_python_permutation(names: core.Names, number: int) -> None:
    assert names.name(number) == ProxyNames(PUBLISHED_KEY).name(number)


def test_names_end_where_the_permutation_ends(names: core.Names) -> None:
    with pytest.raises(ValueError, match="from 0 to 655359999"):
        names.name(655_360_000)


def test_dashboards_are_byte_for_byte_those_of_the_memory_engine(
    tmp_path: Path, names: core.Names, rng: Random
) -> None:
    made, now = changes(rng), [1_000_000]

    async def compare() -> None:
        memory = MemoryLeaderboard()
        await memory.reset(Followed(identity="ledger", epoch=2))
        boards = Boards(ZoneInfo("Europe/London"))
        dashboards = Dashboards(memory, boards, ProxyNames(PUBLISHED_KEY), VERSIONS, 1000, now=lambda: now[0])
        writer, reader = core.Writer(tmp_path), core.Reader(tmp_path, names)
        writer.reset("ledger", 2, "")
        for shard, some in ((0, made[:3000]), (5, made[3000:])):
            await memory.apply(shard, list(enumerate(some, 1)), Mark(len(some), b"x"))
            assert writer.apply(
                shard, [op(position, change) for position, change in enumerate(some, 1)], len(some), b"x"
            )
        writer.check()
        await memory.confirm(900_000)
        writer.confirm(900_000)
        for now[0] in (1_000_000, 9_000_000):
            for member in [*rng.sample(range(MEMBERS), 200), MEMBERS]:
                top, around = rng.choice([(10, 2), (0, 0), (100, 50)])
                for seal in (None, VERSIONS.seal.seal):
                    expected = await dashboards.member(
                        f"member-{member}", top=top, around=around, sealed=seal is not None
                    )
                    body, as_of, stale, known = reader.render(
                        ALL_TIME, f"member-{member}", top, around, now[0], STALE_AFTER, seal
                    )
                    assert body == to_json(expected)
                    assert (as_of, stale, known) == (expected.as_of, expected.stale, expected.me.name is not None)
        rows = [row async for chunk in memory.standings(ALL_TIME) for row in chunk]
        standings = reader.standings(ALL_TIME)
        assert len(standings) == len(rows)
        assert [*standings.rows(100), *standings.rows(10**6)] == rows
        assert standings.rows(1) == []

    anyio.run(compare)


def test_what_was_built_at_once_is_what_was_applied(tmp_path: Path, rng: Random) -> None:
    scores = array("i", (int(rng.paretovariate(1)) % 1000 - 1 for _ in range(MEMBERS)))
    views = []
    for built in (True, False):
        directory = tmp_path / str(built)
        writer, reader = core.Writer(directory), core.Reader(directory)
        writer.reset("ledger", 1, "")
        numbers = array("I", range(MEMBERS))
        writer.load_members(numbers, [f"member-{member}" for member in range(MEMBERS)], numbers)
        if built:
            writer.build(ALL_TIME, scores)
        else:
            ops: list[core.Op] = [(1, core.SCORED, member, ALL_TIME, score) for member, score in enumerate(scores)]
            writer.apply(0, ops, 1, b"")
        writer.check()
        writer.confirm(1)
        views.append([reader.view(ALL_TIME, f"member-{member}", MEMBERS, 3)[3:] for member in (0, 1, MEMBERS - 1)])
        writer.close()
    assert views[0] == views[1]


def test_a_batch_is_counted_once_and_its_mark_is_kept(tmp_path: Path) -> None:
    writer = core.Writer(tmp_path)
    assert writer.followed() == (None, 0, "", {})
    writer.reset("ledger", 3, "Europe/London")
    ops: list[core.Op] = [(1, core.JOINED, 0, "ann", 5), (2, core.SCORED, 0, ALL_TIME, 7)]
    assert writer.apply(15, ops, 2, b"hash")
    assert not writer.apply(15, ops, 2, b"hash")
    writer.confirm(9)
    writer.close()
    assert core.Writer(tmp_path).followed() == ("ledger", 3, "Europe/London", {15: (2, b"hash")})
    assert core.Reader(tmp_path).view(ALL_TIME, "ann", 1, 0) == (
        3, {15: 2}, 9, 1, [(1, 0, 5, 7)], (0, 5, 7, False, 1, 1, 1), [(1, 0, 5, 7)],
    )  # fmt: skip


def test_errors_have_their_names(tmp_path: Path) -> None:
    writer, reader = core.Writer(tmp_path), core.Reader(tmp_path)
    with pytest.raises(core.Locked, match="stop it first"):
        core.Writer(tmp_path)
    with pytest.raises(core.NotReady):
        reader.sequence()
    with pytest.raises(core.NotReady):
        writer.apply(0, [], 1, b"")
    writer.reset("ledger", 1, "")
    with pytest.raises(KeyError, match="4"):
        writer.apply(0, [(1, core.HIDDEN, 4)], 1, b"")
    with pytest.raises(TypeError, match="an op is"):
        writer.apply(0, [(1, core.SCORED, 4)], 1, b"")
    with pytest.raises(ValueError, match="shards are from 0 to 15"):
        writer.apply(16, [], 1, b"")
    writer.confirm(1)
    with pytest.raises(ValueError, match="between reset and confirm"):
        writer.build(ALL_TIME, array("i", [1]))
    with pytest.raises(ValueError, match="give names"):
        reader.render(ALL_TIME, "ann", 1, 1, 1, 1)
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.confirm(2)


@pytest.mark.parametrize("member_id", ["", "\0", "ä" * 500, "\U0010ffff", "x" * 100_000])
def test_any_text_may_be_asked_for(tmp_path: Path, names: core.Names, member_id: str) -> None:
    writer, reader = core.Writer(tmp_path), core.Reader(tmp_path, names)
    writer.reset("ledger", 1, "")
    writer.confirm(1)
    assert reader.render(member_id, member_id, 100, 50, 1, 1)[3] is False


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=300), unique=True, max_size=20), st.data())
def test_any_texts_may_be_ids(names: core.Names, ids: list[str], data: st.DataObject) -> None:
    """Whoever joined is found under the id, whatever it is made of, and nobody else."""
    with TemporaryDirectory() as directory:
        writer, reader = core.Writer(directory), core.Reader(directory, names)
        writer.reset("ledger", 1, "")
        ops: list[core.Op] = [(number + 1, core.JOINED, number, id_, number) for number, id_ in enumerate(ids)]
        writer.apply(0, ops, len(ops), b"")
        writer.confirm(1)
        for number, id_ in enumerate(ids):
            me = reader.view(ALL_TIME, id_, 1, 1)[5]
            assert me is not None
            assert me[0] == number
        other = data.draw(st.text(st.characters(codec="utf-8"), max_size=300).filter(lambda text: text not in ids))
        assert reader.view(ALL_TIME, other, 1, 1)[5] is None
        assert reader.render(ALL_TIME, other, 1, 1, 1, 1)[3] is False
        writer.close()


@given(st.binary(max_size=300))
def test_any_bytes_may_be_a_head(data: bytes) -> None:
    assert core.plain_head(data) is None, "nothing of this length and at random is a request"


def test_the_stubs_are_those_of_the_binary(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy.stubtest", "laurels_core", "--ignore-missing-stub"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@given(st.lists(st.tuples(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16)), max_size=40))
def test_fingerprints_are_keyed_as_one_by_one(pairs: list[tuple[bytes, bytes]]) -> None:
    secrets, fingerprints = (b"".join(each[n] for each in pairs) for n in (0, 1))
    one_by_one = [hashlib.blake2b(said, digest_size=16, key=secret).digest() for secret, said in pairs]
    assert core.keyed(secrets, fingerprints) == b"".join(one_by_one)


@pytest.mark.parametrize(("secrets", "fingerprints"), [(16, 32), (32, 16), (16, 15), (15, 15), (0, 16)])
def test_fingerprints_without_a_secret_each_are_refused(secrets: int, fingerprints: int) -> None:
    with pytest.raises(ValueError, match="Each fingerprint has its secret"):
        core.keyed(bytes(secrets), bytes(fingerprints))
