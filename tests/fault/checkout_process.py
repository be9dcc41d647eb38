"""A shop in processes of its own, which kill themselves at the Nth step. Run by `test_checkout_crash.py`.

    python -m tests.fault.checkout_process crash ROOT ACTION   # in ROOT/0, ROOT/1 …; prints how many were killed
    python -m tests.fault.checkout_process recover STATE       # unharmed; prints how many purchases it finished

A step is a statement that the ledger's file is about to run, or a file that the sandbox is about to open, link or
remove. SIGKILL before step N + 1 is SIGKILL after step N.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import apsw

from laurels.checkout import CheckoutForm, PaymentDetails, PaymentOutcome, PaymentRequest, Payments
from laurels.engines.payments import SandboxPayments
from laurels.errors import PaymentsUnavailable
from laurels.settings import Settings
from laurels.wiring import Services, build

FILE_STEPS = {"open", "os.link", "os.remove"}
MOST_STEPS = 500


class LosesAnswers:
    """The sandbox, but the line breaks before it hears of a payment, or before it can answer."""

    name = "loses-answers"

    def __init__(self, state: Path, *, hears: bool) -> None:
        self._sandbox = SandboxPayments(state / "payments")
        self._hears = hears

    async def pay(self, payment: PaymentRequest, token: str) -> PaymentOutcome:
        if self._hears:
            await self._sandbox.pay(payment, token)
        raise PaymentsUnavailable

    async def give_up(self, payment: PaymentRequest) -> PaymentOutcome:
        return await self._sandbox.give_up(payment)

    async def close(self) -> None:
        await self._sandbox.close()


class Killer:
    """Counts the steps of this process once it is armed, and kills it before the one that is fatal."""

    def __init__(self, fatal: int, payments: Path) -> None:
        self.armed = False
        self._left = fatal
        self._payments = str(payments)
        apsw.connection_hooks.append(self._watch)
        sys.addaudithook(self._hear)

    def _watch(self, connection: apsw.Connection) -> None:
        connection.exec_trace = self._statement

    def _statement(self, *_: Any) -> bool:
        self._step()
        return True

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in FILE_STEPS and str(arguments[0]).startswith(self._payments):
            self._step()

    def _step(self) -> None:
        if self.armed:
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)
            self._left -= 1


PAID, DECLINED = "tok_ok", "tok_declined"


async def buy(services: Services, order_id: str = "A1", token: str = PAID) -> None:
    details = PaymentDetails(method="card", token=token)
    await services.checkout.buy("ann", order_id, CheckoutForm(item_ids=["85123A", "71053", "71053"], payment=details))


async def decline(services: Services) -> None:
    await buy(services, token=DECLINED)


async def recover(services: Services) -> None:
    await services.checkout.recover(left_alone_s=0)


async def break_off(state: Path, orders: list[str], *, hears: bool) -> None:
    """Purchases whose answer never came."""
    payments: Payments = LosesAnswers(state, hears=hears)
    async with build(Settings(state=state), payments=payments) as services:
        for order_id in orders:
            try:
                await buy(services, order_id)
            except PaymentsUnavailable:
                continue


ACTIONS: dict[str, tuple[Callable[[Services], Awaitable[None]], bool | None]] = {
    "buy": (buy, None),
    "decline": (decline, None),
    "recover-paid": (recover, True),
    "recover-unpaid": (recover, False),
}
"""What is killed; and for a recovery, whether the provider had heard of the payment."""


def crash(root: Path, action: str) -> None:
    """Do it again and again, each time killed one step later, until it passes untouched."""
    for fatal in range(MOST_STEPS):
        child = os.fork()  # nothing has started a thread in this process
        if child == 0:
            asyncio.run(_act(root / str(fatal), action, fatal))
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            print(fatal)
            sys.exit(os.WEXITSTATUS(status))
        assert os.WTERMSIG(status) == signal.SIGKILL, status
    sys.exit(f"it never ended in {MOST_STEPS} steps")


async def _act(state: Path, action: str, fatal: int) -> None:
    act, hears = ACTIONS[action]
    if hears is not None:
        await break_off(state, ["A1"], hears=hears)
    killer = Killer(fatal, state / "payments")
    async with build(Settings(state=state)) as services:
        killer.armed = True
        await act(services)
        killer.armed = False


async def _recover(state: Path) -> None:
    async with build(Settings(state=state)) as services:
        print(await services.checkout.recover(left_alone_s=0))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["crash", root, action]:
            crash(Path(root), action)
        case ["recover", state]:
            asyncio.run(_recover(Path(state)))
        case _:
            sys.exit(__doc__)
