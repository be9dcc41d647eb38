"""The channel that messages go through, and what writes them."""

from operator import attrgetter

from laurels.awarding import Programs
from laurels.engines.channels import FileChannel, SmtpChannel
from laurels.errors import SettingsError
from laurels.notify import Composer, MessageChannel, parse_sender
from laurels.settings import Settings

NOBODY = "loyalty@localhost"
"""The sender of mails that are only written to files."""


def open_channel(settings: Settings) -> MessageChannel:
    """The channel that mails go through: the mail server that is set, or files under `state`."""
    if settings.notify.smtp_url is None:
        return FileChannel(settings.state / "outbox")
    return SmtpChannel(settings.notify.smtp_url)


def check_sender(settings: Settings) -> None:
    """Raise `SettingsError` where the sender of mails is no address, or a mail server is set and no sender."""
    if settings.notify.sender is not None:
        parse_sender(settings.notify.sender)
    elif settings.notify.smtp_url is not None:
        raise SettingsError("notify.from is not set: say who the mails are from, as Corner Shop <points@shop.example>")


def open_composer(settings: Settings, programs: Programs) -> Composer:
    """What writes the mails, from the sender that is set."""
    earlier = sorted(programs.published.values(), key=attrgetter("version"), reverse=True)
    return Composer(settings.notify.sender or NOBODY, [programs.current, *earlier])
