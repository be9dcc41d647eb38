"""`./manage.py send_loyalty_outbox`: the process that tells Laurels what the shop sold and took back."""

import logging
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.loyalty.client import Away, Laurels
from shop.loyalty.sender import Sender, backoff_s
from shop.loyalty.tokens import sender_token

IDLE_S = 1.0
"""How long to wait before looking again, when nothing was due."""

log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Send until told to stop, or (`--once`) until nothing is due. As many may run as you like."""

    help = "Send the loyalty outbox to Laurels. Stop it by SIGTERM; kill it whenever you must, nothing is lost."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--once` is for cron jobs and tests."""
        parser.add_argument("--once", action="store_true", help="send what is due and leave; 1 if Laurels is away")

    def handle(self, *, once: bool, **_: Any) -> None:
        """Send batch after batch. While Laurels is away, wait longer and longer, and as long as it asks at least."""
        sender = Sender(Laurels(settings.LAURELS_URL, sender_token), lease_s=settings.LAURELS_LEASE_S)
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        failures = 0
        while not stop.is_set():
            try:
                sent = sender.send_due()
            except Away as away:
                if once:
                    raise CommandError(f"{away}. The rows stay in the outbox; send again later.") from away
                failures += 1
                wait_s = max(away.retry_after_s, backoff_s(failures))
                log.warning("%s. Trying again in %.0f s.", away, wait_s)
                stop.wait(wait_s)
                continue
            failures = 0
            if sent == 0:
                if once:
                    return
                stop.wait(IDLE_S)
