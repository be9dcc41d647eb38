"""The mails that went out, read back from the files that the demo's channel writes them to."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from msgspec import Struct

from laurels.errors import NotFound


class Mail(Struct, frozen=True, kw_only=True):
    """A mail as a list of mails shows it. `id` names it in the outbox; `sent_at` is RFC 3339."""

    id: str
    sender: str
    subject: str
    sent_at: str


def mails_to(outbox: Path, address: str) -> list[Mail]:
    """The mails to one address, newest first."""
    read = [(path, _read(path)) for path in outbox.glob("*.eml")]
    mails = [_shown(path.stem, mail) for path, mail in read if address in str(mail["To"])]
    return sorted(mails, key=lambda mail: mail.sent_at, reverse=True)


def html_of(outbox: Path, mail_id: str) -> bytes:
    """A mail's HTML. Raises `NotFound`."""
    path = outbox / f"{mail_id}.eml"
    if not path.is_file():
        raise NotFound("There is no such mail.")
    body = _read(path).get_body(("html",))
    if body is None:
        raise NotFound("The mail has no HTML.")
    return str(body.get_content()).encode()


def _read(path: Path) -> EmailMessage:
    with path.open("rb") as file:
        return BytesParser(EmailMessage, policy=policy.default).parse(file)


def _shown(mail_id: str, mail: EmailMessage) -> Mail:
    return Mail(
        id=mail_id,
        sender=str(mail["From"]),
        subject=str(mail["Subject"]),
        sent_at=mail["Date"].datetime.isoformat(),
    )
