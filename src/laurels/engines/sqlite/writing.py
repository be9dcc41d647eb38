"""Writing an outcome: entries with what belongs to them, totals, awards, milestones."""

from collections.abc import Container, Mapping, Sequence

import msgspec

from laurels.engines.sqlite import accepting, members
from laurels.engines.sqlite.chain import Chain
from laurels.engines.sqlite.connection import Database, Row
from laurels.ledger import Award, Item, OrderKey, Outcome, Posting, Reached
from laurels.ledger.inbox import KEPT
from laurels.ledger.outbox import message_id
from laurels.ledger.totals import Totals
from laurels.model import Balance
from laurels.model.months import Months

Written = tuple[Item, int, int]
"""(document, the place of its first entry, its member)."""


def write(
    db: Database,
    chain: Chain,
    outcome: Outcome,
    known: Container[OrderKey] = (),
    balances: Mapping[int, Row | None] = {},
) -> list[Written]:
    """Write all that an outcome says; gives each document once, with its first entry. `known` are the orders that were
    awarded before, `balances` members' rows of totals that were read in this transaction.
    """
    totals: dict[int, Totals] = {}
    written, places, at = _write_entries(db, chain, outcome.postings, totals, balances)
    for member, state in outcome.states.items():
        if member not in totals:
            totals[member], _ = _totals_in(db, balances, member)
        totals[member].state = state
    save_totals(db, totals)
    awards = [
        _award_row(award, (_places_of(db, award) if key in known else []) + places.get(key, []))
        for key, award in outcome.awards.items()
    ]
    db.run_rows("write_award", awards)
    for (source, redemption_id), redeemed in outcome.redemptions.items():
        db.run("write_redemption", source, redemption_id, redeemed.restored, redeemed.spent)
    for reached in outcome.reached:
        _reach(db, reached, at[reached.posting], chain.now)
    for each in outcome.reminders:
        id = message_id(db.value("read_identity"), each.member, each.name)
        db.run("insert_reminder", id, each.member, each.name, each.points, chain.now)
    for name, used in outcome.budgets.items():
        db.run("use_budget", name, used)
    for onward in outcome.onward:
        accepting.hand_on(db, onward, chain.now)
    for due in outcome.due:
        db.run("insert_due", chain.shard, due.at, due.member, due.what)
    return list(written.values())


def _write_entries(
    db: Database,
    chain: Chain,
    postings: Sequence[Posting],
    totals: dict[int, Totals],
    balances: Mapping[int, Row | None],
) -> tuple[dict[int, Written], dict[OrderKey, list[int]], list[int]]:
    """Append the entries, each with what belongs to it, and add them to the totals; gives what was written by document,
    and the entries' places by order, and one by one.
    """
    written: dict[int, Written] = {}
    places: dict[OrderKey, list[int]] = {}
    at: list[int] = []
    contents: list[tuple[int, bytes]] = []
    remarks: list[tuple[int, str, str]] = []
    for posting in postings:
        if posting.member not in totals:
            totals[posting.member], is_first = _totals_in(db, balances, posting.member)
            if is_first:  # totals come after the enrolment: who has some is in the feed
                members.joined(db, chain, posting.member)
        totals[posting.member].add(posting)
        place = _append(chain, posting)
        at.append(place)
        if posting.item.sequence not in written:
            written[posting.item.sequence] = posting.item, place, posting.member
            if posting.item.kind in KEPT:
                contents.append((place, posting.item.content))
        if posting.order_key is not None:
            places.setdefault(posting.order_key, []).append(place)
        if posting.reason or posting.note:
            remarks.append((place, posting.reason, posting.note))
    chain.flush()  # contents and remarks refer to entries
    db.run_rows("insert_content", contents)
    db.run_many("insert_remark", remarks)
    return written, places, at


def totals_of(db: Database, member: int) -> tuple[Totals, bool]:
    """A member's totals, and whether this is the first that there is of them."""
    return _totals_in(db, {}, member)


def _totals_in(db: Database, balances: Mapping[int, Row | None], member: int) -> tuple[Totals, bool]:
    row = balances[member] if member in balances else db.one("read_balance", member)
    if row is None:
        return Totals(Balance(), Months(), None), True
    return Totals(Balance(*row[:3]), Months(*row[3:6]), row[6]), False


def save_totals(db: Database, totals: Mapping[int, Totals]) -> None:
    """Write members' totals."""
    db.run_rows("write_balance", [_balance_row(member, of_member) for member, of_member in totals.items()])
    for member, of_member in totals.items():
        for month, points in of_member.closing:
            db.run("add_to_closed_month", month, member, points)


def _balance_row(member: int, totals: Totals) -> Row:
    balance, months = totals.balance, totals.months
    return (
        member,
        balance.balance,
        balance.earned,
        balance.score,
        months.month,
        months.score,
        months.before,
        totals.state,
    )


def _append(chain: Chain, posting: Posting) -> int:
    return chain.append(
        posting.kind,
        posting.member,
        points=posting.points,
        currency=posting.currency,
        amount=posting.amount,
        source=posting.item.source,
        order_id=None if posting.order_key is None else posting.order_key[1],
        refund_id=posting.refund_id,
        program_version=posting.program_version,
        actor=posting.item.actor,
        occurred_at=posting.occurred_at,
        board_at=posting.board_at,
        details=posting.details,
    )


def _places_of(db: Database, award: Award) -> list[int]:
    row = db.one("award_places", award.source, award.order_id)
    return msgspec.json.decode(row[0], type=list[int]) if row and row[0] else []


def _award_row(award: Award, places: list[int]) -> Row:
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
        award.frame,
        award.refunded,
        msgspec.json.encode(places),
    )


def _reach(db: Database, reached: Reached, place: int, now: int) -> None:
    """Once for each (member, milestone), ever: the second crossing finds the row and sends nothing."""
    row = db.one("insert_milestone", reached.member, reached.milestone, reached.points, now, int(reached.quiet), place)
    if row is not None and not reached.quiet:
        identity = db.value("read_identity")
        id = message_id(identity, reached.member, reached.milestone)
        db.run("insert_message", id, reached.member, reached.milestone, reached.points, now)
