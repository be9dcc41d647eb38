"""What a shop does, broken off at the Nth point: scenarios, the trap that springs there, and what must be so then.

    python -m tests.fault.nth_call SCENARIO LEVEL ROOT   # killed in ROOT/0, ROOT/1 …; prints how many were killed

A point lies before and after each call of the ledger's port (level `call`), or before each statement that its writing
connection runs (level `statement`; before the next one is after the last one). A scenario is a row of steps; whoever
takes one writes down that it was answered. After the fault it goes on at the first step that was not, and in the end
every row of the ledger, every mail and every place on the board must be as if nothing had happened.
"""

import asyncio
import inspect
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from email import message_from_bytes, policy
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast
from unittest import mock

import apsw
import msgspec
from tests.fault.following import PROGRAM, check_board, standings

from laurels.awarding import recount_of
from laurels.cli import bringing_in
from laurels.clock import SECOND
from laurels.dashboard import ProxyNames
from laurels.engines.sqlite import SqliteLedger, jobs, leases
from laurels.errors import LedgerUnavailable, UnknownMember
from laurels.jobs import CORRECTIONS, Correction, Corrections, JobRunner
from laurels.leaderboard import BoardRow
from laurels.ledger import Ledger
from laurels.ledger.jobs import NewJob
from laurels.model import Document, MemberEvent, Order, Refund
from laurels.notify import Composer
from laurels.notify.notifier import LEASE_S
from laurels.settings import Settings
from laurels.testing.ledger_contract.base import TurnedClock, adjustment, order, redemption, refund
from laurels.wiring import NOBODY, LedgerBundle, Services, assembly, build

MOST_POINTS = 5000
"""A scenario that does not pass untouched after so many tries never will."""

Level = Literal["call", "statement"]
Step = Callable[[Services], Awaitable[object]]


class Scenario(NamedTuple):
    """Steps that a fault may break off, and what was done in peace before them."""

    before: Sequence[Step]
    steps: Sequence[Step]


def accept(*documents: Order | Refund) -> Step:
    """All in one commit."""
    return lambda services: services.intake.accept_all([(each, b"as received") for each in documents])


def settle(document: Document) -> Step:
    return lambda services: services.awarder.settle(document)


async def award(services: Services) -> None:
    """In small batches, so that there are several."""
    while await services.awarder.step(limit=2):
        pass


async def notify(services: Services) -> None:
    await services.notifier.drain()


def erase(member_id: str) -> Step:
    async def step(services: Services) -> None:
        with suppress(UnknownMember):  # it was done, and the answer was lost
            await services.members.change(member_id, MemberEvent.ERASE, actor="clerk")

    return step


def hide(member_id: str) -> Step:
    return lambda services: services.members.change(member_id, MemberEvent.HIDE, actor="clerk")


async def import_(services: Services) -> None:
    """As `laurels import` does, in chunks of two."""
    documents: list[Order | Refund] = [
        order("H1", "m0", "1200.00", quiet=True),
        refund("HR", "m0", "30.00"),
        order("H2", "m1", "15.00"),
    ]
    bringing_in.CHUNK = 2
    await bringing_in.bring_in(services, documents, len(documents))


_CORRECTIONS = msgspec.json.encode(
    Corrections(
        "late.csv",
        [
            Correction(1, 0, 600, "niamh", "k1", "ticket 7", "Sorry", board=True, quiet=False),
            Correction(2, None, 5, "niamh", "k2", "ticket 8", "", board=True, quiet=False),
        ],
    )
)


async def propose(services: Services) -> None:
    """Ask for corrections that somebody else approves."""
    job = NewJob(kind=CORRECTIONS, actor="niamh", digest="d", about=b"{}", total=2, content=_CORRECTIONS, proposed=True)
    await services.ledger.add_job(job)


async def approve(services: Services) -> None:
    await services.ledger.decide_job(1, "d", actor="aoife", approve=True)


async def run_jobs(services: Services) -> None:
    runner = JobRunner(services.ledger, services.points, services.members, services.intake, services.programs)
    while await runner.step():
        pass


