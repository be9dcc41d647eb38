"""Files and mail servers keep the channel's promises: in the clear, by STARTTLS, and by TLS from the start."""

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.mail_server import PASSWORD, USER, MailServer, mail_server, self_signed

from laurels.engines.channels import FileChannel, SmtpChannel
from laurels.notify import MessageChannel
from laurels.testing.channel_contract import ChannelContract, Mailbox, a_mail

KILLED = """
import asyncio, os, signal, sys
from email.message import EmailMessage
from pathlib import Path
from laurels.engines.channels import FileChannel
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
mail = EmailMessage()
mail["Message-ID"] = sys.argv[2]
asyncio.run(FileChannel(Path(sys.argv[1])).send(mail))
"""
"""Writes a mail to a folder, and dies before it is there."""

SIGNED_IN = f"{USER}:{quote(PASSWORD, safe='')}@"


class Outbox:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def channel(self) -> MessageChannel:
        return FileChannel(self._folder)

    def received(self) -> list[bytes]:
        return [path.read_bytes() for path in self._folder.iterdir()]

    async def go_away(self) -> None:
        """A file in the folder's place stops even a superuser."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.touch()

    async def come_back(self) -> None:
        self._folder.unlink()


class Post:
    def __init__(self, server: MailServer, url: str) -> None:
        self._server = server
        self._url = url

    def channel(self) -> MessageChannel:
        return SmtpChannel(self._url)

    def received(self) -> list[bytes]:
        return [delivery.content for delivery in self._server.deliveries]

    async def go_away(self) -> None:
        await self._server.stop()

    async def come_back(self) -> None:
        await self._server.start()


class TestFiles(ChannelContract):
    @pytest.fixture
    def mailbox(self, tmp_path: Path) -> Mailbox:
        return Outbox(tmp_path / "outbox")

    async def test_what_a_killed_process_left_of_a_mail_is_forgotten_with_it(self, tmp_path: Path) -> None:
        """Killed before the draft got its name; so did earlier versions, whose drafts do not say whose they are."""
        folder = tmp_path / "outbox"
        for id in ("<ann@shop.example>", "<bob@shop.example>"):
            died = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(folder), id)
            assert await died.wait() == -signal.SIGKILL
        (folder / ".draft-abcd1234").touch()
        channel = FileChannel(folder)
        await channel.send(a_mail("ann"))
        await channel.send(a_mail("bob"))
        assert len([*folder.iterdir()]) == 5
        await channel.forget(["ann"])
        assert sorted(path.name.partition("@")[0] for path in folder.iterdir()) == [".draft-bob", "bob"]


class TestSmtp(ChannelContract):
    @pytest.fixture
    async def mailbox(self) -> AsyncIterator[Mailbox]:
        async with mail_server() as server:
            yield Post(server, server.url)


class TestSmtpWithStartTls(ChannelContract):
    @pytest.fixture
    async def mailbox(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mailbox]:
        certificate, context = self_signed(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with mail_server(tls_context=context, require_starttls=True, auth_required=True) as server:
            yield Post(server, server.url.replace("://", f"://{SIGNED_IN}"))
            assert all(delivery.encrypted and delivery.authenticated for delivery in server.deliveries)


class TestSmtps(ChannelContract):
    @pytest.fixture
    async def mailbox(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mailbox]:
        certificate, context = self_signed(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with mail_server(implicit_tls=context) as server:
            yield Post(server, server.url.replace("smtp:", "smtps:"))
