"""A shop whose members pass milestones, and who sends their mails."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.ledgers import open_ledger
from tests.mail_server import MailServer, mail_server

from laurels.clock import SECOND
from laurels.engines.channels import SmtpChannel
from laurels.ledger import Ledger, MessageState
from laurels.notify import Composer, MessageChannel, Notifier
from laurels.notify import notifier as notifier_room
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order

SENDER = "Corner Shop <points@shop.example>"


def a_notifier(
    shop: Shop, channel: MessageChannel, composer: Composer | None = None, ledger: Ledger | None = None
) -> Notifier:
    composer = composer or Composer(SENDER, [shop.programs.current])
    return Notifier(ledger or shop.ledger, channel, composer, shop.now)


@pytest.fixture(name="shop")
async def shop_with_mails(tmp_path: Path) -> AsyncIterator[Shop]:
    now = TurnedClock()
    shop = Shop(await open_ledger(tmp_path / "laurels.db", now), now)
    await shop.adopt(DEFAULT_PROGRAM)
    yield shop
    await shop.ledger.close()


@pytest.fixture(name="server")
async def mail_host() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture(name="notifier")
def shops_notifier(shop: Shop, server: MailServer) -> Notifier:
    return a_notifier(shop, SmtpChannel(server.url))


async def cross(shop: Shop, *member_ids: str) -> None:
    """Let members pass 100 points; each has an address."""
    for member_id in member_ids:
        await shop.sell(order(f"{member_id}-1", member_id, "1200.00", email=f"{member_id}@example.com"))


async def state_of(shop: Shop, member_id: str) -> MessageState:
    [state] = await shop.ledger.messages(member_id)
    return state


def recipients(server: MailServer) -> list[str]:
    return sorted(each for delivery in server.deliveries for each in delivery.recipients)


LEASE = int(notifier_room.LEASE_S * SECOND)
