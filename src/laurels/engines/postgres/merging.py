"""Making two members one."""

from laurels.engines.postgres.batch import Batch
from laurels.engines.postgres.chain import chains_of
from laurels.engines.postgres.claiming import claim_of
from laurels.engines.postgres.codes import SHARDS
from laurels.engines.postgres.opening import Facts
from laurels.engines.postgres.statements import Statements
from laurels.errors import Conflict, PointsOutOfRange, UnknownMember
from laurels.ledger import Claim, Decide, Outcome, shard_of
from laurels.ledger.claim import by_clock
from laurels.model import Balance
from laurels.model.details import MergeDetails, encode
from laurels.model.market import market_of
from laurels.model.months import Months


class OtherShard(Exception):
    """One of the members is in a shard that is not locked."""


async def merge(
    db: Statements,
    member_id: str,
    into: str,
    *,
    actor: str,
    now: int,
    facts: Facts,
    locked: set[int],
    lock_budgets: bool,
    join: Decide | None,
) -> None:
    """Move a member's points, orders, later documents and places to another, and let its id answer for that one.

    Two entries are written, one in each shard's feed; both are locked.
    """
    ends = await _ends(db, member_id, into)
    if ends is None:
        return
    (shard, number), (other_shard, other) = ends
    if other_shard not in locked:
        raise OtherShard
    batches = {
        at: Batch(chain, facts, lock_budgets=lock_budgets)
        for at, chain in (await chains_of(db, sorted({shard, other_shard}), now)).items()
    }
    await batches[shard].load(db, {number})
    await batches[other_shard].load(db, {other})
    batches[shard].join(number)
    batches[other_shard].join(other)
    outcome = Outcome() if join is None else join(await _pair(db, batches, (shard, number), (other_shard, other)))
    await _move_totals(db, (batches[shard], number), (batches[other_shard], other), actor)
    batches[shard].keep(number, outcome.states.pop(number, None))
    batches[other_shard].add(outcome)
    await db.run("forget_due", shard, number)
    for batch in batches.values():
        await batch.write(db)
    await db.run("merge_member", shard, number, other_shard, other)
    await db.run("merge_rest", number, other)
    await db.run("drop_told_twice", other)
    await db.run("release_messages", other, now)
    sequences = [row[0] for row in await db.all("documents_of", shard, number)]
    if sequences:
        many = len(sequences)
        await db.run("move_inbox", sequences, [other_shard] * many, [other] * many, shard)


async def _ends(db: Statements, member_id: str, into: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """(shard, number) of the member who goes and of the one who stays; None where the two are one already."""
    gone = await db.one("member_itself", shard_of(member_id, SHARDS), member_id)
    stays = await db.one("member_by_id", shard_of(into, SHARDS), into)
    if gone is None or stays is None:
        raise UnknownMember
    number, shard, merged_into = gone
    other = stays["number"]
    if merged_into is not None and merged_into != other:
        raise Conflict("This member became another one already. Nothing was changed.")
    if number == other:
        raise Conflict("A member cannot become itself. Nothing was changed.")
    return None if merged_into == other else ((shard, number), (stays["shard"], other))


async def _pair(db: Statements, batches: dict[int, Batch], ends: tuple[int, int], goes_on: tuple[int, int]) -> Claim:
    """What joining two members, (shard, number) each, needs."""
    batch = batches[goes_on[0]]
    claim = await claim_of(
        db, batch, [by_clock(number, batch.chain.now) for _, number in (ends, goes_on)], in_depth=True
    )
    await batches[ends[0]].load_persons(db)
    claim.members[ends[1]] = batches[ends[0]].members[ends[1]].state()
    return claim


async def _move_totals(db: Statements, gone: tuple[Batch, int], stays: tuple[Batch, int], actor: str) -> None:
    had, has = (batch.members[number].totals for batch, number in (gone, stays))
    points, earned, score = had.balance.balance, had.balance.earned, had.balance.score
    has.balance = Balance(has.balance.balance + points, has.balance.earned + earned, has.balance.score + score)
    if not has.balance.in_range():
        raise PointsOutOfRange
    closed = [tuple(row) for row in await db.all("closed_months_of", gone[0].chain.shard, gone[1])]
    for month, scored in [*had.months.open(), *closed]:
        has.score(month, scored)
    had.balance, had.months = Balance(), Months()
    market = market_of(await db.all("market_entries", gone[0].chain.shard, gone[1]))
    for (batch, number), sign, said in (
        (gone, -1, MergeDetails(into=stays[1], earned=-earned, score=-score)),
        (stays, 1, MergeDetails(of=gone[1], earned=earned, score=score, market=market)),
    ):
        batch.merge_entry(number, sign * points, actor, encode(said))