ANN, BOB = "ann@example.com", "bob@example.com"
SCENARIOS = {
    "accept": Scenario(
        [accept(order("A1", "ann", "25.00"))],
        [
            accept(order("A2", "ann", "5.00", email=ANN)),
            accept(order("A1", "ann", "25.00"), order("A3", "bob", "99.00"), order("A1", "ann", "26.00")),
            accept(order("A4", "cyd", "15.00", source="till")),
        ],
    ),
    "award": Scenario(
        [
            accept(order("A1", "ann", "1200.00", email=ANN), order("A2", "bob", "2500.00"), order("A3", "ann", "5.00")),
            accept(order("A4", "cyd", "100", currency="JPY"), order("A5", "ann", "15.00")),
        ],
        [award],
    ),
    "refund": Scenario(
        [accept(order("A1", "ann", "25.00"), refund("R0", "ann", "10.00", "A9")), award],
        [
            accept(refund("R1", "ann", "5.00", "A1"), refund("R2", "ann", "5.00", "A1")),
            award,
            accept(order("A9", "ann", "14.99")),
            award,
        ],
    ),
    "refund without order": Scenario(
        [accept(order("A1", "ann", "25.00")), award],
        [accept(refund("R1", "dee", "15.00")), award],
    ),
    "redeem": Scenario(
        [accept(order("A1", "ann", "100.00")), award],
        [settle(redemption("S1", "ann", 4)), settle(redemption("S2", "ann", 6))],
    ),
    "adjust": Scenario([], [settle(adjustment("J1", "ann", 25)), settle(adjustment("J2", "ann", 200))]),
    "erase": Scenario(
        [
            accept(order("A1", "ann", "1200.00", email=ANN), order("A2", "bob", "25.00")),
            award,
            accept(order("A3", "ann", "100", currency="JPY"), refund("R1", "ann", "5.00", "A9")),
            award,
            accept(order("A4", "ann", "30.00")),
        ],
        [erase("ann"), hide("bob"), award],
    ),
    "notify": Scenario(
        [accept(order("A1", "ann", "1200.00", email=ANN), order("A2", "bob", "2500.00", email=BOB)), award],
        [notify],
    ),
    "import": Scenario([], [import_]),
    "approve": Scenario([accept(order("A1", "ann", "25.00")), award, propose], [approve, run_jobs]),
}


class Trap:
    """Counts points once it is armed, and springs at the fatal one, once."""

    def __init__(self, fatal: int, spring: Callable[[], None]) -> None:
        self.armed = False
        self.sprung = False
        self._left = fatal
        self._spring = spring

    def point(self) -> None:
        if self.armed and not self.sprung:
            if not self._left:
                self.sprung = True
                self._spring()
            self._left -= 1


class TrappedLedger:
    """A ledger with a point before and after each call of its port: for the caller, both are a call that failed."""

    def __init__(self, ledger: Ledger, trap: Trap) -> None:
        self._ledger = ledger
        self._trap = trap

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._ledger, name)
        if not inspect.iscoroutinefunction(method):
            return method

        async def call(*arguments: Any, **named: Any) -> Any:
            self._trap.point()
            answer = await method(*arguments, **named)
            self._trap.point()
            return answer

        return call


def fail() -> None:
    raise LedgerUnavailable("A fault of the test.")


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@asynccontextmanager
async def opened(
    state: Path, now: TurnedClock, trap: Trap | None = None, level: Level = "call"
) -> AsyncIterator[Services]:
    """The system over a state, with the trap at its level."""
    file = SqliteLedger.open(state / "laurels.db", now)
    ledger: Ledger = file
    if trap is not None and level == "call":
        ledger = cast("Ledger", TrappedLedger(file, trap))
    elif trap is not None:
        _trap_statements(file, trap)
    try:
        # Real ones, shared by all: they take longer to make than all else.
        bundle = LedgerBundle(ledger, file.intents, file.close)
        # A dead process's shards are free at once: time that passed would show in the rows.
        with (
            mock.patch.object(leases, "LEASE", 0),
            mock.patch.object(jobs, "LEASE", 0),
            mock.patch.multiple(
                assembly,
                open_names=mock.AsyncMock(return_value=_names()),
                open_names_key=mock.AsyncMock(return_value=bytes(32)),
                open_composer=lambda *_: _composer(),
            ),
        ):
            async with build(Settings(state=state), now=now, bundle=bundle) as services:
                yield services
    finally:
        await file.close()


@cache
def _names() -> ProxyNames:
    return ProxyNames(bytes(32))


