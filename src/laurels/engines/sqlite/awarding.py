"""The transactions of an award: claim documents, let the rules judge them, write what they lead to."""

from collections.abc import Sequence

from laurels.engines.sqlite import leases
from laurels.engines.sqlite.accepting import Acceptance
from laurels.engines.sqlite.chain import Chain, Chains, read_entry
from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.writing import write
from laurels.errors import LaurelsError, NotOwned
from laurels.ledger import Award, Claim, Decide, Item, MemberState, OrderKey, Receipt, Redeemed
from laurels.model import Balance, Document, DocumentKind, Status


def award(
    db: Database, shard: int, limit: int, decide: Decide, *, waiting_before: int, now: int, fence: int | None
) -> int:
    """Take up to `limit` documents in order of acceptance, and as many overdue ones. Returns how many were taken.

    `fence` is the owner's; None where the ledger has one shard, and no leases.
    """
    if fence is not None and not leases.holds(db, shard, fence):
        raise NotOwned
    items = [_item(row) for row in db.all("claim_ready", shard, limit)]
    overdue = [_item(row) for row in db.all("claim_overdue", shard, waiting_before, limit)]
    if not items and not overdue:
        return 0
    chain = Chain(db, shard, now)
    claim = _claim(db, chain, items, overdue)
    known = frozenset(claim.awards)
    outcome = decide(claim)
    for item in outcome.waiting:
        _set_aside(db, item, Status.WAITING, "the order has not come yet", chain.now)
    for quarantined in outcome.quarantined:
        _set_aside(db, quarantined.item, Status.QUARANTINED, quarantined.reason, chain.now)
    for item, place, member in write(db, chain, outcome, known):
        if item.member != member:
            db.run("place_accepted", member, item.sequence)
        db.run("set_awarded", place, item.sequence)
        db.run("delete_inbox", item.sequence)
    chain.save()
    return len(items) + len(overdue)


def settle(
    db: Database, batches: Sequence[tuple[Sequence[Document], Decide]], now: int
) -> list[list[Receipt | LaurelsError]]:
    """Accept documents and write their entries at once, each judged alone."""
    return [[_settle_one(db, document, decide, now) for document in documents] for documents, decide in batches]


def _settle_one(db: Database, document: Document, decide: Decide, now: int) -> Receipt | LaurelsError:
    db.execute("SAVEPOINT one")
    try:
        receipt: Receipt | LaurelsError = _settle(db, document, decide, now)
    except LaurelsError as error:
        db.execute("ROLLBACK TO one")
        receipt = error
    db.execute("RELEASE one")
    return receipt


def _settle(db: Database, document: Document, decide: Decide, now: int) -> Receipt:
    acceptance = Acceptance(db, now)
    known, whose = acceptance.look_up(document)
    if known is not None:
        return known if known.entry is None else _with_balance(db, known, known.entry.member)
    item, shard = acceptance.remember(document, whose)
    acceptance.save()
    chains = Chains(db, now)
    chain = chains.of(shard)
    outcome = decide(_claim(db, chain, [item], []))
    [(_, place, member)] = write(db, chain, outcome)
    db.run("set_awarded", place, item.sequence)
    chains.save()
    return _with_balance(db, Receipt(Status.AWARDED, entry=read_entry(db, place)), member)


def _with_balance(db: Database, receipt: Receipt, member: int) -> Receipt:
    row = db.one("read_balance", member)
    return Receipt(receipt.status, receipt.repeated, receipt.conflict, receipt.entry, row[0] if row else 0)


def _claim(db: Database, chain: Chain, items: list[Item], overdue: list[Item]) -> Claim:
    """Look up what judging these needs: the orders that others name, the documents that orders release, the members'
    state.
    """
    claim = Claim(
        now=chain.now,
        program_version=db.value("newest_program") or 0,
        items=items,
        overdue=overdue,
        awards={},
        orders={},
        waiting={},
        members={},
        redemptions={},
    )
    for item in [*items, *overdue]:
        _look_up(db, claim, item, chain.shard)
    members: set[int | None] = {item.member for item in items}
    members.update(award.member for award in claim.awards.values())
    for member in members - {None}:
        row = db.one("read_balance", member)
        if member is not None and row is not None:
            claim.members[member] = MemberState(Balance(*row[:3]), row[6])
    return claim


def _look_up(db: Database, claim: Claim, item: Item, shard: int) -> None:
    key = item.order_key
    match item.kind:
        case DocumentKind.ORDER if key is not None:
            if (
                db.one("is_awaited", *key) is not None
            ):  # a tenth of the time that claiming them takes, and hardly ever so
                claim.waiting[key] = [_item(row) for row in db.all("claim_waiting", *key, shard)]
        case DocumentKind.RESTORATION:
            source, redemption_id = item.source, item.id.split("\n")[0]
            row = db.one("read_redemption", source, redemption_id)
            if row is not None:
                claim.redemptions[source, redemption_id] = Redeemed(member=row[0], points=row[1], restored=row[2])
        case _ if key is not None:
            _look_up_order(db, claim, key)


def _look_up_order(db: Database, claim: Claim, key: OrderKey) -> None:
    row = db.one("read_award", *key)
    if row is not None:
        claim.awards[key] = _award(row)
        return
    owner = db.one("owner", *key, DocumentKind.ORDER.value)
    if owner is not None:
        claim.orders[key] = owner[0]


def _set_aside(db: Database, item: Item, status: Status, reason: str, now: int) -> None:
    db.run("set_accepted", status.value, item.sequence)
    db.run("set_inbox", status.value, reason, now, item.sequence)


def _item(row: Row) -> Item:
    return Item(
        sequence=row[0],
        kind=DocumentKind(row[1]),
        source=row[2],
        id=row[3],
        member=row[4],
        order_key=None if row[6] is None else (row[5], row[6]),
        accepted_at=row[7],
        content=row[8],
        actor=row[9],
    )


def _award(row: Row) -> Award:
    return Award(
        source=row[0],
        order_id=row[1],
        member=row[2],
        program_version=row[3],
        currency=row[4],
        amount=row[5],
        left=row[6],
        points=row[7],
        reversed=row[8],
        board_at=row[9],
        frame=row[10],
        refunded=row[11],
    )
