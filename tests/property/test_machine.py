"""The real system beside its model: whatever is done to it, in whatever order, both must say the same.

The system is the one that `wiring.build` makes, with the SQLite ledger in a temporary folder and each of the embedded
leaderboards; only the clock is turned by hand. A crash copies the state as it lies on the disk and goes on from the
copy, which is what `kill -9` leaves. The ledger has one shard or 16. `LAURELS_TEST_EXAMPLES` sets how many histories
are tried; `make soak` goes on with new ones for minutes.
"""

import asyncio
import copy
import os
import shutil
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.engines import native_leaderboard, needs_native
from tests.property.auditor import Auditor
from tests.property.drafts import MEMBERS, Draft, Sent, microseconds, orders, refunds, unlinked_refunds
from tests.property.model import Answer, Model
from tests.property.model_nouns import Program
from tests.settings import settings_with

from laurels.clock import DAY, HOUR, SECOND
from laurels.engines.memory import MemoryLeaderboard
from laurels.engines.sqlite.leases import LEASE
from laurels.errors import Conflict, InsufficientPoints, PointsOutOfRange, ProgramError, UnknownMember
from laurels.intake import OrderForm, RefundForm, UnlinkedRefundForm, decode
from laurels.leaderboard import Leaderboard, projector
from laurels.ledger import Receipt, shard_of
from laurels.model import Adjustment, DocumentKind, MemberEvent, Order, Redemption, Refund
from laurels.wiring import Services, build

T = TypeVar("T")

START = microseconds("2026-10-20T12:00:00.123456Z")
EXAMPLES = int(os.environ.get("LAURELS_TEST_EXAMPLES") or (12 if os.environ.get("LAURELS_TEST_ALL") else 5))
STEPS = 60
SHARDS = (1, 16)
CHUNK = 3
"""Entries that the projector applies at once here, so that it can die in the middle of a short history."""

PROGRAMS = (
    Program(1, {"GBP": 1000, "EUR": 1000}),
    Program(2, {"GBP": 500}, points=3, rounding="floor"),
    Program(3, {"GBP": 750, "EUR": 1000, "USD": 333}, points=2),
)
TOO_MANY = 2**31 + 1_000_000
"""Points that no member may have, up or down, whatever it has now."""
members = st.sampled_from(MEMBERS)


class Died(Exception):
    """Raised inside the projector, between two chunks."""


class Backup(NamedTuple):
    """A copy of the state, and what was known of it."""

    state: Path
    auditor: Auditor


