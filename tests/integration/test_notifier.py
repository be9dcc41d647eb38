"""Milestone mails from a ledger through a real mail server: one for each milestone, ever, whatever the server says."""

import asyncio
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.integration.notifying import (  # noqa: F401 - fixtures
    LEASE,
    SENDER,
    a_notifier,
    cross,
    mail_host,
    recipients,
    shop_with_mails,
    shops_notifier,
    state_of,
)
from tests.ledgers import open_ledger
from tests.mail_server import MailServer, mail_server

from laurels.clock import DAY, MINUTE
from laurels.engines.channels import FileChannel, SmtpChannel
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import LedgerUnavailable
from laurels.jobs import forget_words
from laurels.ledger import Message
from laurels.members import Members
from laurels.model import MemberEvent
from laurels.notify import Composer, Notifier
from laurels.testing.ledger_contract.base import Shop, adjustment, order, refund
from laurels.workers import notify_forever

pytestmark = pytest.mark.anyio


def found_in(folder: Path, texts: set[str]) -> set[str]:
    """Which of these are in any file."""
    return {text for text in texts for path in folder.iterdir() if text.encode() in path.read_bytes()}


async def test_one_mail_at_the_first_crossing_and_never_again(
    shop: Shop, server: MailServer, notifier: Notifier
) -> None:
    await shop.sell(order("A1", "ann", "950.00", email="ann@example.com"))
    await notifier.drain()
    assert server.deliveries == []
    for document in (
        order("A2", "ann", "250.00"),  # 120 points
        order("A3", "ann", "100.00"),  # 130
        refund("R1", "ann", "950.00", "A1"),  # 35
        order("A4", "ann", "950.00"),  # 130 again
        adjustment("J1", "ann", -100),
        adjustment("J2", "ann", 500),
    ):
        await shop.sell(document)
        await notifier.drain()
    [delivery] = server.deliveries
    assert delivery.recipients == ["ann@example.com"]
    assert delivery.mail["Subject"] == "You have passed 100 points at Corner Shop"
    body = delivery.mail.get_body(("plain",))
    assert body is not None
    assert "you had 120 points" in body.get_content()
    state = await state_of(shop, "ann")
    assert (state.state, state.attempts) == ("sent", 1)
    assert delivery.message_id == f"<{state.id}@shop.example>"


async def test_a_correction_crosses_too(shop: Shop, server: MailServer, notifier: Notifier) -> None:
    await shop.sell(order("A1", "ann", "950.00", email="ann@example.com"))
    await shop.awarder.settle(adjustment("J1", "ann", 6))
    await notifier.drain()
    assert recipients(server) == ["ann@example.com"]


async def test_two_notifiers_at_once_send_each_message_once(shop: Shop, server: MailServer, tmp_path: Path) -> None:
    members = [f"m{n}" for n in range(20)]
    await cross(shop, *members)
    other = await open_ledger(tmp_path / "laurels.db", shop.now)
    tried = await asyncio.gather(
        *(a_notifier(shop, SmtpChannel(server.url), ledger=ledger).drain() for ledger in (shop.ledger, other) * 2)
    )
    await other.close()
    assert sum(tried) == len(members)
    assert sum(1 for each in tried if each) > 1, "one notifier took everything: nothing was shown"
    assert recipients(server) == sorted(f"{member}@example.com" for member in members)


async def test_without_an_address_it_waits_for_one(shop: Shop, server: MailServer, notifier: Notifier) -> None:
    await shop.sell(order("A1", "ann", "1200.00"))
    shop.now.at += 30 * DAY
    await notifier.drain()
    assert (await state_of(shop, "ann")).state == "held"
    await shop.ledger.enrol([("ann", "ann@example.com")], actor="clerk")
    await notifier.drain()
    assert recipients(server) == ["ann@example.com"]


