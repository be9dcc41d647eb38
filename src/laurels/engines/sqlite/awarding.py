"""The transactions of an award: claim documents, let the rules judge them, write what they lead to."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import msgspec

from laurels.engines.sqlite import leases
from laurels.engines.sqlite.accepting import Acceptance, item_of
from laurels.engines.sqlite.chain import Chain, Chains, read_entry
from laurels.engines.sqlite.connection import FEWEST_ROWS, Database, Row, as_array
from laurels.engines.sqlite.plain_orders import award_run, runs_of
from laurels.engines.sqlite.writing import read_totals, totals_of, write
from laurels.errors import LaurelsError, NotOwned
from laurels.ledger import (
    OF_HOLD,
    Award,
    Claim,
    Decide,
    DecidesPlainOrders,
    Item,
    MemberState,
    OrderKey,
    PlainOrders,
    Receipt,
    RedemptionState,
)
from laurels.ledger.claim import by_clock
from laurels.ledger.totals import Totals
from laurels.model import Document, DocumentKind, Status
from laurels.model.market import market_of

_KINDS = {kind.value: kind for kind in DocumentKind}

_NO_PERSON: Row = (None, None, b"")
"""Of a member that is not there."""


def award(
    db: Database,
    shard: int,
    limit: int,
    decide: Decide,
    *,
    waiting_before: int,
    in_depth: bool,
    now: int,
    fence: int | None,
) -> int:
    """Take up to `limit` documents in order of acceptance, and as many overdue ones. Returns how many were taken.

    `fence` is the owner's; None where the ledger has one shard, and no leases.
    """
    if fence is not None and not leases.holds(db, shard, fence):
        raise NotOwned
    rows = db.all("claim_ready", shard, limit)
    overdue = [_item(row) for row in db.all("claim_overdue", shard, waiting_before, limit)]
    if not rows and not overdue:
        return 0
    chain = Chain(db, shard, now)
    rules = decide.plain_orders if isinstance(decide, DecidesPlainOrders) and not in_depth else None
    if rules is None or overdue or db.one("any_change") is not None:
        items = [_item(row) for row in rows]
        waiting = _let_wait(db, shard, items, chain.clock)
        items = [each for each in items if each.sequence not in waiting]
        _judge(db, chain, items, overdue, decide, in_depth=in_depth)
    else:
        _judge_in_runs(db, chain, rows, decide, rules)
    chain.save()
    return len(rows) + len(overdue)


def _judge_in_runs(db: Database, chain: Chain, rows: Sequence[Row], decide: Decide, rules: PlainOrders) -> None:
    """Let the native core award the runs of plain orders, and the rules what lies between and what the core leaves: in
    order, each part with what came before written.
    """
    for is_run, of in runs_of(rows):
        awarded = award_run(db, chain, of, rules) if is_run else None
        if awarded is None:
            _judge(db, chain, [_item(row) for row in of], [], decide, in_depth=False)
        else:
            _take_out(db, awarded)


def _let_wait(db: Database, shard: int, items: Sequence[Item], now: int) -> set[int]:
    """Let the changes of orders that are about to be judged wait for them: such an order is awarded as it was changed
    last. Gives their sequences.
    """
    waiting: set[int] = set()
    if db.one("any_change") is None:
        return waiting
    for order in items:
        if order.kind is DocumentKind.ORDER and order.order_key is not None:
            waiting.update(row[0] for row in db.all("changes_of", *order.order_key, shard))
    for sequence in waiting:
        db.run("set_accepted", Status.WAITING.value, sequence)
        db.run("set_inbox", Status.WAITING.value, "the order is not awarded yet", now, sequence)
    return waiting


class New(Protocol):
    """A document of this transaction that is not written down yet."""

    @property
    def item(self) -> Item:
        """As the rules see it."""
        ...

    def queue(self) -> None:
        """Put it into the inbox, where it has to lie there."""
        ...

    def row(self, place: int) -> Row:
        """What is written of it for ever, where the entry at a place is the first that it led to."""
        ...


def award_new(db: Database, chain: Chain, new: Sequence[New], decide: Decide, *, in_depth: bool) -> None:
    """Award documents without their way through the inbox."""
    by_sequence = {each.item.sequence: each for each in new}
    _judge(db, chain, [each.item for each in new], [], decide, by_sequence, in_depth=in_depth)
    chain.save()


def _judge(  # noqa: PLR0917 - what is judged, and by what
    db: Database,
    chain: Chain,
    items: list[Item],
    overdue: list[Item],
    decide: Decide,
    new: Mapping[int, New] = MappingProxyType({}),
    *,
    in_depth: bool,
) -> None:
    """Let the rules judge documents, and write what they lead to."""
    claim, totals = _claim(db, chain, items, overdue, in_depth=in_depth)
    known = frozenset(claim.awards)
    outcome = decide(claim)
    aside = [(item, Status.WAITING, "the order has not come yet") for item in outcome.waiting]
    aside += [(each.item, Status.QUARANTINED, each.reason) for each in outcome.quarantined]
    for item, status, reason in aside:
        if item.sequence in new:
            new[item.sequence].queue()
        _set_aside(db, item, status, reason, chain.clock)
    written = write(db, chain, outcome, known, totals)
    if new:
        db.run_rows(
            "insert_accepted", [new[each.sequence].row(place) for each, place, _ in written if each.sequence in new]
        )
        written = [each for each in written if each[0].sequence not in new]
    awarded: list[int] = []
    for item, place, member in written:
        awarded.extend((place, item.sequence))
        if item.member != member:
            db.run("place_accepted", member, item.sequence)
    _take_out(db, awarded)


def _take_out(db: Database, awarded: list[int]) -> None:
    """Take documents out of the inbox: the place of the first entry that each led to, and its sequence."""
    db.run_values("set_awarded", awarded, len(awarded) // 2)
    db.run_array("delete_inbox", awarded[1::2])


def sweep(db: Database, shard: int, limit: int, decide: Decide, *, now: int, fence: int | None) -> int:
    """Write down what the clock has done to up to `limit` members. Returns how many were looked at."""
    if fence is not None and not leases.holds(db, shard, fence):
        raise NotOwned
    chain = Chain(db, shard, now)
    rows = db.all("claim_due", shard, chain.now, limit)
    if not rows:
        return 0
    db.run("delete_due", shard, *rows[-1])
    first: dict[int, int] = {}
    for at, member in rows:
        first.setdefault(member, at)
    items = [by_clock(*each) for each in first.items()]
    claim, totals = _claim(db, chain, items, [], in_depth=True)
    write(db, chain, decide(claim), found=totals)
    chain.save()
    return len(first)


def settle(
    db: Database, batches: Sequence[tuple[Sequence[Document], Decide, bool]], now: int
) -> list[list[Receipt | LaurelsError]]:
    """Accept documents and write their entries at once, each judged alone; with True, in depth."""
    return [
        [_settle_one(db, document, decide, now, in_depth=in_depth) for document in documents]
        for documents, decide, in_depth in batches
    ]


def _settle_one(
    db: Database, document: Document, decide: Decide, now: int, *, in_depth: bool
) -> Receipt | LaurelsError:
    db.execute("SAVEPOINT one")
    try:
        receipt: Receipt | LaurelsError = _settle(db, document, decide, now, in_depth=in_depth)
    except LaurelsError as error:
        db.execute("ROLLBACK TO one")
        receipt = error
    db.execute("RELEASE one")
    return receipt


def _settle(db: Database, document: Document, decide: Decide, now: int, *, in_depth: bool) -> Receipt:
    acceptance = Acceptance(db, now)
    known, whose = acceptance.look_up(document)
    if known is not None:
        return known if known.entry is None else _with_balance(db, known, known.entry.member)
    acceptance.check_end(document)
    sequence, whose = acceptance.remember(document, whose)
    item = item_of(document, sequence, whose.number, now)
    acceptance.save()
    chains = Chains(db, now)
    chain = chains.of(whose.shard)
    claim, totals = _claim(db, chain, [item], [], in_depth=in_depth)
    [(_, place, member)] = write(db, chain, decide(claim), found=totals)
    db.run("set_awarded", place, item.sequence)
    chains.save()
    return _with_balance(db, Receipt(Status.AWARDED, entry=read_entry(db, place)), member)


def _with_balance(db: Database, receipt: Receipt, member: int) -> Receipt:
    row = db.one("read_balance", member)
    return Receipt(receipt.status, receipt.repeated, receipt.conflict, receipt.entry, row[0] if row else 0)


def _claim(
    db: Database, chain: Chain, items: list[Item], overdue: list[Item], *, in_depth: bool
) -> tuple[Claim, dict[int, Totals | None]]:
    """Look up what judging these needs: the orders that others name, the documents that orders release, the members'
    state; in depth also budgets, and what is said of members. Gives the members' totals besides.
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
    # Hardly ever so; asked for each order it is a tenth of the time that claiming them takes.
    anything_waits = db.one("anything_waits") is not None
    order = DocumentKind.ORDER
    for item in [*items, *overdue]:
        if anything_waits or item.kind is not order:
            _look_up(db, claim, item, chain.shard)
    totals = _totals(db, claim)
    for member, kept in totals.items():
        if kept is not None:
            claim.members[member] = MemberState(kept.balance, kept.state)
    given = DocumentKind.GIVEN
    if in_depth or any(item.kind is given for item in items):
        claim.budgets = dict(db.all("read_budgets"))
        people = {row[0]: row[1:] for row in db.all("read_people", msgspec.json.encode(list(totals)).decode())}
        for member in totals:
            known, person = claim.members.get(member), people.get(member, _NO_PERSON)
            # Who has no totals has no entries, so no orders to look for.
            claim.members[member] = in_depth_of(db, member, known, person) if known else _in_depth(person)
    return claim, totals


