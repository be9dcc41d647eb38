"""Writing an outcome: entries with what belongs to them, totals, awards, milestones."""

from collections.abc import Container, Mapping, Sequence
from types import MappingProxyType

import msgspec

from laurels.engines.sqlite import members
from laurels.engines.sqlite.chain import Chain
from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.handing_on import hand_on
from laurels.ledger import Award, Item, OrderKey, Outcome, Posting
from laurels.ledger.inbox import KEPT
from laurels.ledger.outbox import message_id
from laurels.ledger.totals import Totals
from laurels.model import Balance
from laurels.model.months import Months

_encode = msgspec.json.Encoder().encode

Written = tuple[Item, int, int]
"""(document, the place of its first entry, its member)."""


def write(
    db: Database,
    chain: Chain,
    outcome: Outcome,
    known: Container[OrderKey] = (),
    found: Mapping[int, Totals | None] = MappingProxyType({}),
) -> list[Written]:
    """Write all that an outcome says; gives each document once, with its first entry. `known` are the orders that were
    awarded before, `found` members' totals that were read in this transaction.
    """
    totals: dict[int, Totals] = {}
    written, places, at = _write_entries(db, chain, outcome.postings, totals, found)
    for member, state in outcome.states.items():
        if member not in totals:
            totals[member], _ = _totals_in(db, found, member)
        totals[member].state = state
    save_totals(db, totals)
    awards: list[object] = []
    for key, award in outcome.awards.items():
        before = _places_of(db, key) if key in known else []
        awards.extend(_award_row(award, before + places.get(key, [])))
    db.run_values("write_award", awards, len(outcome.awards))
    for (source, redemption_id), redeemed in outcome.redemptions.items():
        db.run("write_redemption", source, redemption_id, redeemed.restored, redeemed.spent)
    for crossed in outcome.reached:
        place = at[crossed.posting]
        reach(db, chain, crossed.member, crossed.milestone, crossed.points, quiet=crossed.quiet, place=place)
    for each in outcome.reminders:
        id = message_id(db.value("read_identity"), each.member, each.name)
        db.run("insert_reminder", id, each.member, each.name, each.points, chain.now, chain.clock)
    for name, used in outcome.budgets.items():
        db.run("use_budget", name, used)
    for onward in outcome.onward:
        hand_on(db, onward, chain.now)
    for due in outcome.due:
        db.run("insert_due", chain.shard, due.at, due.member, due.what)
    return list(written.values())


def _write_entries(
    db: Database,
    chain: Chain,
    postings: Sequence[Posting],
    totals: dict[int, Totals],
    found: Mapping[int, Totals | None],
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
        of_member = totals.get(posting.member)
        if of_member is None:
            of_member, is_first = _totals_in(db, found, posting.member)
            totals[posting.member] = of_member
            if is_first:  # totals come after the enrolment: who has some is in the feed
                members.joined(db, chain, posting.member)
        of_member.add(posting)
        place = _append(chain, posting)
        at.append(place)
        item = posting.item
        if item.sequence not in written:
            written[item.sequence] = item, place, posting.member
            if item.is_erased:
                db.erased = True  # what it said goes from the inbox
            elif item.kind in KEPT:
                contents.append((place, item.content))
        if posting.order_key is not None:
            places.setdefault(posting.order_key, []).append(place)
        if posting.reason or posting.note:
            remarks.append((place, posting.reason, posting.note))
    chain.flush()  # contents and remarks refer to entries
    db.run_rows("insert_content", contents)
    db.run_many("insert_remark", remarks)
    return written, places, at


def totals_of(  # noqa: PLR0917 - the columns of a row
    balance: int, earned: int, score: int, month: int, month_score: int, before: int, state: bytes | None
) -> Totals:
    """A row of totals."""
    return Totals(Balance(balance, earned, score), Months(month, month_score, before), state)


def read_totals(db: Database, member: int) -> Totals | None:
    """A member's totals; None where there are none yet."""
    row = db.one("read_balance", member)
    return None if row is None else totals_of(*row)


def no_totals() -> Totals:
    """Those of a member who has none yet."""
    return Totals(Balance(), Months(), None)


def _totals_in(db: Database, found: Mapping[int, Totals | None], member: int) -> tuple[Totals, bool]:
    """A member's totals, and whether these are its first."""
    totals = found[member] if member in found else read_totals(db, member)
    return (no_totals(), True) if totals is None else (totals, False)


def save_totals(db: Database, totals: Mapping[int, Totals]) -> None:
    """Write members' totals."""
    values: list[object] = []
    for member in sorted(totals):  # one page after another, where there are many
        values.extend(_balance_row(member, totals[member]))
    db.run_values("write_balance", values, len(totals))
    closing = [(month, member, points) for member, of_member in totals.items() for month, points in of_member.closing]
    db.run_rows("add_to_closed_month", sorted(closing))


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
    item, key = posting.item, posting.order_key
    columns = (
        posting.kind,
        posting.member,
        posting.points,
        posting.currency,
        posting.amount,
        item.source,
        None if key is None else key[1],
        posting.refund_id,
        "",  # its reason is worded when it is read
        posting.program_version,
        None,  # no name: that is an event's
        item.actor,
        posting.occurred_at,
        posting.board_at,
        chain.now,
    )
    return chain.put(columns, posting.details)


def _places_of(db: Database, key: OrderKey) -> list[int]:
    row = db.one("award_places", *key)
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
        _encode(places),
    )


def reach(db: Database, chain: Chain, member: int, milestone: str, points: int, *, quiet: bool, place: int) -> None:
    """Keep that a member crossed a milestone, and send the message. Once for each (member, milestone), ever: the second
    crossing finds the row and sends nothing.
    """
    row = db.one("insert_milestone", member, milestone, points, chain.now, int(quiet), place)
    if row is not None and not quiet:
        id = message_id(db.value("read_identity"), member, milestone)
        db.run("insert_message", id, member, milestone, points, chain.now, chain.clock)
