"""A shop whose members pass milestones, and who sends their mails."""

from tests.mail_server import MailServer

from laurels.clock import SECOND
from laurels.ledger import Ledger, MessageState
from laurels.notify import Composer, MessageChannel, Notifier
from laurels.notify import notifier as notifier_room
from laurels.testing.ledger_contract.base import Shop, order

SENDER = "Corner Shop <points@shop.example>"


def a_notifier(
    shop: Shop, channel: MessageChannel, composer: Composer | None = None, ledger: Ledger | None = None
) -> Notifier:
    composer = composer or Composer(SENDER, [shop.programs.current])
    return Notifier(ledger or shop.ledger, channel, composer, shop.now)


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
