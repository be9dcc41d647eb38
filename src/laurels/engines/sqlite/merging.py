"""Making two members one."""

from laurels.engines.sqlite.awarding import pair
from laurels.engines.sqlite.chain import Chains
from laurels.engines.sqlite.connection import Database
from laurels.engines.sqlite.members import chains_version, joined
from laurels.engines.sqlite.writing import no_totals, read_totals, save_totals, write
from laurels.errors import Conflict, PointsOutOfRange, UnknownMember
from laurels.ledger import Decide, Outcome
from laurels.model import Balance, EntryKind, Version
from laurels.model.details import MergeDetails, encode
from laurels.model.market import market_of


def merge(db: Database, member_id: str, into: str, actor: str, now: int, *, join: Decide | None) -> Version:
    """Move a member's points, orders, later documents and places to another, and let its id answer for that one.

    Two entries are written, one in each shard's feed, the ends of both shards read in ascending order.
    """
    gone, stays = db.one("member_itself", member_id), db.one("member_by_id", into)
    if gone is None or stays is None:
        raise UnknownMember
    number, shard, merged_into = gone
    if merged_into is not None:
        if merged_into == stays[0]:
            return chains_version(db)
        raise Conflict("This member became another one already. Nothing was changed.")
    if number == stays[0]:
        raise Conflict("A member cannot become itself. Nothing was changed.")
    chains = Chains(db, now)
    for each in sorted({shard, stays[5]}):
        chains.of(each)
    joined(db, chains.of(shard), number)
    joined(db, chains.of(stays[5]), stays[0])
    outcome = Outcome() if join is None else join(pair(db, chains.of(stays[5]), number, stays[0]))
    _move_totals(db, chains, (number, shard), (stays[0], stays[5]), actor)
    db.run("forget_due", number)
    write(db, chains.of(stays[5]), outcome)
    db.run("merge_member", stays[0], number)
    db.run("merge_contact", stays[0], number)
    db.run("forget_contact", number)
    db.run("merge_attributes", stays[0], number)
    db.run("forget_attributes", number)
    db.run("move_inbox", stays[5], stays[0])
    db.run("merge_milestones", stays[0], number)
    db.run("drop_told_twice", stays[0])
    db.run("release_messages", stays[0], now)
    chains.save()
    return chains_version(db)


def _move_totals(db: Database, chains: Chains, gone: tuple[int, int], stays: tuple[int, int], actor: str) -> None:
    had, has = (read_totals(db, number) or no_totals() for number in (gone[0], stays[0]))
    points, earned, score = had.balance.balance, had.balance.earned, had.balance.score
    has.balance = Balance(has.balance.balance + points, has.balance.earned + earned, has.balance.score + score)
    if not has.balance.in_range():
        raise PointsOutOfRange
    for month, scored in [*had.months.open(), *db.all("closed_months_of", gone[0])]:
        has.score(month, scored)
    had.balance, had.months = Balance(), type(had.months)()
    db.run("forget_closed_months", gone[0])
    save_totals(db, {gone[0]: had, stays[0]: has})
    market = market_of(db.all("market_entries", gone[0]))
    for (member, shard), sign, said in (
        (gone, -1, MergeDetails(into=stays[0], earned=-earned, score=-score)),
        (stays, 1, MergeDetails(of=gone[0], earned=earned, score=score, market=market)),
    ):
        chains.of(shard).event(EntryKind.MERGE, member, actor=actor, points=sign * points, details=encode(said))
