"""Milestone mails from a ledger through a real mail server: one for each milestone, ever, whatever the server says."""

import asyncio
import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.ledgers import open_ledger
from tests.mail_server import PASSWORD, USER, HangUp, MailServer, answers, mail_server, self_signed

from laurels.clock import DAY, HOUR, MINUTE, SECOND
from laurels.engines.channels import FileChannel, SmtpChannel
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import LedgerUnavailable
from laurels.jobs import forget_words
from laurels.ledger import Ledger, Message, MessageState
from laurels.members import Members
from laurels.model import MemberEvent
from laurels.notify import Composer, MessageChannel, Notifier
from laurels.notify import notifier as notifier_room
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import Shop, TurnedClock, adjustment, order, refund
from laurels.workers import notify_forever

pytestmark = pytest.mark.anyio

UNREACHED = re.compile(r"The mail server [\w.]+:\d+ cannot be used \(SMTPConnectError, ECONNREFUSED\)\.")


SENDER = "Corner Shop <points@shop.example>"
SOON_S = 10
LEASE = int(notifier_room.LEASE_S * SECOND)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    now = TurnedClock()
    shop = Shop(await open_ledger(tmp_path / "laurels.db", now), now)
    await shop.adopt(DEFAULT_PROGRAM)
    yield shop
    await shop.ledger.close()


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture
def notifier(shop: Shop, server: MailServer) -> Notifier:
    return a_notifier(shop, SmtpChannel(server.url))


def a_notifier(
    shop: Shop, channel: MessageChannel, composer: Composer | None = None, ledger: Ledger | None = None
) -> Notifier:
    composer = composer or Composer(SENDER, [shop.programs.current])
    return Notifier(ledger or shop.ledger, channel, composer, shop.now)


async def cross(shop: Shop, *member_ids: str) -> None:
    """Let members pass 100 points; each has an address."""
    for member_id in member_ids:
        await shop.sell(order(f"{member_id}-1", member_id, "1200.00", email=f"{member_id}@example.com"))


def found_in(folder: Path, texts: set[str]) -> set[str]:
    """Which of these are in any file."""
    return {text for text in texts for path in folder.iterdir() if text.encode() in path.read_bytes()}


async def state_of(shop: Shop, member_id: str) -> MessageState:
    [state] = await shop.ledger.messages(member_id)
    return state


def recipients(server: MailServer) -> list[str]:
    return sorted(each for delivery in server.deliveries for each in delivery.recipients)


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