def _totals(db: Database, claim: Claim) -> dict[int, Totals | None]:
    """The totals of all members that a claim is about, by their numbers; None for one who has none yet."""
    members = {item.member for item in claim.items if item.member is not None}
    members.update(award.member for award in claim.awards.values())
    if len(members) < FEWEST_ROWS:
        return {member: read_totals(db, member) for member in members}
    totals: dict[int, Totals | None] = dict.fromkeys(members)
    # In order: one page of the table after another.
    totals.update((row[0], totals_of(*row[1:])) for row in db.all("read_balances", as_array(sorted(members))))
    return totals


def pair(db: Database, chain: Chain, ends: int, goes_on: int) -> Claim:
    """What joining two members needs; the chain is the one's that goes on."""
    claim, _ = _claim(db, chain, [by_clock(ends, chain.now), by_clock(goes_on, chain.now)], [], in_depth=True)
    return claim


def in_depth_of(db: Database, member: int, kept: MemberState, person: Row | None = None) -> MemberState:
    """A member with what programs in depth ask for; `person` is its row of `read_person`, where that was read."""
    person = person or db.one("read_person", member) or _NO_PERSON
    orders = (0, None) if kept.state is not None else db.one("read_orders", member) or (0, None)
    return _in_depth(person, kept, orders)


