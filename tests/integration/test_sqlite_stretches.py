"""A member's entries are found by stretches of places: in whatever stretches they lie, all are found, in order."""

from contextlib import closing
from pathlib import Path
from random import Random

import apsw
import pytest
from tests.ledgers import open_ledger

from laurels.awarding import Awarder, publish
from laurels.engines.sqlite.connection import _SQL, Database
from laurels.ledger import Ledger
from laurels.model import EntryKind, MemberEvent
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import order, refund

pytestmark = pytest.mark.anyio

STRETCH = 1 << 16
MEMBERS = [f"m{n}" for n in range(12)]
POINTS = "'earn', 'reverse', 'adjust', 'redeem', 'expire', 'restore', 'merge', 'transfer'"
SMALL = {"SCAN stretch", "SCAN shard", "SCAN CONSTANT ROW"}
BY_MEMBER = (
    "member_entries",
    "merged_entries",
    "member_moves",
    "merged_moves",
    "count_renames",
    "kept_entries",
    "read_orders",
    "forget_remarks",
    "forget_content",
)


@pytest.mark.parametrize("shards", [1, 4])
async def test_entries_of_many_stretches_are_found_newest_first(tmp_path: Path, shards: int) -> None:
    path = await _long_ledger(tmp_path, shards)
    ledger = await open_ledger(path, shards=shards)
    for member in MEMBERS:
        places = _places(path, member, f"kind IN ({POINTS})")
        assert len({place >> 16 for place in places}) > 1, "its entries lie in several stretches"
        for limit in (1, 2, len(places), 50):
            assert await _paged(ledger, member, limit) == places
        kept = await ledger.kept(member)
        assert kept is not None
        assert len(kept.entries) == len(_places(path, member))
        assert all(each.content for each in kept.entries if each.entry.kind in {"earn", "reverse"})
    await ledger.close()


@pytest.mark.parametrize("shards", [1, 4])
@pytest.mark.parametrize("at_once", [1, 3, 1000])
async def test_what_is_remembered_of_members_is_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shards: int, at_once: int
) -> None:
    """Looks at random members, some from the middle on, while entries come; each against a walk over the whole ledger.
    Stretches are read in several parts, and moves are remembered in part, and of few members.
    """
    for name, value in (("FIRST", at_once), ("FEWEST", at_once), ("MOST_MOVES", 3), ("REMEMBERED", 4)):
        monkeypatch.setattr(f"laurels.engines.sqlite.moves.{name}", value)
    path, rng = await _long_ledger(tmp_path, shards), Random(shards * at_once)
    ledger = await open_ledger(path, shards=shards)
    awarder = Awarder(ledger, await publish(ledger, parse_program(DEFAULT_PROGRAM)))
    for turn in range(120):
        member = rng.choice(MEMBERS[:6])
        found = await ledger.member(member)
        assert found is not None
        there = _places(path, member, f"kind IN ({POINTS})")
        before = rng.choice([None, None, rng.choice(there)])
        kinds, limit = rng.choice([(), ("reverse",), ("earn", "reverse")]), rng.randint(1, 8)
        shown = await ledger.timeline(
            found.number,
            kinds=[EntryKind(kind) for kind in kinds],
            before=None if before is None else str(before),
            balance=None if before is None else 0,
            limit=limit,
        )
        of_kinds = _places(path, member, f"kind IN ({', '.join(map(repr, kinds)) or POINTS})")
        wanted = [place for place in of_kinds if before is None or place < before][:limit]
        assert [each.entry.shard << 40 | each.entry.position for each in shown.entries] == wanted, (turn, member)
        if before is None and not kinds and shown.entries:
            kept = await ledger.balance(member)
            assert kept is not None
            assert shown.entries[0].balance_after == kept[0].balance
        if rng.random() < 0.3:
            await ledger.accept(
                [order(f"new-{turn}-{n}", member, "25.00").document() for n in range(rng.randint(1, 5))]
            )
            await awarder.drain()
    await ledger.close()


