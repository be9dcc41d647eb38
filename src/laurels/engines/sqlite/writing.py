"""Writing an outcome: entries with what belongs to them, totals, awards, milestones."""

import hashlib
from collections.abc import Container, Sequence

import msgspec

from laurels.engines.sqlite import members
from laurels.engines.sqlite.chain import Chain
from laurels.engines.sqlite.connection import Database
from laurels.ledger import Award, Item, OrderKey, Outcome, Posting, Reached
from laurels.model import Balance, DocumentKind
from laurels.model.entries import SCORED, worth
from laurels.model.months import Months

_KEPT = frozenset({DocumentKind.ORDER, DocumentKind.REFUND, DocumentKind.AMENDMENT, DocumentKind.CANCELLATION})
"""What these said stays for a time; of the others the entry and the remark say all."""

Written = tuple[Item, int, int]
"""(document, the place of its first entry, its member)."""


def write(db: Database, chain: Chain, outcome: Outcome, known: Container[OrderKey] = ()) -> list[Written]:
    """Write all that an outcome says; gives each document once, with its first entry. `known` are the orders that were
    awarded before.
    """
    totals: dict[int, Totals] = {}
    written, places = _write_entries(db, chain, outcome.postings, totals)
    for member, state in outcome.states.items():
        _of(db, totals, member).state = state
    for member, of_member in totals.items():
        of_member.save(db, member)
    for key, award in outcome.awards.items():
        before = _places_of(db, award) if key in known else []
        _write_award(db, award, before + places.get(key, []))
    for (source, redemption_id), redeemed in outcome.redemptions.items():
        db.run("write_redemption", source, redemption_id, redeemed.restored)
    for reached in outcome.reached:
        _reach(db, reached, chain.now)
    for due in outcome.due:
        db.run("insert_due", chain.shard, due.at, due.member, due.what)
    return list(written.values())


def _write_entries(
    db: Database, chain: Chain, postings: Sequence[Posting], totals: "dict[int, Totals]"
) -> tuple[dict[int, Written], dict[OrderKey, list[int]]]:
    """Append the entries, each with what belongs to it, and add them to the totals; gives what was written by document,
    and the entries' places by order.
    """
    written: dict[int, Written] = {}
    places: dict[OrderKey, list[int]] = {}
    for posting in postings:
        of_member = _of(db, totals, posting.member)
        if of_member.is_new:  # totals come after the enrolment: who has some is in the feed
            of_member.is_new = False
            members.joined(db, chain, posting.member)
        of_member.add(posting)
        place = _append(chain, posting)
        if posting.item.sequence not in written:
            written[posting.item.sequence] = posting.item, place, posting.member
            if posting.item.kind in _KEPT:
                db.run("insert_content", place, posting.item.content)
        if posting.order_key is not None:
            places.setdefault(posting.order_key, []).append(place)
        if posting.reason or posting.note:
            db.run("insert_remark", place, posting.reason, posting.note)
    return written, places


class Totals:
    """A member's row of totals. They are moved by what was written, not by what the rules believed them to be."""

    def __init__(self, db: Database, member: int) -> None:
        row = db.one("read_balance", member)
        self.is_new = row is None
        self.balance = Balance(*row[:3]) if row else Balance()
        self.months = Months(*row[3:6]) if row else Months()
        self.state: bytes | None = row[6] if row else None
        self.closing: list[tuple[int, int]] = []

    def add(self, posting: Posting) -> None:
        """Add an entry."""
        self.balance = self.balance.plus(posting.kind, posting.points, posting.details)
        if posting.month is not None and posting.kind in SCORED:
            self.score(posting.month, worth(posting.kind, posting.points, posting.details)[1])

    def score(self, month: int, points: int) -> None:
        """Add to what the member scored in a month."""
        self.months, closing = self.months.plus(month, points)
        self.closing += closing

    def save(self, db: Database, member: int) -> None:
        """Write them."""
        balance, months = self.balance, self.months
        db.run(
            "write_balance",
            member,
            balance.balance,
            balance.earned,
            balance.score,
            months.month,
            months.score,
            months.before,
            self.state,
        )
        for month, points in self.closing:
            db.run("add_to_closed_month", month, member, points)


def _of(db: Database, totals: dict[int, Totals], member: int) -> Totals:
    of_member = totals.get(member)
    if of_member is None:
        of_member = totals[member] = Totals(db, member)
    return of_member


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


def _write_award(db: Database, award: Award, places: list[int]) -> None:
    db.run(
        "write_award",
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


def _reach(db: Database, reached: Reached, now: int) -> None:
    """Once for each (member, milestone), ever: the second crossing finds the row and sends nothing."""
    row = db.one("insert_milestone", reached.member, reached.milestone, reached.points, now, int(reached.quiet))
    if row is not None and not reached.quiet:
        identity = db.value("read_identity")
        id = message_id(identity, reached.member, reached.milestone)
        db.run("insert_message", id, reached.member, reached.milestone, reached.points, now)


def message_id(identity: str, member: int, milestone: str) -> str:
    """A message's id, which follows from what it is about: after a restore it is the same again."""
    return hashlib.blake2b(f"{identity}/{member}/{milestone}".encode(), digest_size=16).hexdigest()
