"""Mails by SMTP: one connection a mail, STARTTLS wherever the server offers it."""

from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib

from laurels.errors import SettingsError
from laurels.notify import ChannelRefused, ChannelUnavailable

TIMEOUT_S = 10.0
"""How long a server may take for each step."""

_PERMANENT = range(500, 600)


class SmtpChannel:
    """A mail server, by URL: `smtp://user:password@host:587` (STARTTLS where offered) or `smtps://host:465`."""

    name = "smtp"

    def __init__(self, url: str) -> None:
        """Raises `SettingsError` for a URL that names no mail server."""
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise SettingsError("notify.smtp_url: give smtp://host:port or smtps://host:port")
        self._tls = parts.scheme == "smtps"
        self._host = parts.hostname
        try:
            self._port = parts.port or (465 if self._tls else 25)
        except ValueError as error:
            raise SettingsError("notify.smtp_url: the port is not a number from 0 to 65535") from error
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None

    async def send(self, message: EmailMessage) -> None:
        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                use_tls=self._tls,
                username=self._user,
                password=self._password,
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            if all(code in _PERMANENT for code in codes):
                raise ChannelRefused(f"The mail server refused the address ({codes[0]}).") from error
            raise ChannelUnavailable(f"The mail server does not take the address now ({codes[0]}).") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise ChannelUnavailable(f"The mail server did not take the message ({type(error).__name__}).") from error

    async def close(self) -> None:
        return
