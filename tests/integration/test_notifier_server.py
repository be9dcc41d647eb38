"""Milestone mails and the mail server's moods: away, refusing, breaking off, slow. No mail is lost, none goes twice."""

import asyncio
import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.integration.notifying import (  # noqa: F401 - fixtures
    a_notifier,
    cross,
    mail_host,
    recipients,
    shop_with_mails,
    shops_notifier,
    state_of,
)
from tests.mail_server import PASSWORD, USER, HangUp, MailServer, answers, mail_server, self_signed

from laurels.clock import DAY, HOUR, MINUTE
from laurels.engines.channels import SmtpChannel
from laurels.notify import Notifier
from laurels.notify import notifier as notifier_room
from laurels.testing.ledger_contract.base import Shop

pytestmark = pytest.mark.anyio

UNREACHED = re.compile(r"The mail server [\w.]+:\d+ cannot be used \(SMTPConnectError, ECONNREFUSED\)\.")


SOON_S = 60


REFUSED = "The mail server refused the address"


NOT_NOW = "The mail server does not take the address now"


NOT_TAKEN = "The mail server did not take the message"


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
    """Whatever the shop may fix is tried again, and the mail arrives once it has. No reason quotes the server."""
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
