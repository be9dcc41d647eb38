"""The mail that a milestone sends: who the shop is, the points, what is next.

Text and HTML, no pictures, no tracking.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from laurels.errors import SettingsError
from laurels.ledger import Message
from laurels.model.times import to_datetime
from laurels.program import Program


class Composer:
    """Makes mails from one sender, whose display name is the shop's name: `Corner Shop <points@shop.example>`."""

    def __init__(self, sender: str, program: Program) -> None:
        """Raises `SettingsError` where `sender` is no mail address."""
        name, address = parseaddr(sender)
        user, at, domain = address.rpartition("@")
        if not (user and at and domain):
            raise SettingsError(f"notify.from is {sender!r}: give an address such as Corner Shop <points@shop.example>")
        self._shop = name or domain
        self._sender = Address(name, user, domain)
        self._domain = domain
        self._program = program
        templates = Environment(
            loader=PackageLoader("laurels.notify"),
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._text = templates.get_template("milestone.txt")
        self._html = templates.get_template("milestone.html")

    def compose(self, message: Message, email: str) -> EmailMessage:
        """The mail of a message. The same message gives the same bytes, however often it is composed."""
        words = {
            "shop": self._shop,
            "points": f"{message.points:,}",
            "above": f"{self._above(message.milestone):,}",
            "next_above": self._next(message.points),
        }
        mail = EmailMessage(policy=SMTP)
        mail["Message-ID"] = f"<{message.id}@{self._domain}>"
        mail["Date"] = format_datetime(to_datetime(message.created_at))
        mail["From"] = self._sender
        mail["To"] = email
        mail["Subject"] = f"You have passed {words['above']} points at {self._shop}"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(self._text.render(words))
        mail.add_alternative(self._html.render(words), subtype="html")
        mail.set_boundary(f"laurels-{message.id}")
        return mail

    def _above(self, milestone: str) -> int:
        """The threshold; a milestone that the program no longer has is named by what it was passed with."""
        return next((known.above for known in self._program.milestones if known.name == milestone), 0)

    def _next(self, points: int) -> str | None:
        ahead = [milestone.above for milestone in self._program.milestones if milestone.above >= points]
        return f"{min(ahead):,}" if ahead else None
