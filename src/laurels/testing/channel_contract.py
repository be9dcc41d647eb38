"""What every channel must do, as tests. An engine keeps the port's promises when a subclass of this passes.

    class TestMyChannel(ChannelContract):
        @pytest.fixture
        async def mailbox(self, tmp_path: Path) -> AsyncIterator[Mailbox]:
            async with my_server(tmp_path) as mailbox:
                yield mailbox

The tests are asyncio coroutines, run by anyio's pytest plugin: let a fixture `anyio_backend` give "asyncio".
"""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.policy import default as parse_policy
from typing import Protocol

import pytest

from laurels.notify import ChannelUnavailable, MessageChannel
from laurels.testing.left_open import what_is_open

SOON_S = 60
"""What should happen at once fails the test after this long."""


class Mailbox(Protocol):
    """Where a channel's mails arrive."""

    def channel(self) -> MessageChannel:
        """Give a new channel to here."""
        ...

    def received(self) -> list[bytes]:
        """Give every mail that arrived, as it came."""
        ...

    async def go_away(self) -> None:
        """Take nothing any more."""
        ...

    async def come_back(self) -> None:
        """Take mails again, at the same place."""
        ...


class ChannelContract:
    """Subclass it, override the fixture `mailbox`, and let pytest collect the subclass."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def mailbox(self) -> Mailbox:
        """Give where the channel's mails arrive. To be overridden."""
        raise NotImplementedError

    @pytest.fixture
    async def channel(self, mailbox: Mailbox) -> AsyncIterator[MessageChannel]:
        """Give the channel under test, and look for what it left open."""
        before = what_is_open()
        channel = mailbox.channel()
        yield channel
        await channel.close()
        await mailbox.go_away()
        assert sorted(what_is_open() - before) == []

    async def test_a_mail_arrives_as_it_was_sent(self, channel: MessageChannel, mailbox: Mailbox) -> None:
        """Lines that begin with a dot, long lines and other alphabets included; sending changes nothing in it."""
        mail = a_mail("1", body=f".\n..two dots\nFrom here\n{'long ' * 300}\nŁódź, 東京 🏆\n")
        before = bytes(mail)
        await _soon(channel, mail)
        assert bytes(mail) == before
        [received] = mailbox.received()
        assert _essence(received) == _essence(before)

    async def test_an_international_address_arrives(self, channel: MessageChannel, mailbox: Mailbox) -> None:
        """Letters beyond ASCII before the @ (RFC 6531)."""
        mail = a_mail("1", to="jürgen@example.com")
        await _soon(channel, mail)
        [received] = mailbox.received()
        assert _essence(received) == _essence(bytes(mail))

    async def test_the_same_mail_again_is_no_error(self, channel: MessageChannel, mailbox: Mailbox) -> None:
        """It arrives once or twice, and whoever looks at the Message-ID can tell."""
        for _ in range(2):
            await _soon(channel, a_mail("1"))
        received = mailbox.received()
        assert 1 <= len(received) <= 2
        assert len(set(received)) == 1

    async def test_many_at_once_do_not_mix(self, channel: MessageChannel, mailbox: Mailbox) -> None:
        """Each arrives once, whole."""
        mails = [a_mail(str(n), to=f"m{n}@example.com", body=f"{n} points\n" * 200) for n in range(10)]
        await asyncio.gather(*(_soon(channel, mail) for mail in mails))
        received = sorted(_essence(each) for each in mailbox.received())
        assert received == sorted(_essence(bytes(mail)) for mail in mails)

    async def test_it_says_when_it_cannot_and_then_can_again(self, channel: MessageChannel, mailbox: Mailbox) -> None:
        """With a reason that holds no address."""
        await mailbox.go_away()
        with pytest.raises(ChannelUnavailable) as refusal:
            await _soon(channel, a_mail("1"))
        assert "ann@example.com" not in refusal.value.message
        await mailbox.come_back()
        await _soon(channel, a_mail("1"))
        assert len(mailbox.received()) == 1


def a_mail(id: str, *, to: str = "ann@example.com", body: str = "Hello\n") -> EmailMessage:
    """A mail such as the composer makes."""
    mail = EmailMessage(policy=SMTP if to.isascii() else SMTPUTF8)
    mail["Message-ID"] = f"<{id}@shop.example>"
    mail["From"] = "Corner Shop <points@shop.example>"
    mail["To"] = to
    mail["Subject"] = "You have passed 100 points"
    mail.set_content(body, cte="quoted-printable")
    return mail


async def _soon(channel: MessageChannel, mail: EmailMessage) -> None:
    await asyncio.wait_for(channel.send(mail), SOON_S)


def _essence(raw: bytes) -> tuple[str, str, str, str]:
    """Give what a reader sees of a mail."""
    mail = message_from_bytes(raw, policy=parse_policy)
    assert isinstance(mail, EmailMessage)
    return str(mail["Message-ID"]), str(mail["To"]), str(mail["Subject"]), mail.get_content()
