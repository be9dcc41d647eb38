"""One transaction for what is settled in several shards: looked up in one round trip and written in one, whatever the
number of shards; judged shard by shard, each document alone.
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from laurels.engines.postgres.batch import Batch
from laurels.engines.postgres.batch_writing import write_batches
from laurels.engines.postgres.budgets import Budgets
from laurels.engines.postgres.chain import Chain, chain_of, columns_of
from laurels.engines.postgres.codes import DOCUMENT_KINDS
from laurels.engines.postgres.group import SettleAnswer, SettleGroup, SettleJob
from laurels.engines.postgres.known import KnownDocument, find_known, key_columns, other_end
from laurels.engines.postgres.names import Names
from laurels.engines.postgres.opening import Facts
from laurels.engines.postgres.statements import Call, Row, Statements
from laurels.ledger import DocumentKey
from laurels.model.documents import keyed

_SHARD = 15
"""Where a row of `members_at` says the shard."""


class JointSettled(NamedTuple):
    """The answers by shard, in order (a number: it is that shard's), and whether the feed grew."""

    answers: dict[int, list[SettleAnswer | int]]
    grew: bool


async def settle_together(
    db: Statements,
    jobs: Mapping[int, Sequence[SettleJob]],
    facts: Facts,
    names: Names,
    now: int,
    *,
    lock_budgets: bool = False,
) -> JointSettled:
    """Settle documents of shards that this transaction has locked. Four round trips with the transaction's own, and
    more for what few documents need. Raises `BudgetsMoved`.
    """
    budgets = Budgets(locked=lock_budgets)
    looked_up = await _look_up(db, jobs, now)
    groups = {}
    for shard, chain in looked_up.chains.items():
        batch = Batch(chain, facts, budgets=budgets)
        group = groups[shard] = SettleGroup(db, jobs[shard], batch, facts=facts, names=names, now=now)
        group.take_in(looked_up.members[shard], looked_up.known)
        await group.judge(looked_up.numbers[shard])
    grown = [group for group in groups.values() if group.rows.documents]
    if grown:
        await _write(db, grown, facts.secret, now)
    return JointSettled({shard: await group.answers() for shard, group in groups.items()}, grew=bool(grown))


class _LookedUp(NamedTuple):
    chains: dict[int, Chain]
    members: dict[int, list[Row]]
    numbers: dict[int, list[int]]
    known: Mapping[DocumentKey, KnownDocument]


async def _look_up(db: Statements, jobs: Mapping[int, Sequence[SettleJob]], now: int) -> _LookedUp:
    """What is looked up for all: where the feeds end, how these members stand, which documents were there before, and a
    number for each.
    """
    shards = sorted(jobs)
    own = {job.key for of_shard in jobs.values() for job in of_shard}
    keys = sorted(own | {other for key in own if (other := other_end(key)) is not None})
    ids = sorted({(shard, job.document.member_id) for shard, of_shard in jobs.items() for job in of_shard})
    ends, sequences, taken, found = await db.together(
        _of_ends(shards),
        ("next_sequences", sum(map(len, jobs.values()))),
        ("taken", *key_columns(keys)),
        _of_members(ids),
    )
    # Recorded at one time, which is before that of no entry that any of these shards has.
    recorded_at = max(now, *(at for _, _, _, at, _, _ in ends))
    chains = {row[0]: chain_of(row, now, recorded_at) for row in ends}
    members: dict[int, list[Row]] = {shard: [] for shard in shards}
    for row in found:
        members[shards[0] if len(row) == _SHARD else row[_SHARD]].append(row[:_SHARD])
    given = iter([number for (number,) in sequences])
    numbers = {shard: [next(given) for _ in jobs[shard]] for shard in chains}
    known = await find_known(db, [(DOCUMENT_KINDS[kind], source, id) for kind, source, id in taken])
    return _LookedUp(chains, members, numbers, known)


def _of_ends(shards: list[int]) -> Call:
    return ("end", *shards) if len(shards) == 1 else ("ends", shards)


def _of_members(ids: list[tuple[int, str]]) -> Call:
    """Of one shard with that as a parameter: the server then opens none of the other partitions."""
    shards = {shard for shard, _ in ids}
    if len(shards) == 1:
        return ("members_here", *shards, [member_id for _, member_id in ids])
    return ("members_at", *columns_of(ids, 2))


async def _write(db: Statements, groups: Sequence[SettleGroup], secret: bytes, now: int) -> None:
    """Write what was judged, sorted by what others may write at the same time."""
    members = [row for group in groups for row in group.rows.members]
    contacts = [row for group in groups for row in group.rows.contacts]
    documents = [row for group in groups for row in group.rows.documents]
    if members:
        await db.run("insert_members", *columns_of(members, 6))
        shards, ids = [row[0] for row in members], [row[4] for row in members]
        await db.run("place_strangers", shards, ids, [keyed(secret, member_id.encode()) for member_id in ids])
    if contacts:
        contacts.sort(key=itemgetter(0))  # of one member the first counts
        await db.run("write_first_contacts", *columns_of(contacts, 2), now)
    await write_batches(db, [group.batch for group in groups], ("insert_document", *columns_of(documents, 9)))
