"""What a transaction on one shard leads to, gathered row by row and written by few statements, whatever its size."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from laurels.engines.postgres.batch_member import BatchMember, draw_of
from laurels.engines.postgres.batch_writing import BatchRows, write_batches
from laurels.engines.postgres.budgets import Budgets
from laurels.engines.postgres.chain import Chain, columns_of
from laurels.engines.postgres.codes import place_of
from laurels.engines.postgres.handing_on import hand_on
from laurels.engines.postgres.opening import Facts
from laurels.engines.postgres.statements import Row, Statements
from laurels.ledger import (
    OF_HOLD,
    Award,
    Item,
    Onward,
    OrderKey,
    Outcome,
    Posting,
    Reached,
    RedemptionKey,
    RedemptionState,
)
from laurels.ledger.inbox import KEPT
from laurels.ledger.outbox import message_id
from laurels.ledger.totals import Totals
from laurels.model import Balance, DocumentKind, Entry, EntryKind
from laurels.model.entries import MOVES_POINTS
from laurels.model.months import Months

OF_MEMBER = 14
"""Where a claim's row begins to say what its member is."""


class AwardRow(NamedTuple):
    """Where a document's row of `award` is."""

    shard: int
    sequence: int


class Batch:
    """Gathers what is to be written in one shard."""

    def __init__(
        self, chain: Chain, facts: Facts, *, lock_budgets: bool = False, budgets: Budgets | None = None
    ) -> None:
        """`lock_budgets`: from the beginning, after `BudgetsMoved`. `budgets`: those that a transaction's other shards
        use too.
        """
        self.chain = chain
        self._identity = facts.identity
        self.secret = facts.secret
        self.budgets = budgets or Budgets(locked=lock_budgets)
        self.members: dict[int, BatchMember] = {}
        self.award_rows: dict[OrderKey, AwardRow] = {}
        """Of orders that were awarded before."""
        self.redemption_rows: dict[RedemptionKey, AwardRow] = {}
        self._claimed: set[int] = set()
        self._enrolled_at: dict[int, int] = {}
        self._joins: list[tuple[int, int]] = []
        self._contents: dict[int, bytes] = {}
        self._remarks: list[tuple[int, str, str]] = []
        self._first: dict[int, tuple[Posting, int]] = {}
        self._awards: dict[OrderKey, Award] = {}
        self._places: list[tuple[OrderKey, int]] = []
        self._restored: dict[RedemptionKey, RedemptionState] = {}
        self._reached: dict[tuple[int, str], tuple[Reached, int]] = {}
        self._reminders: list[tuple[str, int, str, int]] = []
        self._due: list[tuple[int, int, bytes]] = []
        self._onward: list[Onward] = []
        self._aside: list[tuple[int, bytes, str]] = []

    async def load(self, db: Statements, numbers: set[int]) -> None:
        """Read the members of this shard who are not known yet."""
        wanted = [number for number in numbers if number not in self.members]
        if not wanted:
            return
        self.take_in(await db.all("members", self.chain.shard, wanted))

    def take_in(self, rows: Iterable[Row]) -> None:
        """Know the members of these rows of `members`."""
        for row in rows:
            self._know(row[0], row[1:])

    def claim(self, claimed: Sequence[Row]) -> None:
        """Know the documents that are taken off the inbox, and the members that came with them, as the claim of this
        transaction gives them.
        """
        for row in claimed:
            self._claimed.add(row["sequence"])
            if row["known"] and row["member"] not in self.members:
                self._know(row["member"], row[OF_MEMBER:])

    def _know(self, number: int, columns: Sequence[Any]) -> None:
        self.members[number] = BatchMember.of_row(number, columns)
        self._enrolled_at[number] = columns[-1]

    async def load_persons(self, db: Statements) -> None:
        """Read what programs in depth ask of the members."""
        said = dict(await db.all("attributes", list(self.members)))
        new = [number for number, kept in self.members.items() if kept.totals.state is None and kept.last]
        orders = {row[0]: row[1:] for row in await db.all("orders_of", self.chain.shard, new)} if new else {}
        for number, kept in self.members.items():
            kept.attributes = said.get(number)
            kept.enrolled_at = self._enrolled_at[number]
            kept.draw = draw_of(self.secret, number)
            kept.orders, kept.last_order_at = orders.get(number, (0, None))

    def add_member(self, number: int, name_number: int) -> None:
        """A member who is enrolled in this transaction."""
        self.members[number] = BatchMember(number, name_number, Totals(Balance(), Months(), None), 0, joined=False)
        self._enrolled_at[number] = self.chain.now

    def join(self, number: int, actor: str | None = None) -> None:
        """See that a member's enrolment is in the feed, before anything else of the member."""
        kept = self.members[number]
        if not kept.joined:
            kept.joined = True
            position = self.chain.event(EntryKind.ENROL, number, name_number=kept.name_number, actor=actor)
            self._joins.append((number, position))

    def add(self, outcome: Outcome) -> None:
        """Add all that an outcome says."""
        positions = [self._post(posting) for posting in outcome.postings]
        for member, state in outcome.states.items():
            self.keep(member, state)
        self._awards.update(outcome.awards)
        self._restored.update(outcome.redemptions)
        self.budgets.use(outcome.budgets)
        for reached in outcome.reached:
            place = place_of(self.chain.shard, positions[reached.posting])
            self._reached.setdefault((reached.member, reached.milestone), (reached, place))
        self._due += [(due.at, due.member, due.what) for due in outcome.due]
        self._reminders += [
            (message_id(self._identity, each.member, each.name), each.member, each.name, each.points)
            for each in outcome.reminders
        ]
        self._onward += outcome.onward
        self._aside += [(item.sequence, b"w", "the order has not come yet") for item in outcome.waiting]
        for each in outcome.quarantined:
            self._aside.append((each.item.sequence, b"q", each.reason.replace("\0", "\ufffd")))

    def keep(self, number: int, state: bytes | None) -> None:
        """What the program keeps of a member is another now."""
        self.members[number].totals.state = state
        self.members[number].changed = True

    def merge_entry(self, number: int, points: int, actor: str, details: bytes | None) -> None:
        """The entry of a merge on one side."""
        kept = self.members[number]
        kept.last = self.chain.event(
            EntryKind.MERGE, number, actor=actor, points=points, details=details, previous=kept.last
        )
        kept.changed = True

    def first_position(self, sequence: int) -> int:
        """Where the first entry of a document will be."""
        return self._first[sequence][1]

    def first_entry(self, sequence: int, member_id: str) -> Entry:
        """The first entry of a document, as it is read once it is written."""
        posting, position = self._first[sequence]
        return self.chain.entry(position, member_id, posting.reason, posting.note)

    async def write(self, db: Statements) -> None:
        """Write everything. Raises `BudgetsMoved`."""
        await write_batches(db, [self])

    def rows(self) -> BatchRows:
        """What most batches lead to, as rows. It is asked for once: what it says of orders is not written again."""
        awards, in_entries = self._new_awards()
        shard = self.chain.shard
        changed = [kept for kept in self.members.values() if kept.changed]
        redeemed = [
            (shard, position, posting.item.sequence, posting.item.source, posting.item.id)
            for posting, position in self._first.values()
            if posting.item.kind is DocumentKind.REDEMPTION
        ]
        return BatchRows(
            shard=shard,
            recorded_at=self.chain.now,
            entries=self.chain.rows,
            sequences=in_entries,
            contents=self._contents,
            awards=awards,
            balances=[kept.balance_row() for kept in changed],
            redeemed=redeemed,
            remarks=[(shard, *remark) for remark in self._remarks],
            events=[(shard, *event) for event in self.chain.events],
            joins=self._joins,
            taken=[sequence for sequence in self._first if sequence in self._claimed],
        )

    async def write_rest(self, db: Statements) -> None:
        """Write what few batches lead to, once `rows` are written."""
        shard, now = self.chain.shard, self.chain.now
        await self._write_orders(db)
        waited = [
            sequence
            for sequence, (posting, _) in self._first.items()
            if posting.item.kind is not DocumentKind.ORDER and posting.item.order_key is not None
        ]
        if waited:
            await db.run("leave_aside", waited)
        if self._aside:
            await db.run("set_aside", shard, *columns_of(self._aside, 3), self.chain.clock)
        closing = [
            (month, kept.number, points)
            for kept in self.members.values()
            if kept.changed
            for month, points in kept.totals.closing
        ]
        if closing:
            await db.run("add_to_closed_months", shard, *columns_of(closing, 3))
        if self._onward:
            await hand_on(db, self._onward, now)
        if self._due:
            await db.run("insert_due", shard, *columns_of(self._due, 3))
        await self._write_messages(db)

    async def _write_messages(self, db: Statements) -> None:
        shard, now, due_at = self.chain.shard, self.chain.now, self.chain.clock
        if self._reminders:
            await db.run("remind", now, *columns_of(self._reminders, 4), shard, due_at)
        if self._reached:
            reached = [
                (each.member, each.milestone, each.points, each.quiet, self._message_id(each), place)
                for each, place in self._reached.values()
            ]
            await db.run("reach", now, *columns_of(reached, 6), shard, due_at)

    def _post(self, posting: Posting) -> int:
        """Append an entry, with what belongs to it; gives its position."""
        kept = self.members[posting.member]
        self.join(posting.member)
        kept.totals.add(posting)
        kept.changed = True
        item = posting.item
        moves = posting.kind in MOVES_POINTS
        position = self.chain.append(
            posting.kind,
            posting.member,
            previous=kept.last if moves else 0,
            points=posting.points,
            currency=posting.currency,
            amount=posting.amount,
            source=item.source,
            order_id=None if posting.order_key is None else posting.order_key[1],
            refund_id=posting.refund_id,
            program_version=posting.program_version,
            actor=item.actor,
            occurred_at=posting.occurred_at,
            board_at=posting.board_at,
            details=posting.details,
        )
        if moves:
            kept.last = position
        if item.sequence not in self._first and item.kind is not DocumentKind.EXPIRY:
            self._first[item.sequence] = posting, position
            if item.kind in KEPT and not item.is_erased:
                self._contents[position] = item.content
        if posting.order_key is not None and not (
            item.kind is DocumentKind.ORDER and self._first[item.sequence][1] == position
        ):
            self._places.append((posting.order_key, place_of(self.chain.shard, position)))
        if posting.reason or posting.note:
            self._remarks.append((position, posting.reason, posting.note))
        return position

    def _new_awards(self) -> tuple[list[tuple[Any, ...]], dict[int, int]]:
        """One row a document; of an order with all that its refunds are judged by. Most orders' rows follow from their
        entries: of those, the sequence by the entry's position.
        """
        rows: list[tuple[Any, ...]] = []
        in_entries: dict[int, int] = {}
        for sequence, (posting, position) in self._first.items():
            key = posting.item.order_key
            award = self._awards.get(key) if posting.item.kind is DocumentKind.ORDER and key is not None else None
            if award is None or key is None:
                redeemed = self._redeemed_just_now(posting.item)
                spent = (0, None) if redeemed is None else (redeemed.restored, redeemed.spent)
                rows.append((sequence, position, *(None,) * 5, spent[0], None, None, spent[1], None))
                continue
            self.award_rows[key] = AwardRow(self.chain.shard, sequence)
            del self._awards[key]
            if _says_all(posting, award):
                in_entries[position] = sequence
                continue
            rows.append(
                (
                    sequence,
                    position,
                    award.amount,
                    award.left,
                    award.board_at,
                    award.member,
                    award.points,
                    award.reversed,
                    award.program_version,
                    award.currency,
                    award.frame,
                    award.refunded,
                )
            )
        return rows, in_entries

    async def _write_orders(self, db: Statements) -> None:
        """What is left of orders that were awarded before, their further entries, and what of redemptions came back."""
        if self._awards:
            rows = [(*self.award_rows[key], *_award_columns(award)) for key, award in self._awards.items()]
            await db.run("update_awards", *columns_of(rows, 12))
        if self._places:
            await db.run("add_places", *columns_of([(*self.award_rows[key], place) for key, place in self._places], 3))
        if self._restored:
            restored = [
                (*self.redemption_rows[key], redeemed.restored, redeemed.spent)
                for key, redeemed in self._restored.items()
            ]
            await db.run("restore_redemptions", *columns_of(restored, 4))

    def _redeemed_just_now(self, item: Item) -> RedemptionState | None:
        match item.kind:
            case DocumentKind.REDEMPTION:
                return self._restored.pop((item.source, item.id), None)
            case DocumentKind.CAPTURE:
                return self._restored.pop((item.source, OF_HOLD + item.id), None)
        return None

    def _message_id(self, reached: Reached) -> str:
        return message_id(self._identity, reached.member, reached.milestone)


def _says_all(posting: Posting, award: Award) -> bool:
    """Whether an order's award follows from its entry: none of it is refunded, and it has no frame of its own."""
    return (
        award.frame is None
        and award.refunded is None
        and not award.reversed
        and award.left == award.amount == posting.amount
        and award.points == posting.points
        and award.member == posting.member
        and award.board_at == posting.board_at
        and award.program_version == posting.program_version
        and award.currency == posting.currency
    )


def _award_columns(award: Award) -> tuple[Any, ...]:
    return (
        award.member,
        award.amount,
        award.left,
        award.points,
        award.reversed,
        award.program_version,
        award.currency,
        award.board_at,
        award.frame,
        award.refunded,
    )
