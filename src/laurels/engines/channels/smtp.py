"""Mails by SMTP: one connection a mail, encrypted wherever the server can, and always where there is a password."""

import errno
import re
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib

from laurels.errors import SettingsError
from laurels.notify import ChannelRefused, ChannelUnavailable

GREETING_TIMEOUT_S = 30.0
"""How long a server may take for each step until we are signed in."""

ANSWER_TIMEOUT_S = 600.0
"""How long it may take for each step of the mail itself. RFC 5321 lets it think that long about a mail; whoever leaves
earlier sends again what may have been delivered.
"""

_PERMANENT = 500
_SIGN_IN_FIRST = 530
_ENHANCED_CODE = re.compile(r"(?P<code>[245]\.\d{1,3}\.\d{1,3})\b")


_CODES = "in a user or password write / as %2F, ? as %3F, # as %23, @ as %40, % as %25"


class SmtpChannel:
    """A mail server, by URL: `smtp://user:password@host:587` or `smtps://host:465`.

    `smtp://` changes to TLS (STARTTLS) where the server offers it; with a password it has to, or nothing is sent.
    Certificates are checked against the system's authorities, or those of the file in `SSL_CERT_FILE`.
    """

    name = "smtp"

    def __init__(self, url: str) -> None:
        """Raises `SettingsError` for a URL that names no mail server; the error does not repeat the URL."""
        try:
            parts = urlsplit(url)
            self._tls = parts.scheme == "smtps"
            self._port = parts.port or (465 if self._tls else 25)
        except ValueError:
            raise _bad_url(f"host or port cannot be read; {_CODES}") from None
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.port == 0:
            raise _bad_url("it names no mail server")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise _bad_url(f"something follows the port; {_CODES}")
        if bool(parts.username) != bool(parts.password):
            raise _bad_url("user and password go together")
        self._host = parts.hostname
        self._where = f"{self._host}:{self._port}"
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None

    async def send(self, message: EmailMessage) -> None:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._tls,
            start_tls=True if self._user and not self._tls else None,
            timeout=GREETING_TIMEOUT_S,
        )
        try:
            await client.connect()
            await client.send_message(message, timeout=ANSWER_TIMEOUT_S)
            with suppress(aiosmtplib.SMTPException, OSError):  # the server has the mail, whatever it says to a goodbye
                await client.quit()
        except aiosmtplib.SMTPRecipientsRefused as error:
            [answer] = error.recipients
            if _blames_the_address(answer):
                raise ChannelRefused(f"The mail server refused the address ({_codes(answer)}).") from error
            raise ChannelUnavailable(f"The mail server does not take the address now ({_codes(answer)}).") from error
        except aiosmtplib.SMTPResponseException as error:
            raise ChannelUnavailable(f"The mail server did not take the message ({_codes(error)}).") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise ChannelUnavailable(f"The mail server {self._where} cannot be used ({_kind(error)}).") from error
        finally:
            client.close()  # at once: who is cancelled has no time for a goodbye

    async def forget(self, ids: Sequence[str]) -> None:
        """Keeps nothing."""

    async def close(self) -> None:
        return


def _kind(error: BaseException) -> str:
    """What kind of error it was, with the system's name for it: SMTPConnectError, ECONNREFUSED. Not what it says: that
    may quote an address.
    """
    names = [type(error).__name__]
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno is not None:
            names.append(errno.errorcode.get(cause.errno, str(cause.errno)))
            break
        cause = cause.__cause__ or cause.__context__
    return ", ".join(names)


def _blames_the_address(answer: aiosmtplib.SMTPResponseException) -> bool:
    """Whether a refused recipient is so for good. Not for a policy (x.7.x, or 530): that is about us, as
    in "relaying denied", and the shop can fix it.
    """
    policy = answer.code == _SIGN_IN_FIRST or (_enhanced(answer) or "").startswith("5.7.")
    return answer.code >= _PERMANENT and not policy


def _codes(answer: aiosmtplib.SMTPResponseException) -> str:
    """The answer's codes, without its text: that may quote the address."""
    return " ".join(filter(None, [str(answer.code), _enhanced(answer)]))


def _enhanced(answer: aiosmtplib.SMTPResponseException) -> str | None:
    match = _ENHANCED_CODE.match(answer.message)
    return match["code"] if match else None


def _bad_url(why: str) -> SettingsError:
    return SettingsError(f"notify.smtp_url: {why}. Give smtp://host:port or smtps://user:password@host:port")