class LoyaltyMachine(RuleBasedStateMachine):
    """Rules do the same to system and model; the auditor compares them after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.program = PROGRAMS[0]
        self.sent: list[Sent] = []
        self.own_keys = 0
        self.states = 0
        self.state = self.new_state()
        self.backup: Backup | None = None
        self.board: Leaderboard = self.new_board()
        self.confirmed_at: int | None = None
        self.foreign = False

    @initialize(shards=st.sampled_from(SHARDS))
    def begin(self, shards: int) -> None:
        """With so many shards for ever."""
        model = Model(self.program, START, shards, shard_of)
        self.auditor = Auditor(model, {of.version: of for of in PROGRAMS}, MEMBERS)
        self.open()

    @property
    def model(self) -> Model:
        return self.auditor.model

    @property
    def now(self) -> int:
        return self.auditor.model.now

    def teardown(self) -> None:
        try:
            self.catch_up_and_rebuild()
            self.nothing_differs()
        finally:
            self.close()
            self.run(self.board.close())
            self.runner.close()
            self.folder.cleanup()

    @invariant()
    def nothing_differs(self) -> None:
        self.run(self.auditor.audit_ledger(self.services.ledger, thorough=False))
        if not self.foreign:
            self.run(self.auditor.audit_boards(self.services, self.confirmed_at, self.now))

    # The system: open, closed, killed, restored

    def run(self, doing: Awaitable[T]) -> T:
        async def wait() -> T:
            return await doing

        return self.runner.run(wait())

    def new_state(self) -> Path:
        self.states += 1
        return Path(self.folder.name) / f"state-{self.states}"

    def new_board(self) -> Leaderboard:
        return MemoryLeaderboard()

    def open(self) -> None:
        self.rooms = AsyncExitStack()
        self.services = self.run(self.rooms.enter_async_context(self.building(toml(self.program))))

    def building(self, program: str) -> AbstractAsyncContextManager[Services]:
        file = Path(self.folder.name) / "program.toml"
        file.write_text(program)
        settings = settings_with(
            state=self.state, program_file=file, program_publish_at_start=True, ledger_shards=self.model.shards
        )
        return build(settings, now=lambda: self.now, leaderboard=self.board)

    def close(self) -> None:
        self.run(self.rooms.aclose())

    def copied(self, state: Path) -> Path:
        return shutil.copytree(state, self.new_state())

    @rule(killed=st.booleans(), keep_board=st.booleans())
    def open_again(self, killed: bool, keep_board: bool) -> None:
        left_behind = self.copied(self.state) if killed else self.state
        self.close()
        self.state = left_behind
        if not keep_board:
            self.run(self.board.close())
            self.board, self.confirmed_at, self.foreign = self.new_board(), None, False
        if killed:
            self.leases_end()
        self.open()

    def leases_end(self) -> None:
        """Who was killed holds its shards until its leases are over; one shard has none."""
        if self.model.shards > 1:
            self.model.now += LEASE

    @rule(steps=st.integers(1, 2), forged=st.booleans())
    def change_the_program(self, steps: int, forged: bool) -> None:
        """To another version, new or published before; a published one is refused with other rules in it, and so is one
        that is behind the last.
        """
        self.close()
        before, self.program = self.program, PROGRAMS[(PROGRAMS.index(self.program) + steps) % len(PROGRAMS)]
        if forged and self.program.version in self.model.published:
            with pytest.raises(ProgramError):
                self.run(self.building(toml(self.program._replace(points=99))).__aenter__())
        self.put_in_force(before)
        self.open()

    def put_in_force(self, before: Program) -> None:
        """One that is behind the last is refused, and the one before stays."""
        if not self.model.publish(self.program):
            with pytest.raises(ProgramError):
                self.run(self.building(toml(self.program)).__aenter__())
            self.program = before

    @rule()
    def back_up(self) -> None:
        self.backup = Backup(self.copied(self.state), copy.deepcopy(self.auditor))

    @precondition(lambda self: self.backup)
    @rule()
    def restore_an_older_ledger_under_the_same_board(self) -> None:
        assert self.backup is not None
        at = self.now
        self.close()
        self.state, self.auditor = self.copied(self.backup.state), copy.deepcopy(self.backup.auditor)
        self.foreign = True
        # Ids are not under the hash: what tells two histories apart that are alike otherwise is when they were written.
        self.model.now = at + SECOND
        self.leases_end()
        self.put_in_force(PROGRAMS[0])
        self.open()

    # Orders and refunds

    def accept(self, *many: Sent) -> None:
        """Send documents, several in one commit, and compare the receipts."""
        twins = [sent.document() for sent in many]
        answers = [self.model.accept(twin) for twin in twins]
        documents = [(self.read(sent), sent.raw) for sent in many]
        if len(many) > 1:
            receipts = self.run(self.services.intake.accept_all(documents))
        else:
            try:
                receipts = [self.run(self.services.intake.accept(*documents[0]))]
            except Conflict:
                assert answers == ["conflict"]
                return
        for twin, answer, receipt in zip(twins, answers, receipts, strict=True):
            self.compare_receipt(receipt, answer)
            assert answer == "conflict" or receipt.status == self.model.documents[twin.key].status
        self.sent += [sent for sent, answer in zip(many, answers, strict=True) if answer == "new"]

    def compare_receipt(self, receipt: Receipt, answer: Answer) -> None:
        assert (receipt.repeated, receipt.conflict) == (answer == "repeat", answer == "conflict")

    def read(self, sent: Sent) -> Order | Refund:
        draft = sent.draft
        if draft.kind == "order":
            return decode(OrderForm, sent.raw).order(draft.id, self.now)
        if draft.order_id is not None:
            form = decode(RefundForm, sent.raw)
            return form.refund(form.member_id, self.now, draft.order_id)
        return decode(UnlinkedRefundForm, sent.raw).refund(draft.member_id, self.now)

    @rule(drafts=st.lists(orders(), min_size=1, max_size=4), award=st.booleans())
    def take_orders(self, drafts: list[Draft], award: bool) -> None:
        self.take(drafts, award=award)

    @rule(drafts=st.lists(refunds(), min_size=1, max_size=4), award=st.booleans())
    def take_refunds(self, drafts: list[Draft], award: bool) -> None:
        self.take(drafts, award=award)

    @rule(drafts=st.lists(st.one_of(orders(), refunds(), unlinked_refunds()), min_size=1), award=st.booleans())
    def take_anything(self, drafts: list[Draft], award: bool) -> None:
        self.take(drafts, award=award)

    def take(self, drafts: list[Draft], *, award: bool) -> None:
        self.accept(*(draft.sent(self.now) for draft in drafts))
        if award:
            self.award(500)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), altered=st.sampled_from((None, None, 0, 1, 2)))
    def take_again(self, data: st.DataObject, altered: int | None) -> None:
        sent = data.draw(st.sampled_from(self.sent))
        self.accept(sent if altered is None else sent.altered(altered))

    # Adjustments and redemptions

    def settle(self, document: Adjustment | Redemption, answer: Answer) -> None:
        try:
            receipt = self.run(self.services.awarder.settle(document.document()))
        except (InsufficientPoints, PointsOutOfRange):
            assert answer == "refused"
            return
        self.compare_receipt(receipt, answer)

    @rule(
        member=members,
        points=st.one_of(st.integers(-30, 150), st.sampled_from((TOO_MANY, -TOO_MANY))).filter(bool),
        key=st.sampled_from((None, None, "k1", "k2", "k3")),
    )
    def adjust(self, member: str, points: int, key: str | None) -> None:
        if key is None:
            self.own_keys += 1
        id = key or f"own-{self.own_keys}"
        answer = self.model.settle("adjust", "clerk", id, member, points)
        self.settle(Adjustment(id=id, points=points, actor="clerk", member_id=member), answer)

    @rule(
        member=members,
        points=st.one_of(st.integers(1, 30), st.sampled_from(("all", "one too many"))),
        id=st.sampled_from(("x1", "x2", "x3", "x4", "x5", "x6")),
    )
    def redeem(self, member: str, points: int | str, id: str) -> None:
        if isinstance(points, str):
            known = self.model.ids.get(member)
            balance = 0 if known is None else self.model.totals(known).balance
            points = max(1, balance if points == "all" else balance + 1)
        answer = self.model.settle("redeem", "shop", id, member, points)
        self.settle(Redemption(source="shop", redemption_id=id, points=points, member_id=member), answer)

    @precondition(lambda self: self.model.settled)
    @rule(data=st.data(), more=st.sampled_from((0, 0, 1)))
    def settle_again(self, data: st.DataObject, more: int) -> None:
        (kind, source, id), (member, points) = data.draw(st.sampled_from(list(self.model.settled.items())))
        answer = self.model.settle(kind, source, id, member, points + more)
        if kind == "adjust":
            self.settle(Adjustment(id=id, points=points + more, actor=source, member_id=member), answer)
        else:
            self.settle(Redemption(source=source, redemption_id=id, points=points + more, member_id=member), answer)

    # Members

    @rule(ids=st.lists(members, min_size=1, max_size=4))
    def enrol(self, ids: list[str]) -> None:
        new, _ = self.run(self.services.members.enrol([(id, None) for id in ids], actor="clerk"))
        assert new == [self.model.enrol(id) for id in ids]

    @rule(member=members, event=st.sampled_from(MemberEvent))
    def change_member(self, member: str, event: MemberEvent) -> None:
        known = self.model.change(member, event.value)
        try:
            version = self.run(self.services.members.change(member, event, actor="clerk"))
        except UnknownMember:
            assert not known
        else:
            assert known
            assert version.positions == self.model.positions

    # Work in the background

    @rule(limit=st.integers(1, 8))
    def award_some(self, limit: int) -> None:
        self.award(limit)

    def award(self, limit: int) -> int:
        taken = self.run(self.award_batches(limit))
        assert taken == self.model.award(limit)
        return taken

    async def award_batches(self, limit: int) -> int:
        """One batch of each shard: where all have more, `step` goes on, as far as the clock lets it."""
        shards = sorted(await self.services.ledger.own())
        return sum([await self.services.awarder.step_in(shard, limit) for shard in shards])

    @rule(chunks=st.sampled_from((None, 1, 2, 3)), how=st.sampled_from(("catch up", "rebuild", "replay")))
    def project(self, chunks: int | None, how: str) -> None:
        """All of it, or dying after so many chunks."""
        left = chunks

        def die_after_some(_done: int, _total: int) -> None:
            nonlocal left
            if left is not None:
                left -= 1
                if not left:
                    raise Died

        projecting = self.services.projector
        follow = (
            projecting.catch_up if how == "catch up" else projecting.rebuild if how == "rebuild" else projecting.replay
        )
        with suppress(Died):
            self.run(follow(die_after_some))
            self.confirmed_at, self.foreign = self.now, False

    @rule()
    def catch_up_and_rebuild(self) -> None:
        while self.award(500):
            pass
        self.project(chunks=None, how="catch up")
        self.run(self.auditor.audit_ledger(self.services.ledger, thorough=True))
        self.run(self.auditor.audit_boards(self.services, self.confirmed_at, self.now))
        self.project(chunks=None, how="rebuild")
        self.run(self.auditor.audit_boards(self.services, self.confirmed_at, self.now))
        self.project(chunks=None, how="replay")

    @rule(span=st.sampled_from((SECOND, HOUR, DAY, 3 * DAY, 6 * DAY, 12 * DAY, 30 * DAY, 31 * DAY)))
    def time_passes(self, span: int) -> None:
        self.model.now += span

    @precondition(lambda self: self.model.quarantine())
    @rule(data=st.data(), drop=st.booleans())
    def decide_about_quarantine(self, data: st.DataObject, drop: bool) -> None:
        twin = data.draw(st.sampled_from(self.model.quarantine()))
        key = DocumentKind(twin.kind), twin.source, twin.id
        if drop:
            self.model.drop(twin)
            self.run(self.services.ledger.drop(*key, actor="clerk"))
        else:
            self.model.retry(twin)
            self.run(self.services.ledger.retry(*key))


class NativeMachine(LoyaltyMachine):
    """The same with the native leaderboard."""

    def new_board(self) -> Leaderboard:
        return native_leaderboard(self.new_state())


def toml(program: Program) -> str:
    """A program's text."""
    per = ", ".join(f'{currency} = "{amount / 100:.2f}"' for currency, amount in program.per.items())
    earn = f'points = {program.points}\nper = {{ {per} }}\nrounding = "{program.rounding}"\n'
    return f"version = {program.version}\n[earn]\n{earn}"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projector, "CHUNK", CHUNK)
    monkeypatch.setattr(projector, "BUILDING_CHUNK", CHUNK)


pytestmark = pytest.mark.timeout(900)  # what fails is made as short as it can be, which takes minutes

MACHINE_SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

TestLoyaltyMachine = LoyaltyMachine.TestCase
TestLoyaltyMachine.settings = MACHINE_SETTINGS

TestNativeMachine = needs_native(NativeMachine.TestCase)
TestNativeMachine.settings = MACHINE_SETTINGS


def test_a_refund_that_came_first_stays_its_members_when_the_member_is_erased() -> None:
    machine = LoyaltyMachine()
    machine.begin(shards=1)
    machine.accept(Draft("refund", "r0", "ann", "GBP", "5.00", order_id="o0").sent(machine.now))
    machine.accept(Draft("order", "o0", "ann", "GBP", "15.00").sent(machine.now))
    machine.change_member(member="ann", event=MemberEvent.ERASE)
    machine.teardown()
    assert [(event.kind, event.points) for event in machine.model.feed] == [
        ("enrol", 0),
        ("erase", 0),
        ("earn", 2),
        ("reverse", -1),
    ]