async def test_without_an_address_for_30_days_it_is_undeliverable(
    shop: Shop, server: MailServer, notifier: Notifier
) -> None:
    """Also while other mails keep the notifier busy, and an address that comes later changes nothing."""
    await shop.sell(order("A1", "ann", "1200.00"))
    await notifier.drain()
    shop.now.at += 30 * DAY + 1
    await cross(shop, "bob")
    await notifier.step()
    state = await state_of(shop, "ann")
    assert (state.state, state.note) == ("undeliverable", "no address")
    await shop.ledger.enrol([("ann", "ann@example.com")], actor="clerk")
    await notifier.drain()
    assert recipients(server) == ["bob@example.com"]


async def test_who_is_erased_gets_no_mail_and_leaves_nothing(
    shop: Shop, server: MailServer, notifier: Notifier, tmp_path: Path
) -> None:
    """Neither after a first try that failed, nor while another message is on its way."""
    members = {"ann@example.com", "bob@example.com", "cyd@example.com"}
    await server.stop()
    await cross(shop, "ann", "bob", "cyd")
    await notifier.drain()
    await server.start()
    shop.now.at += MINUTE

    async def erase_the_others(address: str) -> None:
        for other in members - {address}:
            await shop.ledger.change_member(other.removesuffix("@example.com"), MemberEvent.ERASE, actor="clerk")

    server.on["RCPT"] = erase_the_others
    await notifier.drain()
    [delivery] = server.deliveries
    await shop.ledger.close()
    assert found_in(tmp_path, members) == set(delivery.recipients)


class _ErasedMeanwhile(FileChannel):
    """Files, where a mail's member is erased while it is on its way: before it is there, or as it is."""

    def __init__(self, shop: Shop, folder: Path, *, before: bool) -> None:
        super().__init__(folder)
        self._before = before
        self._members = Members(shop.ledger, shop.awarder, self.forget, partial(forget_words, shop.ledger))

    async def send(self, message: EmailMessage) -> None:
        if not self._before:
            await super().send(message)
        await self._members.change(str(message["To"]).partition("@")[0], MemberEvent.ERASE, actor="clerk")
        if self._before:
            await super().send(message)


@pytest.mark.parametrize("before", [True, False])
async def test_a_mail_in_a_file_goes_with_who_is_erased_while_it_is_on_its_way(
    shop: Shop, tmp_path: Path, before: bool
) -> None:
    await cross(shop, "ann")
    await a_notifier(shop, _ErasedMeanwhile(shop, tmp_path / "outbox", before=before)).drain()
    assert list((tmp_path / "outbox").iterdir()) == []


@pytest.mark.parametrize(
    "email",
    [
        "eve<ann@example.com",
        "=?utf-8?q?a=0d=0aBcc:_eve?=@example.com",
        "a,b@example.com",
        "ann@example..com",
        "ann@example.com>,<eve@example.com",
        "ann@example.com\r\nRCPT TO:<eve@example.com>",
    ],
)
async def test_an_address_that_is_none_stops_nobody(
    shop: Shop, server: MailServer, notifier: Notifier, email: str
) -> None:
    await shop.sell(order("A1", "ann", "1200.00", email=email))
    await cross(shop, "bob")
    await notifier.drain()
    state = await state_of(shop, "ann")
    assert (state.state, state.note) == ("undeliverable", "This is no address that mail can be sent to.")
    assert recipients(server) == ["bob@example.com"]


async def test_addresses_of_the_world(shop: Shop, server: MailServer, notifier: Notifier) -> None:
    await shop.sell(order("A1", "ann", "1200.00", email="áine@éire.example"))
    await shop.sell(order("B1", "bob", "1200.00", email="bob@straße.example"))
    await notifier.drain()
    assert recipients(server) == ["bob@xn--strae-oqa.example", "áine@xn--ire-9la.example"]


async def test_a_server_without_international_addresses_is_asked_again(shop: Shop) -> None:
    await shop.sell(order("A1", "ann", "1200.00", email="áine@example.ie"))
    async with mail_server(enable_SMTPUTF8=False) as server:
        await a_notifier(shop, SmtpChannel(server.url)).drain()
        assert server.deliveries == []
    state = await state_of(shop, "ann")
    assert state.state == "due"
    assert "cannot be used (SMTPNotSupported)." in state.note


