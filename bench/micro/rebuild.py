"""What it takes to rebuild the native leaderboard from a SQLite ledger, through the projector, end to end.

    python bench/micro/rebuild.py --entries 500000
    python bench/micro/rebuild.py --entries 10000000 --ledger big.db    # kept, and used again
    python bench/micro/rebuild.py --entries 10000000 --members 100000 --by replay    # entry by entry

A rebuild begins at a checkpoint of totals: it costs by members, a replay by entries.

The ledger is made up from a seed, and written by the ledger's own code, so that its chain of hashes is right. One entry
in five enrols somebody until, half-way, all are in; the others are orders, with a refund, a correction, a redemption in
between, and somebody who hides or comes back; the month turns in the middle. Totals are written in the end. Making it
takes some 30 us an entry and is not counted. The last line is JSON.
"""

import argparse
import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter, process_time

from msgspec.structs import asdict, astuple

from laurels.clock import DAY
from laurels.dashboard import ProxyNames
from laurels.dashboard.names import PUBLISHED_KEY
from laurels.engines.native import NativeLeaderboard
from laurels.engines.sqlite import SqliteLedger
from laurels.engines.sqlite.chain import Chain, Numbers
from laurels.engines.sqlite.connection import Database
from laurels.leaderboard import ALL_TIME, Boards, Projector
from laurels.model import Balance, EntryKind
from laurels.model.entries import SCORED
from laurels.model.months import Months
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.workbench.bench.circumstances import circumstances

TRANSACTION = 20_000
HIDE_OR_SHOW = 0.001
BEGUN_AT = 1_790_000_000_000_000  # 2026-09-21: ten days later the month turns
KINDS = [EntryKind.EARN] * 90 + [EntryKind.REVERSE] * 4 + [EntryKind.ADJUST] * 2 + [EntryKind.REDEEM] * 4


def make_ledger(path: Path, entries: int, members: int, seed: int) -> None:
    """Write a ledger of so many entries of so many members, over 20 days."""
    asyncio.run(SqliteLedger.open(path).close())
    db, rng, enrolled = Database(path), Random(seed), 0
    boards = Boards(parse_program(DEFAULT_PROGRAM).zone)
    totals: dict[int, Totals] = {}
    hidden: dict[int, bool] = {}
    for first in range(0, entries, TRANSACTION):
        db.execute("BEGIN IMMEDIATE")
        chain, numbers = Chain(db, 0, BEGUN_AT + first * 20 * DAY // entries), Numbers(db)
        for position in range(first, min(first + TRANSACTION, entries)):
            if enrolled < members and position * members >= enrolled * entries // 2:
                number = numbers.enrol(f"customer-{enrolled}", bytes(16), chain.now)
                chain.join(number, number)
                enrolled += 1
            elif rng.random() < HIDE_OR_SHOW:
                member = rng.randrange(enrolled)
                hidden[member] = _hide_or_show(chain, member, position)
            else:
                member = rng.randrange(enrolled)
                kind, points = _points(chain, rng, member, position)
                totals.setdefault(member, Totals()).add(kind, points, boards.month_of(chain.now, chain.now))
        numbers.save()
        chain.save()
        db.execute("COMMIT")
    db.execute("BEGIN IMMEDIATE")
    for member, is_hidden in hidden.items():
        db.execute("UPDATE member SET hidden = ? WHERE number = ?", (is_hidden, member))
    for member, of_member in totals.items():
        balance, months = of_member.balance, of_member.months
        db.run("write_balance", member, *astuple(balance), months.month, months.score, months.before, None)
    db.execute("COMMIT")
    db.close()


class Totals:
    """What a member has, as the ledger keeps it."""

    def __init__(self) -> None:
        self.balance, self.months = Balance(), Months()

    def add(self, kind: EntryKind, points: int, month: int | None) -> None:
        """Add an entry. The year is too young for a closed month."""
        self.balance = self.balance.plus(kind, points)
        if month is not None and kind in SCORED:
            self.months, closing = self.months.plus(month, points)
            assert not closing


def _hide_or_show(chain: Chain, member: int, position: int) -> bool:
    hides = bool(position % 2)
    kind = EntryKind.HIDE if hides else EntryKind.SHOW
    chain.append(kind, member, occurred_at=chain.now, board_at=chain.now, actor="clerk")
    return hides


def _points(chain: Chain, rng: Random, member: int, position: int) -> tuple[EntryKind, int]:
    amount = min(int(rng.paretovariate(1.1)), 10_000)
    kind = rng.choice(KINDS)
    points = amount if kind in (EntryKind.EARN, EntryKind.ADJUST) else -amount
    chain.append(
        kind,
        member,
        points=points,
        currency="GBP",
        amount=1000 * amount,
        source="online",
        order_id=f"order-{position}",
        program_version=1,
        occurred_at=chain.now,
        board_at=chain.now,
    )
    return kind, points


async def rebuild(path: Path, directory: Path, by: str) -> dict[str, float]:
    """Rebuild once into an empty directory; tell the seconds, by clock and processor."""
    ledger = SqliteLedger.open(path)
    leaderboard = NativeLeaderboard(directory, ProxyNames(PUBLISHED_KEY))
    program = parse_program(DEFAULT_PROGRAM)
    projector = Projector(ledger, leaderboard, Boards(program.zone), program.time_zone)
    start, worked = perf_counter(), process_time()
    heads = await (projector.replay() if by == "replay" else projector.rebuild())
    took_s, worked_s = perf_counter() - start, process_time() - worked
    view = await leaderboard.read(ALL_TIME, None, top=1, around=0)
    assert view.version == heads.version, "all of it is on the board"
    await leaderboard.close()
    await ledger.close()
    entries = sum(heads.version.positions.values())
    return {
        "rebuild_s": took_s,
        "processor_s": worked_s,
        "us_an_entry": took_s / entries * 1e6,
        "processor_us_an_entry": worked_s / entries * 1e6,
        "ranked": view.ranked,
    }


def rounds(path: Path, directory: Path, count: int, by: str) -> Iterator[dict[str, float]]:
    """Rebuild so many times."""
    for _ in range(count):
        store = Path(tempfile.mkdtemp(prefix="laurels-rebuild-", dir=directory))
        try:
            yield asyncio.run(rebuild(path, store, by))
        finally:
            shutil.rmtree(store)


def main() -> None:
    """Measure, and print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--entries", type=int, default=200_000)
    parser.add_argument("--members", type=int, help="a tenth of the entries where it is not said")
    parser.add_argument("--by", choices=("checkpoint", "replay"), default="checkpoint")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ledger", type=Path, help="where the ledger is kept; used as it is where it is there")
    parser.add_argument("--directory", type=Path, help="where the stores are made; 60 bytes a member")
    parser.add_argument("--seed", type=int, default=4711)
    arguments = parser.parse_args()
    members = arguments.members or arguments.entries // 10
    with tempfile.TemporaryDirectory(prefix="laurels-rebuild-", dir=arguments.directory) as scratch:
        path = arguments.ledger or Path(scratch, "ledger.db")
        if not path.exists():
            make_ledger(path, arguments.entries, members, arguments.seed)
        measured = list(rounds(path, arguments.directory or Path(scratch), arguments.rounds, arguments.by))
    figures = {name: median(each[name] for each in measured) for name in measured[0]}
    about = asdict(circumstances()) | {"entries": arguments.entries, "members": members}
    about |= {"by": arguments.by, "rounds": arguments.rounds}
    for name, figure in (about | figures).items():
        print(f"{name:>24}  {figure}")
    print(json.dumps(about | figures))


if __name__ == "__main__":
    main()
