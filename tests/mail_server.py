"""A real mail server on loopback, whose answers a test decides, and a certificate for it."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as parse_policy
from pathlib import Path
from typing import Any, NamedTuple

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.ports import free_port

USER, PASSWORD = "corner-shop", "tr0ub4dor/&3"

Hook = Callable[[str], Awaitable[str | None]]
"""Called with a command's argument; gives the answer, or None for the usual one. May raise `HangUp`."""


class HangUp(Exception):
    """The server closes the connection instead of answering."""


class Delivery(NamedTuple):
    """A mail that the server took, as it came, and how it came."""

    recipients: list[str]
    content: bytes
    encrypted: bool
    authenticated: bool

    @property
    def mail(self) -> EmailMessage:
        parsed = message_from_bytes(self.content, policy=parse_policy)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def message_id(self) -> str:
        return str(self.mail["Message-ID"])


class MailServer:
    """Takes mails, unless the hook of a command (EHLO, MAIL, RCPT, DATA, QUIT) says otherwise."""

    def __init__(self, **options: Any) -> None:
        self.port = free_port()
        self.on: dict[str, Hook] = {}
        self.deliveries: list[Delivery] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.left = asyncio.Event()
        """Set once the last who connected has left."""
        self._tls = options.pop("implicit_tls", None)
        self._options = options
        self._transports: set[asyncio.Transport] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen on the same port each time."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, "127.0.0.1", self.port, ssl=self._tls)

    async def stop(self) -> None:
        """Stop listening and break every connection."""
        if self._server is not None:
            self._server.close()
            for transport in self._transports:
                transport.abort()
            self._transports.clear()
            await self._server.wait_closed()
            self._server = None

    def _connection(self) -> SMTP:
        server = self

        class Connection(SMTP):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                assert isinstance(transport, asyncio.Transport)
                server._transports.add(transport)
                server.left.clear()
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                super().connection_lost(error)
                server.left.set()

        return Connection(
            self,
            hostname="mail.example",
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
            **{"enable_SMTPUTF8": True, **self._options},
        )

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, who: Any) -> AuthResult:
        assert isinstance(who, LoginPassword)
        self.logins.append((who.login, who.password))
        known = (who.login, who.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=known, handled=False)

    async def _ask(self, server: SMTP, command: str, argument: str) -> str | None:
        hook = self.on.get(command)
        try:
            return await hook(argument) if hook else None
        except HangUp:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "421 hanging up"

    # The names that aiosmtpd calls.

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        answer = await self._ask(server, "EHLO", hostname)
        return responses if answer is None else [answer]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._ask(server, "MAIL", address)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return answer or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = await self._ask(server, "RCPT", address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        delivery = Delivery(envelope.rcpt_tos, envelope.content, session.ssl is not None, bool(session.authenticated))
        self.deliveries.append(delivery)  # before the answer: whoever asked may be gone by then
        answer = await self._ask(server, "DATA", delivery.message_id)
        if answer is not None:
            self.deliveries.remove(delivery)
        return answer or "250 OK"

    async def handle_QUIT(self, server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        return await self._ask(server, "QUIT", "") or "221 Bye"


@asynccontextmanager
async def mail_server(**options: Any) -> AsyncIterator[MailServer]:
    """A server that listens. Options go to aiosmtpd; `implicit_tls` is a context for TLS from the first byte."""
    server = MailServer(**options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def answers(text: str) -> Hook:
    """A hook that always gives this answer."""

    async def answer(_argument: str) -> str:
        return text

    return answer


def self_signed(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for 127.0.0.1; its file, and the server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    return certificate_file, context
