"""The channel that messages go through, and what writes them."""

from operator import attrgetter

from laurels.awarding import Programs
from laurels.engines.channels import FileChannel, SmtpChannel
from laurels.errors import SettingsError
from laurels.notify import Composer, MessageChannel
from laurels.settings import Settings

NOBODY = "loyalty@localhost"
"""The sender of mails that are only written to files."""


def open_channel(settings: Settings) -> MessageChannel:
    """The channel that mails go through: the mail server that is set, or files under `state`."""
    if settings.notify.smtp_url is None:
        return FileChannel(settings.state / "outbox")
    return SmtpChannel(settings.notify.smtp_url)


def open_composer(settings: Settings, programs: Programs) -> Composer:
    """What writes the mails, from the sender that is set. Raises `SettingsError` where a mail server is set and no
    sender.
    """
    sender = settings.notify.sender
    if sender is None and settings.notify.smtp_url is not None:
        raise SettingsError("notify.from is not set: say who the mails are from, as Corner Shop <points@shop.example>")
    earlier = sorted(programs.published.values(), key=attrgetter("version"), reverse=True)
    return Composer(sender or NOBODY, [programs.current, *earlier])
