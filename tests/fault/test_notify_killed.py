"""`laurels notify`, killed at every step of a mail: the message is never lost, and a second mail can be told by its
Message-ID.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.ledgers import open_ledger
from tests.mail_server import MailServer, mail_server

from laurels import clock
from laurels.clock import SECOND
from laurels.engines.channels import SmtpChannel
from laurels.notify import Composer, Notifier
from laurels.notify.notifier import LEASE_S
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.settings import Settings
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order
from laurels.wiring.naming import open_names

pytestmark = pytest.mark.anyio

SENDER = "Corner Shop <points@shop.example>"
SOON_S = 60


@asynccontextmanager
async def opened(state: Path) -> AsyncIterator[Shop]:
    """The state directory's ledger and its names' key, as the processes will find them; the clock stands at the
    present.
    """
    now = TurnedClock()
    now.at = clock.now()
    names = (await open_names(Settings(state=state))).numbers
    shop = Shop(await open_ledger(state / "laurels.db", now, names=names), now)
    await shop.adopt(DEFAULT_PROGRAM)
    yield shop
    await shop.ledger.close()


@asynccontextmanager
async def running(command: str, state: Path, server: MailServer) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of Laurels; killed at the end, where it still runs."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LAURELS_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "laurels",
        command,
        "--state",
        state,
        env={**inherited, "LAURELS_NOTIFY_SMTP_URL": server.url, "LAURELS_NOTIFY_FROM": SENDER},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def send_after_the_lease(shop: Shop, server: MailServer) -> None:
    """Whoever comes next finds the message again, not before its lease is over."""
    composer = Composer(SENDER, [parse_program(DEFAULT_PROGRAM)])
    notifier = Notifier(shop.ledger, SmtpChannel(server.url), composer, shop.now)
    shop.now.at = clock.now()
    assert await notifier.drain() == 0
    shop.now.at += int(LEASE_S * SECOND)
    assert await notifier.drain() == 1
    shop.now.at += int(LEASE_S * SECOND)
    assert await notifier.drain() == 0


@pytest.mark.parametrize(
    ("command", "times"),
    [
        ("EHLO", 1),
        ("RCPT", 1),
        ("DATA", 2),  # the server took it, and had nobody to tell
        ("QUIT", 2),  # Laurels was told, and died before it wrote that down
    ],
)
async def test_killed_while_a_mail_is_on_its_way(tmp_path: Path, command: str, times: int) -> None:
    async with mail_server() as server, opened(tmp_path) as shop:
        await shop.sell(order("A1", "ann", "1200.00", email="ann@example.com"))
        async with running("notify", tmp_path, server) as process:

            async def kill(_argument: str) -> None:
                process.kill()
                await process.wait()

            server.on[command] = kill
            code = await asyncio.wait_for(process.wait(), SOON_S)
        assert code == -signal.SIGKILL
        [state] = await shop.ledger.messages("ann")
        assert (state.state, state.attempts) == ("due", 1)
        server.on.clear()
        await send_after_the_lease(shop, server)
        assert len(server.deliveries) == times
        assert {delivery.message_id for delivery in server.deliveries} == {f"<{state.id}@shop.example>"}
        assert len({delivery.content for delivery in server.deliveries}) == 1
        assert {delivery.recipients[0] for delivery in server.deliveries} == {"ann@example.com"}
        [state] = await shop.ledger.messages("ann")
        assert (state.state, state.attempts) == ("sent", 2)


async def test_killed_between_the_award_and_the_mail(tmp_path: Path) -> None:
    async with mail_server() as server, opened(tmp_path) as shop:
        await shop.accept(order("A1", "ann", "950.00", email="ann@example.com"), order("A2", "ann", "250.00"))
        async with running("work", tmp_path, server) as worker:
            shop.now.at += SOON_S * SECOND
            await shop.ledger.wait_for_messages(SOON_S)
            worker.kill()
            await worker.wait()
        assert len(await shop.ledger.messages("ann")) == 1
        assert server.deliveries == []
        taken = asyncio.Event()

        async def take(_argument: str) -> None:
            taken.set()

        server.on["QUIT"] = take
        async with running("notify", tmp_path, server) as notifier:
            await asyncio.wait_for(taken.wait(), SOON_S)
            notifier.terminate()
            assert await asyncio.wait_for(notifier.wait(), SOON_S) == 0
        [delivery] = server.deliveries
        body = delivery.mail.get_body(("plain",))
        assert body is not None
        assert "you had 120 points" in body.get_content()
        [state] = await shop.ledger.messages("ann")
        assert (state.state, state.attempts) == ("sent", 1)
