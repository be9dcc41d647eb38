"""The transaction of an award: lock the shard, claim documents, let the rules judge them, write what they lead to."""

from collections import deque
from typing import NamedTuple

from laurels.clock import elapsed
from laurels.engines.postgres.amending import changed_by, judge_again, let_wait
from laurels.engines.postgres.batch import Batch
from laurels.engines.postgres.chain import Chain, chains_of
from laurels.engines.postgres.claiming import claim_of, item_of, look_beside
from laurels.engines.postgres.opening import Facts
from laurels.engines.postgres.statements import Row, Statements
from laurels.errors import NotOwned
from laurels.ledger import Decide
from laurels.ledger.claim import by_clock

LAG_S = 0.5
"""A floor is where the inbox was taken up to so long ago: what a slow commit brings in below that is still seen."""

ALL_EVERY_S, ALL_EVERY_MOST_S, ALL_SHARE = 5.0, 60.0, 100
"""How often all of an inbox is looked through, whatever the floor, for what a very slow commit brought in: less often,
up to the second, where that takes more than one part in so many of the time.
"""


class Floor:
    """Up to where a shard's inbox was taken, so that nobody walks over the dead rows below it, which stay as long as
    anybody anywhere has an old snapshot. It is a hint, forgotten with the process.

    Who looks for work begins there, and whoever claims at the first document that was seen; or, while there is more
    than a claim may take, behind the last that was taken.
    """

    def __init__(self) -> None:
        self._taken: deque[tuple[float, int]] = deque()
        self._floor = 0
        self._all_at = self._forgotten_at = elapsed()
        self._all_took_s = 0.0
        self._is_all_due = False
        self.more_behind: int | None = None
        """The last that was taken, where that was as much as a claim may take: there is probably more."""

    def get(self) -> int:
        """Where to look from: 0 until a look through all that is due has ended."""
        now = elapsed()
        while self._taken and now - self._taken[0][0] > LAG_S:
            self._floor = self._taken.popleft()[1]
        rests_s = min(ALL_EVERY_MOST_S, max(ALL_EVERY_S, ALL_SHARE * self._all_took_s))
        return 0 if self._is_all_due or now - self._all_at > rests_s else self._floor

    def looked(self, since: int, began: float, took_s: float) -> None:
        """A look from there, which began then, took so long. What was found is told before, by `taken`."""
        if not since and began >= self._forgotten_at:
            self._all_at, self._all_took_s, self._is_all_due = elapsed(), took_s, False

    def taken(self, sequence: int) -> None:
        """All that was there up to a sequence was taken."""
        self._floor = min(self._floor, sequence)  # a look through all may have left some behind what it took
        while self._taken and self._taken[-1][1] > sequence:
            self._taken.pop()
        self._taken.append((elapsed(), sequence))

    def forget(self) -> None:
        """Look through all of it next time: something was put back."""
        self._forgotten_at, self._is_all_due = elapsed(), True


class ClaimedBatch(NamedTuple):
    """How many documents were taken, up to which sequence, in which shards some may lie below the floor now, whether
    the feed grew.
    """

    taken: int
    last: int
    put_back: list[int]
    grown: bool


async def award(
    db: Statements,
    shard: int,
    limit: int,
    decide: Decide,
    *,
    waiting_before: int,
    in_depth: bool,
    lock_budgets: bool,
    now: int,
    fence: int | None,
    floor: int,
    facts: Facts,
) -> ClaimedBatch:
    """Take up to `limit` documents in order of acceptance, and as many overdue ones, in a transaction that has the
    shard's lock.
    """
    claimed: list[Row] = await db.all("claim", shard, limit, floor, waiting_before)
    ready, overdue = ([row for row in claimed if row["overdue"] is late] for late in (False, True))
    moving = [row for row in (*ready, *overdue) if row["shard"] != shard]
    if moving:  # they came in the moment in which their members became others
        moved = [[row[key] for row in moving] for key in ("sequence", "shard", "member")]
        await db.run("move_inbox", *moved, shard)
    items = [item_of(row) for row in ready if row["shard"] == shard]
    late = [item_of(row) for row in overdue if row["shard"] == shard]
    if not items and not late:
        return ClaimedBatch(len(moving), 0, [row["shard"] for row in moving], grown=False)
    chain = await _owned_chain(db, shard, now, fence)
    last = max((item.sequence for item in items), default=0)
    waited_for, changes = await look_beside(db, shard, [*items, *late])
    await let_wait(db, shard, changes, chain.clock)
    again = await judge_again(db, changed_by(items), chain.clock)
    if changes:
        items = [item for item in items if item.sequence not in set(changes)]
    batch = Batch(chain, facts, lock_budgets=lock_budgets)
    batch.claim(claimed)
    batch.add(decide(await claim_of(db, batch, items, late, in_depth=in_depth, waited_for=waited_for)))
    await batch.write(db)
    put_back = [row["shard"] for row in moving] + again
    return ClaimedBatch(len(ready) + len(overdue), last, put_back, grown=bool(chain.rows))


async def sweep(
    db: Statements,
    shard: int,
    limit: int,
    decide: Decide,
    *,
    lock_budgets: bool,
    now: int,
    fence: int | None,
    facts: Facts,
) -> int:
    """Write down what the clock has done to up to `limit` members. Returns how many were looked at."""
    chain = await _owned_chain(db, shard, now, fence)
    rows: list[Row] = await db.all("claim_due", shard, chain.now, limit)
    if not rows:
        return 0
    batch = Batch(chain, facts, lock_budgets=lock_budgets)
    first: dict[int, int] = {}
    for row in rows:
        first.setdefault(row["member"], row["at"])
    batch.add(decide(await claim_of(db, batch, [by_clock(*each) for each in first.items()], in_depth=True)))
    await db.run("delete_due", shard, rows[-1]["at"], rows[-1]["member"])
    await batch.write(db)
    return len(first)


async def _owned_chain(db: Statements, shard: int, now: int, fence: int | None) -> Chain:
    """The end of a locked shard's feed. Raises `NotOwned` where somebody has taken the shard since that fence."""
    chain = (await chains_of(db, [shard], now))[shard]
    if fence is not None and chain.fence != fence:
        raise NotOwned
    return chain
