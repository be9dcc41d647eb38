"""The transaction of an award: claim documents, let the rules judge them, write what they lead to."""

import uuid
from collections.abc import Iterable

from laurels.engines.sqlite import accepting
from laurels.engines.sqlite.chain import Chain, read_entry
from laurels.engines.sqlite.connection import Database, Row
from laurels.ledger import Award, Claim, Decide, Item, Outcome, Posting, Reached, Receipt
from laurels.model import Balance, Document, DocumentKind, Status


def award(db: Database, limit: int, decide: Decide, waiting_before: int, now: int) -> int:
    """Take up to `limit` documents in order of acceptance, and as many overdue refunds. Returns how many were taken."""
    items = [_item(row) for row in db.all("claim_ready", limit)]
    overdue = [_item(row) for row in db.all("claim_overdue", waiting_before, limit)]
    if not items and not overdue:
        return 0
    chain = Chain(db, now)
    outcome = decide(_claim(db, chain.now, items, overdue))
    for item in outcome.waiting:
        _set_aside(db, item, Status.WAITING, "the order has not come yet", chain.now)
    for quarantined in outcome.quarantined:
        _set_aside(db, quarantined.item, Status.QUARANTINED, quarantined.reason, chain.now)
    for sequence, (position, member) in _write(db, chain, outcome).items():
        db.run("set_accepted", Status.AWARDED.value, position, member, sequence)
        db.run("delete_inbox", sequence)
    chain.save()
    return len(items) + len(overdue)


def settle(db: Database, document: Document, decide: Decide, now: int) -> Receipt:
    """Accept one document and write its entry at once."""
    known, member = accepting.look_up(db, document)
    if known is not None:
        return known
    chain = Chain(db, now)
    item = accepting.remember(db, chain, document, member)
    outcome = decide(_claim(db, chain.now, [item], []))
    position, member = _write(db, chain, outcome)[item.sequence]
    db.run("set_accepted", Status.AWARDED.value, position, member, item.sequence)
    chain.save()
    return Receipt(Status.AWARDED, entry=read_entry(db, position))


def _claim(db: Database, now: int, items: list[Item], overdue: list[Item]) -> Claim:
    """Look up what judging these needs: the orders that refunds name, the refunds that orders release, the members'
    totals.
    """
    claim = Claim(now=now, items=items, overdue=overdue, awards={}, waiting={}, balances={})
    for item in items:
        key = item.order_key
        if item.kind is DocumentKind.ORDER and key is not None:
            waiting = [_item(row) for row in db.all("claim_waiting", *key)]
            if waiting:
                claim.waiting[key] = waiting
        elif key is not None:
            row = db.one("read_award", *key)
            if row is not None:
                claim.awards[key] = _award(row)
    members: set[int | None] = {item.member for item in items}
    members.update(award.member for award in claim.awards.values())
    for member in members - {None}:
        row = db.one("read_balance", member)
        if member is not None and row is not None:
            claim.balances[member] = Balance(*row)
    return claim


def _write(db: Database, chain: Chain, outcome: Outcome) -> dict[int, tuple[int, int]]:
    """Write entries, totals, awards and milestones; gives (first position, member) by the document's sequence."""
    positions: dict[int, tuple[int, int]] = {}
    for posting in outcome.postings:
        position = _append(chain, posting)
        positions.setdefault(posting.item.sequence, (position, posting.member))
    _add_to_balances(db, outcome.postings)
    for award in outcome.awards.values():
        db.run("write_award", *_award_row(award))
    for reached in outcome.reached:
        _reach(db, reached, chain.now)
    return positions


def _reach(db: Database, reached: Reached, now: int) -> None:
    """Once for each (member, milestone), ever: the second crossing finds the row and sends nothing."""
    row = db.one("insert_milestone", reached.member, reached.milestone, reached.points, now, int(reached.quiet))
    if row is not None and not reached.quiet:
        db.run("insert_message", uuid.uuid4().hex, reached.member, reached.milestone, reached.points, now)


def _append(chain: Chain, posting: Posting) -> int:
    return chain.append(
        posting.kind,
        posting.member,
        points=posting.points,
        currency=posting.currency,
        amount=posting.amount,
        source=posting.item.source,
        order_id=posting.order_id,
        refund_id=posting.refund_id,
        reason=posting.reason,
        program_version=posting.program_version,
        actor=posting.actor,
        occurred_at=posting.occurred_at,
        board_at=posting.board_at,
    )


def _add_to_balances(db: Database, postings: Iterable[Posting]) -> None:
    """Totals are moved by what was written, not by what the rules believed them to be."""
    balances: dict[int, Balance] = {}
    for posting in postings:
        balance = balances.get(posting.member)
        if balance is None:
            row = db.one("read_balance", posting.member)
            balance = Balance(*row) if row else Balance()
        balances[posting.member] = balance.plus(posting.kind, posting.points)
    for member, balance in balances.items():
        db.run("write_balance", member, balance.balance, balance.earned, balance.score)


def _set_aside(db: Database, item: Item, status: Status, reason: str, now: int) -> None:
    db.run("set_accepted", status.value, None, item.member, item.sequence)
    db.run("set_inbox", status.value, reason, now, item.sequence)


def _item(row: Row) -> Item:
    return Item(
        sequence=row[0],
        kind=DocumentKind(row[1]),
        source=row[2],
        id=row[3],
        member=row[4],
        order_id=row[5],
        accepted_at=row[6],
        content=row[7],
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
    )


def _award_row(award: Award) -> Row:
    return (
        award.source,
        award.order_id,
        award.member,
        award.program_version,
        award.currency,
        award.amount,
        award.left,
        award.points,
        award.reversed,
        award.board_at,
    )