class FaultyComposer(Composer):
    """Fails on whom it does not like, as a bug or a bad template would."""

    def compose(self, message: Message, email: str) -> EmailMessage:
        if email == "ann@example.com":
            raise ZeroDivisionError(email)
        return super().compose(message, email)


async def test_a_fault_in_one_message_neither_stops_the_others_nor_runs_hot(shop: Shop, server: MailServer) -> None:
    composer = FaultyComposer(SENDER, [shop.programs.current])
    notifier = a_notifier(shop, SmtpChannel(server.url), composer)
    await cross(shop, "ann", "bob")
    stop = asyncio.Event()
    with capture_logs() as logs:
        running = asyncio.create_task(notify_forever(shop.ledger, notifier, stop))
        while not (server.deliveries and (await state_of(shop, "ann")).note):
            done, _ = await asyncio.wait({running}, timeout=0.01)
            assert not done, "one message stopped the worker"
        stop.set()
        await running
    assert recipients(server) == ["bob@example.com"]
    state = await state_of(shop, "ann")
    assert (state.state, state.attempts) == ("due", 1)
    assert state.note == "A fault in Laurels (ZeroDivisionError); its log says where."
    [failed] = [entry for entry in logs if entry["event"] == "message.failed"]
    assert failed["error"] == "ZeroDivisionError"
    assert failed["lines"][-1].endswith(" compose")
    assert "ann@example.com" not in str(logs)
    shop.now.at += MINUTE
    await a_notifier(shop, SmtpChannel(server.url)).drain()
    assert recipients(server) == ["ann@example.com", "bob@example.com"]


class ForgetfulLedger(SqliteLedger):
    """Cannot write, once, just when a mail was sent: its disk is full."""

    failing = True

    async def message_sent(self, id: str) -> None:
        if self.failing:
            self.failing = False
            raise LedgerUnavailable
        await super().message_sent(id)


@pytest.mark.parametrize("withdrawn", [False, True])
async def test_a_ledger_that_is_away_after_the_send_does_not_send_again(
    shop: Shop, server: MailServer, tmp_path: Path, *, withdrawn: bool
) -> None:
    """Nor is it said that it was not sent, whatever became of the address meanwhile."""
    await cross(shop, "ann")
    ledger = ForgetfulLedger(tmp_path / "laurels.db", shop.now)
    notifier = a_notifier(shop, SmtpChannel(server.url), ledger=ledger)
    with pytest.raises(LedgerUnavailable):
        await notifier.drain()
    if withdrawn:
        await shop.ledger.set_contact("ann", None, actor="clerk")
    shop.now.at += LEASE
    assert await notifier.drain() == 1
    await ledger.close()
    assert recipients(server) == ["ann@example.com"]
    assert (await state_of(shop, "ann")).state == "sent"


async def test_files_are_named_by_their_message_and_private(shop: Shop, tmp_path: Path) -> None:
    await cross(shop, "ann")
    await a_notifier(shop, FileChannel(tmp_path / "outbox")).drain()
    state = await state_of(shop, "ann")
    [path] = (tmp_path / "outbox").iterdir()
    assert path.name == f"{state.id}@shop.example.eml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert b"\r\nTo: ann@example.com\r\n" in path.read_bytes()


async def test_a_file_that_cannot_be_written_leaves_no_half(shop: Shop, tmp_path: Path) -> None:
    await cross(shop, "ann")
    state = await state_of(shop, "ann")
    taken = tmp_path / "outbox" / f"{state.id}@shop.example.eml"
    taken.mkdir(parents=True)
    await a_notifier(shop, FileChannel(tmp_path / "outbox")).drain()
    assert list((tmp_path / "outbox").iterdir()) == [taken]
    assert (await state_of(shop, "ann")).note == "The outbox cannot be written: Is a directory"
