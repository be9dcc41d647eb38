"""Notify: what the ledger decided to say to a member is said, once.

The decision was made in the award's transaction; this package only carries it out: composes the mail, hands it to a
channel, and writes down what became of it. A crash between sending and writing sends the same mail again under the same
Message-ID.
"""

from laurels.notify.addresses import BadAddress, parse_address
from laurels.notify.channel import ChannelRefused, ChannelUnavailable, MessageChannel
from laurels.notify.composing import Composer, parse_sender
from laurels.notify.notifier import Notifier

__all__ = [
    "BadAddress",
    "ChannelRefused",
    "ChannelUnavailable",
    "Composer",
    "MessageChannel",
    "Notifier",
    "parse_address",
    "parse_sender",
]