@cache
def _composer() -> Composer:
    return Composer(NOBODY, [PROGRAM])


def _trap_statements(ledger: SqliteLedger, trap: Trap) -> None:
    def look(*_: Any) -> bool:
        try:
            trap.point()
        except LedgerUnavailable:
            return False  # the statement is aborted with an error of the driver
        return True

    ledger._writer._db.connection.exec_trace = look


async def prepare(state: Path, scenario: Scenario, shards: int = 1) -> None:
    """Everything before the steps, in a ledger of so many shards."""
    await SqliteLedger.open(state / "laurels.db", shards=shards).close()
    async with opened(state, TurnedClock()) as services:
        for step in scenario.before:
            await step(services)


async def go_on(services: Services, scenario: Scenario, answered: Path) -> None:
    """Take the steps that were not answered yet; whoever was answered once is not asked again. The board follows."""
    await services.projector.catch_up()
    with answered.open("ab", buffering=0) as file:
        for step in scenario.steps[file.tell() :]:
            await step(services)
            file.write(b".")
            await services.projector.catch_up()


class Outcome(NamedTuple):
    """All that is left of a shop in the end."""

    rows: dict[str, list[Any]]
    mails: list[tuple[str, str]]
    board: list[BoardRow]


async def end(services: Services, now: TurnedClock) -> Outcome:
    """Finish what is under way, and read everything. The ledger verifies, and the board equals a rebuilt one."""
    await services.awarder.drain()
    await services.notifier.drain()
    now.at += int(LEASE_S * SECOND) + 1
    await services.notifier.drain()
    await services.projector.catch_up()
    await check_board(services.ledger, services.leaderboard, now)
    recount = recount_of(services.programs)
    assert [finding async for step in services.ledger.verify(recount) for finding in step.findings] == []
    state = services.settings.state
    return Outcome(_rows(state), _mails(state), await standings(services.leaderboard))


def _rows(state: Path) -> dict[str, list[Any]]:
    """Every row of every table, but for what differs between two runs that are alike: random ids and secrets, tries,
    identity, whose a shard is.
    """
    left_out = {
        "message": {"id", "attempts", "due_at"},
        "ledger": {"identity"},
        "member": {"secret"},
        "accepted": {"fingerprint"},  # keyed by the member's secret
        "lease": {"owner", "fence", "until"},
        "awarder": {"owner", "until"},
        "job": {"owner", "fence", "until"},
    }
    rows: dict[str, list[Any]] = {}
    with closing(apsw.Connection(str(state / "laurels.db"))) as connection:
        for table in map(str, connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").get):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            kept = ", ".join(column for column in columns if column not in left_out.get(table, ())) or "1"
            rows[table] = connection.execute(f"SELECT {kept} FROM {table} ORDER BY {kept}").fetchall()  # noqa: S608
    return rows


def _mails(state: Path) -> list[tuple[str, str]]:
    """Whom each mail in the outbox is to, and what about. The same mail again has the same name, so it is one."""
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in state.glob("outbox/*.eml")]
    return sorted((str(mail["To"]), str(mail["Subject"])) for mail in mails)


def kill_again_and_again(scenario: str, level: Level, root: Path) -> int:
    """Do it again and again from ROOT/prepared, each time killed one point later, until it passes untouched."""
    _names(), _composer()
    for fatal in range(MOST_POINTS):
        state = root / str(fatal)
        shutil.copytree(root / "prepared", state)
        child = os.fork()  # nothing has started a thread in this process
        if child == 0:
            asyncio.run(_act(SCENARIOS[scenario], level, fatal, state))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, f"it failed before point {fatal}"
            return fatal
        assert os.WTERMSIG(status) == signal.SIGKILL, status
    raise AssertionError(f"it never ended in {MOST_POINTS} points")


async def _act(scenario: Scenario, level: Level, fatal: int, state: Path) -> None:
    trap = Trap(fatal, kill)
    async with opened(state, TurnedClock(), trap, level) as services:
        trap.armed = True
        await go_on(services, scenario, state / "answered")
        trap.armed = False


if __name__ == "__main__":
    match sys.argv[1:]:
        case [scenario, ("call" | "statement") as level, root]:
            print(kill_again_and_again(scenario, level, Path(root)))
        case _:
            sys.exit(__doc__)
