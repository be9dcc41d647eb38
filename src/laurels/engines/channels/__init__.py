"""Channels that take mails: a mail server, or files for whoever has none."""

from laurels.engines.channels.files import FileChannel
from laurels.engines.channels.smtp import SmtpChannel

__all__ = ["FileChannel", "SmtpChannel"]
