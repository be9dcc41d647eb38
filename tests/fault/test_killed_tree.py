"""`laurels serve`, killed again and again, one process or all of them, while tills and a reader are at it.

NEVER loses an acknowledged order, counts one twice, applies what it refused, or goes backwards for a reader that holds
a token: `acked <= applied <= acked + unknown` after each kill, and equality once the unknown were sent again.
"""

import asyncio
import os
import time
from collections import Counter
from contextlib import closing
from email import message_from_bytes
from itertools import count
from pathlib import Path
from random import Random

import apsw
import pytest
from tests.fault.following import Board
from tests.fault.history import History
from tests.fault.killed_tree import WITH_ADDRESS, Till, Tree, run_and_kill
from tests.ledgers import open_ledger

from laurels import clock
from laurels.clock import SECOND
from laurels.ledger import Ledger
from laurels.model import Entry, Mark
from laurels.model.entries import SCORED
from laurels.notify.notifier import LEASE_S
from laurels.settings import Settings
from laurels.testing.ledger_contract.base import TurnedClock
from laurels.testing.verifying import findings_of
from laurels.wiring import build

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("LAURELS_KILL_SECONDS") or 4)
"""How long the killing goes on; give more to look harder. `make soak` does it for minutes."""

ROUND_S = 2.5
"""The longest life of a tree."""

MILESTONE = 100


@pytest.mark.timeout(SECONDS * 20 + 300)
@pytest.mark.parametrize("shards", [1, pytest.param(16, marks=pytest.mark.long)])
def test_never_lost_never_twice_never_backwards_while_processes_are_killed(
    tmp_path: Path, rng: Random, figures: Counter[str], shards: int
) -> None:
    kill_for(SECONDS, tmp_path, rng, figures, shards)
    with closing(apsw.Connection(str(tmp_path / "state" / "laurels.db"))) as db:
        assert db.execute("SELECT count(*) FROM shard").get == shards


def kill_for(seconds: float, folder: Path, rng: Random, figures: Counter[str], shards: int = 1) -> None:
    """Kill trees over one state, with a ledger of so many shards, for so long, and until something was acknowledged,
    something refused and something read; then send what is unknown again, and count everything.
    """
    tree, history, seen = Tree(folder / "state", shards), History(), list[str]()
    deadline = time.monotonic() + seconds
    for number in count():
        figures["kills"] += run_and_kill(tree, history, seen, rng, name=f"k{number}", seconds=ROUND_S)
        asyncio.run(_check_between(tree.state, history, figures))
        if number and time.monotonic() > deadline and history.acked and history.refused and seen:
            break
    figures["acknowledged"] += len(history.acked)
    figures["unknown, sent again"] += len(history.unknown)
    tree.start()
    till = Till("again", tree, history, rng)
    for asked in list(history.unknown.values()):
        till.send(asked)
    tree.stop()
    assert not history.unknown
    asyncio.run(_check_in_the_end(tree.state, history, figures))


async def _check_between(state: Path, history: History, figures: Counter[str]) -> None:
    ledger = await open_ledger(state / "laurels.db")
    await _check(ledger, history, figures)
    await ledger.close()


async def _check_in_the_end(state: Path, history: History, figures: Counter[str]) -> None:
    """Award what is left, send the mails whose senders died, and compare everything."""
    now = TurnedClock()
    now.at = clock.now() + int(LEASE_S * SECOND)
    async with build(Settings(state=state), now=now) as services:
        await services.awarder.drain()
        await services.notifier.drain()
        await _check(services.ledger, history, figures)
        promised = history.promised()
        balances = {member: await services.ledger.balance(member) for member in promised}
        assert {member: found[0].balance for member, found in balances.items() if found} == promised
        board = Board(services.ledger, now)
        await board.catch_up()
        await board.check()
        entries = await _entries(services.ledger)
    assert _recipients(state) == sorted(f"{member}@example.com" for member in _crossed(entries))


async def _check(ledger: Ledger, history: History, figures: Counter[str]) -> None:
    """`acked <= applied <= acked + unknown`, each once, and a ledger that verifies."""
    entries = Counter((e.kind, e.order_id, e.refund_id) for e in await _entries(ledger) if e.order_id)
    twice = [what for what, times in entries.items() if times > 1]
    lost, sneaked_in = await history.lost(ledger), await history.sneaked_in(ledger)
    figures["lost"] += len(lost)
    figures["twice"] += len(twice)
    assert (lost, twice, sneaked_in) == ([], [], [])
    assert await findings_of(ledger) == []


async def _entries(ledger: Ledger) -> list[Entry]:
    """All there are: shard by shard, so a member's in order."""
    return [entry for shard in (await ledger.heads()).marks for entry in await ledger.feed(shard, Mark(), 1_000_000)]


def _recipients(state: Path) -> list[str]:
    return sorted(message_from_bytes(path.read_bytes())["To"] for path in state.glob("outbox/*.eml"))


def _crossed(entries: list[Entry]) -> set[str]:
    """Who passed the milestone at any time, and has an address."""
    scores: Counter[str] = Counter()
    crossed = set()
    for entry in entries:
        member = entry.member_id or ""
        scores[member] += entry.points if entry.kind in SCORED else 0
        if scores[member] > MILESTONE and member in {f"m{n}" for n in range(WITH_ADDRESS)}:
            crossed.add(member)
    return crossed