async def test_entries_of_merged_members_are_found_in_all_their_stretches(tmp_path: Path) -> None:
    path = await _long_ledger(tmp_path, 4)
    ledger = await open_ledger(path, shards=4)
    awarder = Awarder(ledger, await publish(ledger, parse_program(DEFAULT_PROGRAM)))
    await awarder.merge("m0", "m1", actor="clerk")
    of_both = {place for each in ("m0", "m1") for place in _places(path, each, f"kind IN ({POINTS})")}
    assert set(await _paged(ledger, "m1", 3)) == of_both
    await ledger.close()


async def test_erasing_forgets_what_was_said_in_every_stretch(tmp_path: Path) -> None:
    path = await _long_ledger(tmp_path, 1)
    gone, others = _places(path, "m3"), [place for each in MEMBERS[:3] for place in _places(path, each)]
    said = _contents(path)
    assert said & set(gone)
    ledger = await open_ledger(path)
    await ledger.change_member("m3", MemberEvent.ERASE, actor="clerk")
    await ledger.close()
    assert not _contents(path) & set(gone)
    assert _contents(path) & set(others) == said & set(others)


async def test_no_look_up_by_member_walks_through_the_entries(tmp_path: Path) -> None:
    await (await open_ledger(tmp_path / "laurels.db")).close()
    with closing(Database(tmp_path / "laurels.db")) as db:
        for name in BY_MEMBER:
            bindings = (None,) * max(1, *(number for number in range(1, 6) if f"?{number}" in _SQL[name]), 0)
            plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {_SQL[name]}", bindings)]
            assert any("INDEX entry_member (<expr>=? AND member=?" in step for step in plan), name
            assert not [step for step in plan if step.startswith("SCAN") and step not in SMALL]
        newest = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {_SQL['member_entries']}", (None,) * 5)]
        assert not any("TEMP B-TREE" in step for step in newest), "read in their order, as far as asked for"


async def _long_ledger(folder: Path, shards: int) -> Path:
    """A ledger whose members have entries on both sides of the ends of stretches, with empty ones between."""
    path = folder / "laurels.db"
    for part in range(3):
        ledger = await open_ledger(path, shards=shards)
        awarder = Awarder(ledger, await publish(ledger, parse_program(DEFAULT_PROGRAM)))
        orders = [order(f"{part}-{n}-{member}", member, "25.00") for n in range(2) for member in MEMBERS]
        refunds = [refund(f"r{part}-{member}", member, "10.00", f"{part}-0-{member}") for member in MEMBERS[:4]]
        await ledger.accept([*(each.document() for each in orders), *(each.document() for each in refunds)])
        await awarder.drain()
        await ledger.close()
        with closing(apsw.Connection(str(path))) as connection:  # as if as many entries had come meanwhile
            connection.execute("UPDATE shard SET position = ?", ((part + 1) * 5 * STRETCH - 5,))
    return path


async def _paged(ledger: Ledger, member: str, limit: int) -> list[int]:
    found, before = [], None
    while page := await ledger.entries(member, before=before, limit=limit):
        assert len(page) <= limit
        found += page
        before = page[-1].cursor
    return [entry.shard << 40 | entry.position for entry in found]


def _places(path: Path, member: str, where: str = "TRUE") -> list[int]:
    """Where a member's entries are, newest first, by looking at each entry."""
    with closing(apsw.Connection(str(path))) as connection:
        rows = connection.execute(
            f"SELECT place FROM entry WHERE +member = (SELECT number FROM member WHERE member_id = ?) AND {where} "  # noqa: S608
            "ORDER BY place DESC",
            (member,),
        )
        return [place for (place,) in rows]


def _contents(path: Path) -> set[int]:
    with closing(apsw.Connection(str(path))) as connection:
        return {place for (place,) in connection.execute("SELECT place FROM content")}