async def test_it_is_sent_encrypted_and_signed_in(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, context = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    await cross(shop, "ann")
    async with mail_server(tls_context=context, require_starttls=True, auth_required=True) as server:
        await a_notifier(shop, SmtpChannel(with_password(server))).drain()
        [delivery] = server.deliveries
    assert delivery.encrypted
    assert delivery.authenticated


def with_password(server: MailServer, password: str = PASSWORD) -> str:
    return server.url.replace("://", f"://{USER}:{password.replace('/', '%2F')}@")


async def test_a_password_never_leaves_unencrypted_or_to_a_stranger(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where the server offers no TLS, nor where its certificate is not trusted."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    _, context = self_signed(tmp_path)
    await cross(shop, "ann")
    for options in ({"auth_require_tls": False}, {"tls_context": context}):
        async with mail_server(**options) as server:
            await a_notifier(shop, SmtpChannel(with_password(server))).drain()
            assert server.logins == []
            assert server.deliveries == []
        shop.now.at += HOUR
    assert (await state_of(shop, "ann")).state == "due"


async def test_a_wrong_password_loses_no_mail_and_is_told_to_nobody(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, context = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    await cross(shop, "ann")
    async with mail_server(tls_context=context, auth_required=True) as server:
        with capture_logs() as logs:
            await a_notifier(shop, SmtpChannel(with_password(server, "hunter2"))).drain()
        assert server.logins
        assert logs[-1]["why"] == "The mail server did not take the message (535 5.7.8)."
        assert "hunter2" not in str(logs)
        assert "hunter2" not in str(await state_of(shop, "ann"))
        shop.now.at += MINUTE
        await a_notifier(shop, SmtpChannel(with_password(server))).drain()
        assert recipients(server) == ["ann@example.com"]


async def test_a_server_that_is_away_is_tried_again_less_and_less(
    shop: Shop, server: MailServer, notifier: Notifier
) -> None:
    await server.stop()
    await cross(shop, "ann")
    pauses = [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]
    for attempts, minutes in enumerate(pauses, 1):
        assert await notifier.drain() == 1
        state = await state_of(shop, "ann")
        assert (state.state, state.attempts) == ("due", attempts)
        assert UNREACHED.fullmatch(state.note)
        shop.now.at += minutes * MINUTE - 1
        assert await notifier.drain() == 0
        shop.now.at += 1
    await server.start()
    assert await notifier.drain() == 1
    assert recipients(server) == ["ann@example.com"]
    assert (await state_of(shop, "ann")).state == "sent"


async def test_a_server_that_stays_away_is_given_up_after_30_days(
    shop: Shop, server: MailServer, notifier: Notifier
) -> None:
    await server.stop()
    await cross(shop, "ann")
    while (await state_of(shop, "ann")).state == "due":
        await notifier.drain()
        shop.now.at += 6 * HOUR
    state = await state_of(shop, "ann")
    assert state.state == "undeliverable"
    assert UNREACHED.fullmatch(state.note)
    assert 30 * DAY < shop.now.at - state.created_at <= 31 * DAY
    await server.start()
    assert await notifier.drain() == 0


REFUSED = "The mail server refused the address"
NOT_NOW = "The mail server does not take the address now"
NOT_TAKEN = "The mail server did not take the message"


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        ("RCPT 450 4.2.0 Greylisted, try later", f"{NOT_NOW} (450 4.2.0)."),
        ("RCPT 452 Too many", f"{NOT_NOW} (452)."),
        ("RCPT 550 5.1.1 ann@example.com unknown", f"{REFUSED} (550 5.1.1)."),
        ("RCPT 553 No", f"{REFUSED} (553)."),
        ("RCPT 554 5.7.1 Relaying denied", f"{NOT_NOW} (554 5.7.1)."),
        ("RCPT 530 Sign in first", f"{NOT_NOW} (530)."),
        ("MAIL 550 5.7.1 Not your address", f"{NOT_TAKEN} (550 5.7.1)."),
        ("DATA 451 4.7.1 Later", f"{NOT_TAKEN} (451 4.7.1)."),
        ("DATA 554 5.6.0 Looks odd", f"{NOT_TAKEN} (554 5.6.0)."),
        ("DATA 552 ann@example.com is full", f"{NOT_TAKEN} (552)."),
    ],
)
async def test_only_an_answer_about_the_address_is_final(
    shop: Shop, server: MailServer, notifier: Notifier, answer: str, note: str
) -> None:
    """Whatever the shop may mend is tried again, and the mail arrives once it has. No reason quotes the server."""
    await cross(shop, "ann")
    command, _, text = answer.partition(" ")
    server.on[command] = answers(text)
    final = note.startswith(REFUSED)
    with capture_logs() as logs:
        await notifier.drain()
    state = await state_of(shop, "ann")
    assert (state.state, state.note) == ("undeliverable" if final else "due", note)
    await asyncio.wait_for(server.left.wait(), SOON_S)
    assert [(entry["event"], entry["why"]) for entry in logs] == [
        ("message.undeliverable" if final else "message.postponed", note)
    ]
    del server.on[command]
    shop.now.at += MINUTE
    await notifier.drain()
    assert recipients(server) == ([] if final else ["ann@example.com"])


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_connection_that_breaks_is_tried_again(
    shop: Shop, server: MailServer, notifier: Notifier, command: str
) -> None:
    async def hang_up(_argument: str) -> str:
        raise HangUp

    await cross(shop, "ann")
    server.on[command] = hang_up
    await notifier.drain()
    assert "cannot be used (SMTPServerDisconnected" in (await state_of(shop, "ann")).note
    server.on.clear()
    shop.now.at += MINUTE
    await notifier.drain()
    assert recipients(server) == ["ann@example.com"]


async def test_a_connection_that_breaks_after_the_mail_was_taken_is_a_mail_sent(
    shop: Shop, server: MailServer, notifier: Notifier
) -> None:
    async def hang_up(_argument: str) -> str:
        raise HangUp

    await cross(shop, "ann")
    server.on["QUIT"] = hang_up
    await notifier.drain()
    assert (await state_of(shop, "ann")).state == "sent"
    assert recipients(server) == ["ann@example.com"]


async def test_a_connection_that_breaks_inside_the_mail_is_tried_again(
    shop: Shop, server: MailServer, notifier: Notifier
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example\r\n")
        for answer in (b"250 mail.example\r\n", b"250 OK\r\n", b"250 OK\r\n", b"354 Go on\r\n"):
            await reader.readline()
            writer.write(answer)
        await reader.readline()
        writer.transport.abort()

    await cross(shop, "ann")
    await server.stop()
    breaking = await asyncio.start_server(talk, "127.0.0.1", server.port)
    await notifier.drain()
    breaking.close()
    await breaking.wait_closed()
    assert (await state_of(shop, "ann")).state == "due"
    await server.start()
    shop.now.at += MINUTE
    await notifier.drain()
    assert recipients(server) == ["ann@example.com"]


async def test_a_server_that_does_not_answer_is_left_before_the_lease_is_over(
    shop: Shop, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another notifier would send the same message meanwhile."""
    assert notifier_room.LONGEST_SEND_S < notifier_room.LEASE_S
    monkeypatch.setattr(notifier_room, "LONGEST_SEND_S", 0.2)
    hold = asyncio.Event()

    async def wait(_argument: str) -> None:
        await hold.wait()

    await cross(shop, "ann")
    server.on["DATA"] = wait
    await a_notifier(shop, SmtpChannel(server.url)).drain()
    hold.set()
    state = await state_of(shop, "ann")
    assert (state.state, state.note) == ("due", "The channel took too long.")


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


async def test_a_ledger_that_is_away_after_the_send_does_not_send_again(
    shop: Shop, server: MailServer, tmp_path: Path
) -> None:
    await cross(shop, "ann")
    ledger = ForgetfulLedger(tmp_path / "laurels.db", shop.now)
    notifier = a_notifier(shop, SmtpChannel(server.url), ledger=ledger)
    with pytest.raises(LedgerUnavailable):
        await notifier.drain()
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
