"""The mails: of a milestone (what was reached and when, what is next), and of points that are about to lapse.

Text and HTML that say the same; no pictures, nothing loaded from elsewhere, no tracking. No `List-Unsubscribe` either:
a milestone sends one mail, ever, and a reminder is about the member's own points, so there is nothing to leave.
"""

import re
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from functools import cache
from typing import TYPE_CHECKING

from laurels.errors import ProgramError, SettingsError
from laurels.ledger import Message
from laurels.model.times import to_datetime
from laurels.notify.addresses import ENCODED_WORD, BadAddress, parse_address
from laurels.program import Milestone, Program, Reminder
from laurels.program.local_time import day_of_instant

if TYPE_CHECKING:
    from jinja2 import Template

# Bodies that every mail server passes on unchanged: 7bit, quoted-printable or base64, in short lines.
_POLICY = SMTP.clone(cte_type="7bit")
_INTERNATIONAL_POLICY = SMTPUTF8.clone(cte_type="7bit")

_SENDER = re.compile(
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)+)"\s*|(?P<name>[^"<>]*))<(?P<email>[^<>]*)>|(?P<alone>[^<>"]+)', re.DOTALL
)
"""A shop's name in front of an address in angle brackets, or an address alone."""


class Composer:
    """Makes mails from one sender, whose display name is the shop's name: `Corner Shop <points@shop.example>`."""

    def __init__(self, sender: str, programs: Sequence[Program]) -> None:
        """`programs`: the one in force, then those before it, newest first, for messages that they decided.

        Raises `SettingsError` where `sender` is no address that mail can come from.
        """
        self._sender = parse_sender(sender)
        self._shop = self._sender.display_name or self._sender.domain
        self._programs = programs

    def compose(self, message: Message, email: str) -> EmailMessage:
        """The mail of a message. The same message gives the same bytes, however often it is composed.

        Raises `BadAddress` where no mail can be sent to `email`, `ProgramError` for a milestone that no program had.
        """
        recipient = parse_address(email)
        reminder = Reminder.named(message.milestone)
        subject, words = self._of_milestone(message) if reminder is None else self._of_reminder(message, reminder)
        text, html = _templates("milestone" if reminder is None else "lapse")
        mail = EmailMessage(policy=_POLICY if recipient.addr_spec.isascii() else _INTERNATIONAL_POLICY)
        mail["Message-ID"] = f"<{message.id}@{self._sender.domain}>"
        mail["Date"] = format_datetime(to_datetime(message.created_at))
        mail["From"] = self._sender
        mail["To"] = recipient
        mail["Subject"] = subject
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text.render(words))
        mail.add_alternative(html.render(words), subtype="html")
        mail.set_boundary(f"laurels-{message.id}")
        return mail

    def is_over(self, message: Message, now: int) -> bool:
        """Whether a message is about what is over: points that have lapsed by now."""
        reminder = Reminder.named(message.milestone)
        return reminder is not None and day_of_instant(now, self._programs[0].zone) > reminder.last_day

    def _of_reminder(self, message: Message, reminder: Reminder) -> tuple[str, dict[str, str | None]]:
        points = f"{message.points:,} {'point' if message.points == 1 else 'points'}"
        words: dict[str, str | None] = {
            "shop": self._shop,
            "points": f"{message.points:,}",
            "noun": "point" if message.points == 1 else "points",
            "month": f"{reminder.month:%B %Y}",
        }
        return f"{points} of yours at {self._shop} will lapse in {words['month']}", words

    def _of_milestone(self, message: Message) -> tuple[str, dict[str, str | None]]:
        day = to_datetime(message.created_at).astimezone(self._programs[0].zone)
        words = {
            "shop": self._shop,
            "points": f"{message.points:,}",
            "above": f"{self._passed(message).above:,}",
            "next_above": self._next(message.points),
            "day": f"{day.day} {day:%B %Y}",
        }
        return f"You have passed {words['above']} points at {self._shop}", words

    def _passed(self, message: Message) -> Milestone:
        """The milestone as it was passed; the program in force may have moved or dropped it since."""
        for program in self._programs:
            for milestone in program.milestones:
                if milestone.name == message.milestone and milestone.above < message.points:
                    return milestone
        raise ProgramError(f"No published program has a milestone {message.milestone} below {message.points} points.")

    def _next(self, points: int) -> str | None:
        ahead = [milestone.above for milestone in self._programs[0].milestones if milestone.above >= points]
        return f"{min(ahead):,}" if ahead else None


@cache
def _templates(name: str) -> "tuple[Template, Template]":
    """A mail as text and as HTML. Read for the first mail: most processes of a Laurels never write one."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape  # noqa: PLC0415

    templates = Environment(
        loader=PackageLoader("laurels.notify"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(f"{name}.txt"), templates.get_template(f"{name}.html")


def parse_sender(sender: str) -> Address:
    """Whom mails come from, with the shop's name. Raises `SettingsError` where that is no address."""
    match = _SENDER.fullmatch(sender)
    if match is None:
        raise _no_sender(sender)
    name = re.sub(r"\\(.)", r"\1", match["quoted"] or "") or (match["name"] or "").strip()
    try:
        address = parse_address(match["email"] or match["alone"], name)
    except BadAddress as error:
        raise _no_sender(sender) from error
    if not (name.isprintable() and address.username.isascii()) or ENCODED_WORD in name:
        raise _no_sender(sender)
    return address


def _no_sender(sender: str) -> SettingsError:
    return SettingsError(f"notify.from is {sender!r}: give one address such as Corner Shop <points@shop.example>")
