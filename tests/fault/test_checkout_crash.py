"""Never paid without an order, never an order without payment: kill -9 at every step of buying and of recovering."""

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.fault.checkout_process import break_off

from laurels.checkout import CheckoutForm, Failure, IntentState, PaymentDetails, Success
from laurels.engines.payments import SandboxPayments
from laurels.engines.sqlite import SqliteLedger
from laurels.model import DocumentKind, Status
from laurels.settings import Settings
from laurels.testing.verifying import findings_of
from laurels.wiring import Services, build

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]

REPOSITORY = Path(__file__).parents[2]

Situation = tuple[str | None, int]
"""What a crash left: the intent's state, and how often was charged."""

LEFT_BY: dict[str, set[Situation]] = {
    "buy": {(None, 0), ("open", 0), ("open", 1), ("paid", 1), ("success", 1)},
    "decline": {(None, 0), ("open", 0), ("failure", 0)},
    "recover-paid": {("open", 1), ("paid", 1), ("success", 1)},
    "recover-unpaid": {("open", 0), ("failure", 0)},
}
"""Every situation that must have been tried, so that the test cannot pass by killing too early or too late."""


OWN = "member:0"
"""The circle of the only buyer."""


async def process(*arguments: str | Path) -> int:
    """Run `checkout_process` to its end; the figure it printed last, below its log."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.fault.checkout_process",
        *map(str, arguments),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await child.communicate()
    assert child.returncode == 0
    return int(printed.split()[-1])


async def situation(services: Services, order_id: str = "A1") -> Situation:
    assert isinstance(services.ledger, SqliteLedger)
    intent = await services.ledger.intents.find(order_id, OWN)
    return (intent.state.value if intent else None), charges(services, order_id)


def charges(services: Services, order_id: str = "A1") -> int:
    payments = SandboxPayments(services.settings.state / "payments")
    return sum(charge.key == f"{OWN}/{order_id}" for charge in payments.charges())


async def ask_again(services: Services) -> Success | Failure:
    details = PaymentDetails(method="card", token="tok_ok")
    form = CheckoutForm(item_ids=["85123A", "71053", "71053"], payment=details)
    return await services.checkout.buy("ann", "A1", form)


async def recover(services: Services) -> None:
    await services.checkout.recover(left_alone_s=0)


async def check_one_end(services: Services, order_id: str = "A1") -> IntentState | None:
    """An intent that ended, ended in exactly one way, and the charges, the orders and the points all say the same."""
    state, charged = await situation(services, order_id)
    assert state in {None, "success", "failure"}
    bought = state == "success"
    assert charged == bought
    await services.awarder.drain()
    document = await services.ledger.document(DocumentKind.ORDER, OWN, order_id)
    assert (document is not None) == bought
    if document is not None:
        assert document.status is Status.AWARDED
        assert document.entry is not None
        assert (document.entry.amount, document.entry.points) == (933, 1)
    return IntentState(state) if state else None


@pytest.mark.parametrize(
    "action", [name if name == "buy" else pytest.param(name, marks=pytest.mark.long) for name in LEFT_BY]
)
async def test_killed_at_every_step(tmp_path: Path, action: str) -> None:
    crashed = tmp_path / "crashed"
    killed = await process("crash", crashed, action)
    left = {await check_recovers(crashed / str(step)) for step in range(killed + 1)}
    assert left == LEFT_BY[action]


async def check_recovers(state: Path) -> Situation:
    """Whoever comes first after the crash, recovery or the client, it ends in one way; gives what the crash left."""
    copy = state.with_name(f"{state.name}-copy")
    await asyncio.to_thread(shutil.copytree, state, copy)
    before = await check_ends(copy, ask_again)
    assert await check_ends(state, recover) == before
    return before


async def check_ends(state: Path, afterwards: Callable[[Services], Awaitable[object]]) -> Situation:
    async with build(Settings(state=state)) as services:
        before = await situation(services)
        await afterwards(services)
        ended = await check_one_end(services)
        if before[0] in {"success", "failure"}:
            assert ended == before[0], "what was answered stays so"
        if before[1]:
            assert ended is IntentState.SUCCESS, "what was paid for is bought"
        if before == ("open", 0) and afterwards is recover:
            assert ended is IntentState.FAILURE, "the token is gone"
        answer = await ask_again(services)
        assert isinstance(answer, Failure if ended is IntentState.FAILURE else Success)
        await check_one_end(services)
        assert await findings_of(services.ledger) == []
        balance = await services.ledger.balance("ann")
        assert (balance[0].balance if balance else 0) == charges(services)
        return before


async def test_two_processes_recover_at_once(tmp_path: Path) -> None:
    paid, unpaid = [f"P{n}" for n in range(60)], [f"U{n}" for n in range(60)]
    await break_off(tmp_path, paid, hears=True)
    await break_off(tmp_path, unpaid, hears=False)
    counts = await asyncio.gather(*(process("recover", tmp_path) for _ in range(2)))
    assert sum(counts) >= len(paid) + len(unpaid)
    async with build(Settings(state=tmp_path)) as services:
        assert {await check_one_end(services, order_id) for order_id in paid} == {IntentState.SUCCESS}
        assert {await check_one_end(services, order_id) for order_id in unpaid} == {IntentState.FAILURE}
        balance = await services.ledger.balance("ann")
        assert balance is not None
        assert balance[0].balance == len(paid)