def _in_depth(person: Row, kept: MemberState = MemberState(), orders: Row = (0, None)) -> MemberState:  # noqa: B008
    return MemberState(kept.totals, kept.state, *person, *orders)


def _look_up(db: Database, claim: Claim, item: Item, shard: int) -> None:
    key = item.order_key
    match item.kind:
        case DocumentKind.ORDER if key is not None:
            if db.one("is_awaited", *key) is not None:
                claim.waiting[key] = [_item(row) for row in db.all("claim_waiting", *key, shard)]
        case DocumentKind.RESTORATION:
            source, redemption_id = item.source, item.id.split("\n")[0]
            captured = redemption_id.removeprefix(OF_HOLD) if redemption_id.startswith(OF_HOLD) else None
            row = db.one("read_redemption", source, redemption_id, captured)
            if row is not None:
                claim.redemptions[source, redemption_id] = RedemptionState(
                    member=row[0], points=row[1], restored=row[2], spent=row[3]
                )
        case DocumentKind.TRANSFER if item.member is not None:
            claim.markets[item.member] = market_of(db.all("market_entries", item.member))
        case _ if key is not None:
            _look_up_order(db, claim, key)


def _look_up_order(db: Database, claim: Claim, key: OrderKey) -> None:
    row = db.one("read_award", *key)
    if row is not None:
        claim.awards[key] = award_of(row)
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
        kind=_KINDS[row[1]],
        source=row[2],
        id=row[3],
        member=row[4],
        order_key=None if row[6] is None else (row[5], row[6]),
        accepted_at=row[7],
        content=row[8],
        actor=row[9],
        is_erased=bool(row[10]),
    )


def award_of(row: Row) -> Award:
    """A row of `read_award` as an `Award`."""
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
        content=row[12],
    )
